//! Settings from the environment.

use std::ffi::{OsStr, OsString};

use super::{
    fault::{FaultList, SettingsFault},
    file::{LONGEST_NAME, one, shown},
    key::Key,
    section::{self, SectionName, Sections, SourceKind},
};
use crate::{grammar::suggest::did_you_mean, info::settings::SettingSource};

/// How every variable for the crate itself begins, which no breaker has.
const PREFIX: &str = "FLUXGATE__";

/// What comes after it, if the variable is about settings.
const ALL: &str = "ALL__";
const BREAKER: &str = "BREAKER__";
const SET: &str = "SET__";

/// What else of the crate may come after it.
const OTHERS: [&str; 1] = ["FLEET"];

/// How many variables are read.
const MOST: usize = 10_000;

/// Reads the settings in variables. Those of anything else are passed over.
pub(super) fn read(
    variables: impl IntoIterator<Item = (OsString, OsString)>,
    faults: &mut FaultList,
) -> Sections {
    let mut ours: Vec<_> = variables
        .into_iter()
        .filter(|(name, value)| is_ours(name) && !value.is_empty())
        .take(MOST + 1)
        .collect();
    let mut sections = Sections::default();
    if ours.len() > MOST {
        ours.truncate(MOST);
        let message =
            format!("there are more than {MOST} such variables, which is the most that is read");
        faults.push(fault(&format!("{PREFIX}…"), message));
    }
    // By name, so that what is reported does not depend on how they come.
    ours.sort();
    for (name, value) in ours {
        let name = name.to_string_lossy();
        let Some(value) = value.to_str() else {
            faults.push(fault(&name, "its value is no text"));
            continue;
        };
        if let Err(message) = variable(&name, value, &mut sections, faults) {
            faults.push(fault(&name, message));
        }
    }
    section_rules(&sections, faults);
    sections
}

fn section_rules(sections: &Sections, faults: &mut FaultList) {
    for values in sections.every() {
        section::check_rule(values, faults);
    }
}

fn fault(name: &str, message: impl Into<String>) -> SettingsFault {
    SettingsFault {
        place: shown(name),
        key: None,
        column: None,
        breakers: Vec::new(),
        message: message.into(),
    }
}

fn is_ours(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    let Some(start) = name.get(..PREFIX.len()) else {
        return false;
    };
    let rest = &name[PREFIX.len()..];
    let is_prefix = if cfg!(windows) {
        start.eq_ignore_ascii_case(PREFIX)
    } else {
        start == PREFIX
    };
    is_prefix && !OTHERS.iter().any(|other| rest.starts_with(other))
}

/// Reads one variable.
fn variable(
    name: &str,
    value: &str,
    sections: &mut Sections,
    faults: &mut FaultList,
) -> Result<(), String> {
    if name.len() > LONGEST_NAME {
        return Err(format!(
            "a name is at most {LONGEST_NAME} bytes long, and this has {}",
            name.len()
        ));
    }
    let upper = name.to_ascii_uppercase();
    let compared = if cfg!(windows) { &upper } else { name };
    let rest = &compared[PREFIX.len()..];
    let form = "`FLUXGATE__ALL__RETRY`, `FLUXGATE__BREAKER__PAYMENTS__RETRY`, \
                `FLUXGATE__SET__UPSTREAM__RETRY` or `FLUXGATE__SET__UPSTREAM__KEY__NPM__RETRY`";
    let sections_are = || {
        let kind = rest.split("__").next().unwrap_or_default();
        let meant = did_you_mean(kind, ["ALL", "BREAKER", "SET"]);
        if meant.is_empty() {
            format!("it names no section: write {form}")
        } else {
            format!("unknown section `{kind}`{meant}")
        }
    };
    // `ALL__RETRY` is a section and a key, `BREAKER__A__RETRY` has a name between them.
    let (kind, rest) = [ALL, BREAKER, SET]
        .iter()
        .find_map(|kind| Some((*kind, rest.strip_prefix(kind)?)))
        .ok_or_else(sections_are)?;
    let found = Key::ALL
        .into_iter()
        .find_map(|key| Some((split(rest, key)?, key)));
    let Some((of, key)) = found else {
        return Err(no_key(rest, form));
    };
    if key == Key::State {
        let own = match kind {
            ALL => "FLUXGATE_ALL".to_owned(),
            // The keys of a set are named `<set>/<key>`.
            SET => format!("FLUXGATE_{}", of.replace("__KEY__", "_")),
            _ => format!("FLUXGATE_{of}"),
        };
        return Err(format!(
            "the state has a variable of its own: write `{own}`"
        ));
    }
    if (kind == ALL) != of.is_empty() {
        return Err(format!("its name is no section and key: write {form}"));
    }
    let source = SettingSource::Environment(name.into());
    let Some(setting) = section::read(key, value, &source, faults) else {
        return Ok(());
    };
    match kind {
        SET => sections.enter_set_variable(of, &setting),
        ALL => sections.enter(SourceKind::Environment, SectionName::All, one(setting)),
        _ => {
            let name = SectionName::Breaker(of.to_owned());
            sections.enter(SourceKind::Environment, name, one(setting));
        }
    }
    Ok(())
}

/// Returns what stands before the key, if the text ends with it.
fn split(text: &str, key: Key) -> Option<&str> {
    let key = key.name().to_ascii_uppercase();
    let before = text.strip_suffix(&key)?;
    if before.is_empty() {
        return Some("");
    }
    before.strip_suffix("__")
}

fn no_key(rest: &str, form: &str) -> String {
    let given = rest.rsplit("__").next().unwrap_or(rest);
    let names: Vec<_> = Key::ALL
        .iter()
        .map(|key| key.name().to_ascii_uppercase())
        .collect();
    let meant = did_you_mean(given, names.iter().map(String::as_str));
    if meant.is_empty() {
        format!(
            "it ends with no key of settings: write {form}; {}",
            section::unknown(&given.to_ascii_lowercase())
        )
    } else {
        format!("unknown key `{given}`{meant}")
    }
}
