//! Sections: whom settings are for.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    sync::Arc,
};

use super::{
    fault::{FaultList, SettingsFault},
    key::{Key, Value},
};
use crate::{
    Name,
    grammar::{
        analysis::{self, Facts, Size},
        error::{LocatedFault, located},
        habits,
        suggest::did_you_mean,
        tokens::errors::ErrorList,
    },
    info::{kill_switch, settings::SettingSource},
};

/// One setting of a section.
pub(crate) struct Setting {
    pub(crate) key: Key,
    pub(crate) value: Value,
    /// The value as the attribute reads it, by which settings are compared.
    pub(crate) text: String,
    /// The value as it was written.
    pub(super) written: Box<str>,
    pub(crate) source: SettingSource,
}

impl Setting {
    /// Returns a mistake in it.
    pub(super) fn fault(&self, fault: LocatedFault, breaker: Option<&Name>) -> SettingsFault {
        let (place, key) = place_of(&self.source, self.key.name());
        SettingsFault {
            place,
            key,
            column: fault.column,
            breakers: breaker.into_iter().cloned().collect(),
            message: fault.message,
        }
    }
}

fn place_of(source: &SettingSource, key: &str) -> (String, Option<String>) {
    let is_variable = matches!(source, SettingSource::Environment(_));
    (source.to_string(), (!is_variable).then(|| key.to_owned()))
}

/// What a breaker is given, key by key.
pub(crate) type Values = BTreeMap<Key, Arc<Setting>>;

/// Whom a section is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum SectionName {
    All,
    Breaker(String),
    Set(String),
    /// A set, and a key of it.
    Key(String, String),
}

/// Writes the head of the section, as in TOML.
impl fmt::Display for SectionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("[all]"),
            Self::Breaker(name) => write!(f, "[breaker.{name:?}]"),
            Self::Set(name) => write!(f, "[set.{name:?}]"),
            Self::Key(set, key) => write!(f, "[set.{set:?}.key.{key:?}]"),
        }
    }
}

/// Which of several kinds of settings these are: each has its rank, and is replaced as
/// a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SourceKind {
    /// A file, or whatever else a serde format is read from.
    File,
    Environment,
}

/// Settings as they were read, by whom they are for.
#[derive(Default)]
pub(crate) struct Sections {
    all: Values,
    breakers: HashMap<String, Values>,
    sets: HashMap<String, Values>,
    /// By set and key.
    keys: HashMap<(String, String), Values>,
    pub(super) names: BTreeSet<SectionName>,
}

/// Whom a breaker is for: a name of its own, or a key of a set.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Alone,
    #[cfg_attr(not(feature = "keyed"), allow(dead_code, reason = "made for keys"))]
    Key {
        set: Name,
        /// `None` for the breaker that keys share, and for a key that can't be shown.
        key: Option<String>,
    },
}

impl SourceKind {
    /// Returns a name as it is looked up.
    pub(super) fn plain(self, name: &str) -> String {
        match self {
            Self::File => name.to_owned(),
            Self::Environment => kill_switch::upper_case(name),
        }
    }

    /// Returns how a key of a set is looked up: by both, or by what both are in a
    /// variable.
    fn key(self, set: &str, key: &str) -> (String, String) {
        match self {
            Self::File => (set.to_owned(), key.to_owned()),
            Self::Environment => {
                let both = format!("{}__KEY__{}", self.plain(set), self.plain(key));
                (both, String::new())
            }
        }
    }
}

impl Sections {
    /// Returns what there is for a breaker, lowest first.
    pub(super) fn of<'a>(
        &'a self,
        kind: SourceKind,
        name: &str,
        place: &Place,
    ) -> impl Iterator<Item = &'a Values> {
        let (own, key) = match place {
            Place::Alone if self.breakers.is_empty() => (None, None),
            Place::Alone => (self.breakers.get(&kind.plain(name)), None),
            Place::Key { set, key } => {
                let key = key.as_ref().filter(|_| !self.keys.is_empty());
                (
                    self.sets.get(&kind.plain(set)),
                    key.and_then(|key| self.keys.get(&kind.key(set, key))),
                )
            }
        };
        [Some(&self.all), own, key].into_iter().flatten()
    }

    /// Enters the settings of a section.
    pub(super) fn enter(&mut self, kind: SourceKind, name: SectionName, values: Values) {
        let own = match &name {
            SectionName::All => &mut self.all,
            SectionName::Breaker(name) => self.breakers.entry(kind.plain(name)).or_default(),
            SectionName::Set(set) => self.sets.entry(kind.plain(set)).or_default(),
            SectionName::Key(set, key) => self.keys.entry(kind.key(set, key)).or_default(),
        };
        own.extend(values);
        self.names.insert(name);
    }

    /// Enters a setting of a variable, whose rest is that of a set, or of a set and a
    /// key: which of the two is seen when the sets are known.
    pub(super) fn enter_set_variable(&mut self, rest: &str, setting: &Arc<Setting>) {
        self.names.insert(SectionName::Set(rest.to_owned()));
        let of_set = self.sets.entry(rest.to_owned()).or_default();
        of_set.insert(setting.key, Arc::clone(setting));
        let of_key = self.keys.entry((rest.to_owned(), String::new()));
        of_key.or_default().insert(setting.key, Arc::clone(setting));
    }

    /// Returns the settings of every section.
    pub(super) fn every(&self) -> impl Iterator<Item = &Values> {
        let named = self.breakers.values().chain(self.sets.values());
        [&self.all].into_iter().chain(named)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

/// Reads one setting of a section, and reports what is wrong with it.
pub(super) fn read(
    key: Key,
    written: &str,
    source: &SettingSource,
    faults: &mut FaultList,
) -> Option<Arc<Setting>> {
    match key.read(written) {
        Ok(value) => Some(Arc::new(Setting {
            key,
            text: value.to_string(),
            value,
            written: written.into(),
            source: source.clone(),
        })),
        Err(found) => {
            let (place, key) = place_of(source, key.name());
            faults.extend(found.into_iter().map(|fault| SettingsFault {
                place: place.clone(),
                key: key.clone(),
                column: fault.column,
                breakers: Vec::new(),
                message: fault.message,
            }));
            None
        }
    }
}

/// Looks at the rule of one section as a whole, as far as the section knows.
pub(super) fn check_rule(values: &Values, faults: &mut FaultList) {
    let Some((setting, Value::Tripper(rule))) = get(values, Key::Tripper) else {
        return;
    };
    let window = match get(values, Key::Window) {
        Some((_, Value::Window(window))) => Size::from(Some(*window)),
        _ => Size::Unknown,
    };
    let close_after = match get(values, Key::CloseAfter) {
        Some((_, Value::Count(count))) => Some(*count),
        _ => None,
    };
    let reopen_after = match get(values, Key::ReopenAfter) {
        Some((_, Value::ReopenAfter(count))) => *count,
        _ => None,
    };
    let errors = ErrorList::default();
    let facts = Facts {
        window,
        tripper: rule,
        close_after,
        reopen_after,
    };
    analysis::check(&facts, &errors);
    if let Err(found) = located(&setting.written, errors, Ok(())) {
        let found = found.into_iter().map(|fault| setting.fault(fault, None));
        faults.extend(found);
    }
}

pub(super) fn get(values: &Values, key: Key) -> Option<(&Arc<Setting>, &Value)> {
    values.get(&key).map(|setting| (setting, &setting.value))
}

/// Keys of the attribute that no settings have, since they are code, or the identity of
/// a breaker.
const IN_CODE: [&str; 16] = [
    "listeners",
    "tracker",
    "failure_if",
    "classify",
    "failure_texts",
    "fallback",
    "map_rejection",
    "handle",
    "breaker",
    "name",
    "key",
    "key_type",
    "max_keys",
    "max_labels",
    "settings",
    "crate",
];

/// Says what is wrong with a name that is no key.
pub(super) fn unknown(name: &str) -> String {
    if name == "initial_state" {
        return "`initial_state` is set in the code; in settings the state that a breaker has is \
                `state`, as in `state = \"metrics_only\"`"
            .to_owned();
    }
    if IN_CODE.contains(&name) {
        return format!("`{name}` is set in the code: settings have {}", listed());
    }
    let of_settings = |advice: &String| {
        let keys = Key::ALL.iter().map(|key| key.name());
        keys.clone()
            .any(|key| advice.contains(&format!("`{key} = ")))
    };
    let advice = match habits::setting(name).filter(of_settings) {
        Some(habit) => format!("; {habit}"),
        None => match did_you_mean(name, Key::ALL.iter().map(|key| key.name())) {
            meant if meant.is_empty() => format!("; the keys are {}", listed()),
            meant => meant,
        },
    };
    format!("unknown key `{name}`{advice}")
}

fn listed() -> String {
    let names: Vec<_> = Key::ALL
        .iter()
        .map(|key| format!("`{}`", key.name()))
        .collect();
    names.join(", ")
}
