//! From tables to sections.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    fault::{FaultList, SettingsFault},
    key::Key,
    raw::{MOST_BYTES, MOST_ENTRIES, Raw},
    section::{self, SectionName, Sections, SourceKind, Values},
};
use crate::{grammar::suggest::did_you_mean, info::settings::SettingSource};

/// The most bytes of a name of a breaker, a set or a key.
pub(super) const LONGEST_NAME: usize = 1024;

/// Says that there is more than is read.
pub(super) fn too_much() -> SettingsFault {
    fault(
        "settings",
        None,
        format!(
            "these have more than {MOST_ENTRIES} entries, or more than {MOST_BYTES} bytes of text, \
             which is the most that is read"
        ),
    )
}

/// Reads all sections.
pub(super) fn read(raw: Raw, faults: &mut FaultList) -> Sections {
    let mut reader = Reader {
        sections: Sections::default(),
        faults,
    };
    let Some(tables) = reader.table(
        raw,
        "settings",
        "tables `[all]`, `[breaker.\"…\"]` and `[set.\"…\"]`",
    ) else {
        return reader.sections;
    };
    let mut seen = BTreeSet::new();
    for (name, raw) in tables {
        if !seen.insert(name.clone()) {
            reader.report(shown(&name), None, "this section is given twice");
            continue;
        }
        match name.as_str() {
            "all" => reader.section(SectionName::All, raw, false),
            "breaker" => reader.named(raw, "breaker", SectionName::Breaker, false),
            "set" => reader.named(raw, "set", SectionName::Set, true),
            _ => reader.unknown_section(&name),
        }
    }
    reader.sections
}

fn fault(place: impl Into<String>, key: Option<&str>, message: impl Into<String>) -> SettingsFault {
    SettingsFault {
        place: place.into(),
        key: key.map(ToOwned::to_owned),
        column: None,
        breakers: Vec::new(),
        message: message.into(),
    }
}

/// Returns a name that may be of any length as it is shown.
pub(super) fn shown(name: &str) -> String {
    const SHOWN: usize = 100;
    let end = name.char_indices().nth(SHOWN);
    let (start, rest) = match end {
        Some((end, _)) => (&name[..end], "…"),
        None => (name, ""),
    };
    format!("{}{rest}", start.escape_debug())
}

struct Reader<'f> {
    sections: Sections,
    faults: &'f mut FaultList,
}

impl Reader<'_> {
    fn report(&mut self, place: impl Into<String>, key: Option<&str>, message: impl Into<String>) {
        self.faults.push(fault(place, key, message));
    }

    fn unknown_section(&mut self, name: &str) {
        let meant = did_you_mean(name, ["all", "breaker", "set"]);
        let advice = if Key::find(name).is_some() {
            format!(
                "; for all breakers write it below `[all]`, for one below `[breaker.\"…\"]`: `{name}` stands in no section"
            )
        } else if meant.is_empty() {
            "; the sections are `[all]`, `[breaker.\"…\"]` and `[set.\"…\"]`".to_owned()
        } else {
            meant
        };
        let name = shown(name);
        self.report(
            format!("[{name}]"),
            None,
            format!("unknown section `{name}`{advice}"),
        );
    }

    /// Returns the entries of a table.
    fn table(&mut self, raw: Raw, place: &str, wanted: &str) -> Option<Vec<(String, Raw)>> {
        let found = match raw {
            Raw::Table(entries) => return Some(entries),
            Raw::Text(text) => format!("`{}`", shown(&text)),
            Raw::Other(what) => what.to_owned(),
        };
        self.report(place, None, format!("expected {wanted}, found {found}"));
        None
    }

    /// Reads the sections of one kind, by name.
    fn named(&mut self, raw: Raw, kind: &str, section: fn(String) -> SectionName, has_keys: bool) {
        let wanted = format!("a table for each name, as in `[{kind}.\"payments\"]`");
        let Some(entries) = self.table(raw, &format!("[{kind}]"), &wanted) else {
            return;
        };
        for (name, raw) in self.by_name(entries, &format!("[{kind}]")) {
            if let (Some(key), Raw::Text(_)) = (Key::find(&name), &raw) {
                let key = key.name();
                let message = format!(
                    "`{key}` is given to no {kind}; name one, as in `[{kind}.\"payments\"]`"
                );
                self.report(format!("[{kind}]"), Some(key), message);
                continue;
            }
            self.section(section(name), raw, has_keys);
        }
    }

    /// Refuses names that are too long, and names that are there already.
    fn by_name(&mut self, entries: Vec<(String, Raw)>, place: &str) -> Vec<(String, Raw)> {
        let mut seen = BTreeSet::new();
        let mut sound = Vec::new();
        for (name, raw) in entries {
            if name.len() > LONGEST_NAME {
                let message = format!(
                    "a name is at most {LONGEST_NAME} bytes long, and this has {}: {}",
                    name.len(),
                    shown(&name)
                );
                self.report(place, None, message);
            } else if seen.insert(name.clone()) {
                sound.push((name, raw));
            } else {
                self.report(place, None, format!("`{}` is given twice", shown(&name)));
            }
        }
        sound
    }

    /// Reads one section.
    fn section(&mut self, name: SectionName, raw: Raw, has_keys: bool) {
        let head = name.to_string();
        let wanted = "a table of settings, as in `retry = \"Cooldown(60s)\"`";
        let Some(entries) = self.table(raw, &head, wanted) else {
            return;
        };
        let source = SettingSource::Section(head.as_str().into());
        let mut values = Values::new();
        for (key, raw) in self.by_name(entries, &head) {
            if has_keys && key == "key" {
                self.keys(&name, raw);
                continue;
            }
            let Some(known) = Key::find(&key) else {
                self.report(head.as_str(), None, section::unknown(&shown(&key)));
                continue;
            };
            let written = match raw {
                Raw::Text(text) => text,
                Raw::Other("nothing") => {
                    let message = "this is nothing; leave the setting out for the code's value";
                    self.report(head.as_str(), Some(&key), message);
                    continue;
                }
                Raw::Other(what) => {
                    self.report(
                        head.as_str(),
                        Some(&key),
                        format!("expected a value as a text, found {what}"),
                    );
                    continue;
                }
                Raw::Table(_) => {
                    self.report(
                        head.as_str(),
                        Some(&key),
                        "expected a value as a text, found a table",
                    );
                    continue;
                }
            };
            if let Some(setting) = section::read(known, &written, &source, self.faults) {
                values.insert(known, setting);
            }
        }
        section::check_rule(&values, self.faults);
        self.sections.enter(SourceKind::File, name, values);
    }

    /// Reads the sections of the keys of a set.
    fn keys(&mut self, set: &SectionName, raw: Raw) {
        let SectionName::Set(set) = set else { return };
        let place = format!("[set.{set:?}.key]");
        let wanted = format!("a table for each key, as in `[set.{set:?}.key.\"npm\"]`");
        let Some(entries) = self.table(raw, &place, &wanted) else {
            return;
        };
        for (key, raw) in self.by_name(entries, &place) {
            self.section(SectionName::Key(set.clone(), key), raw, false);
        }
    }
}

/// Returns a setting by hand, for the readers of variables.
pub(super) fn one(setting: Arc<section::Setting>) -> Values {
    Values::from([(setting.key, setting)])
}
