//! What applying settings came to.

use std::fmt;

use super::{
    section::{SectionName, SourceKind},
    store::{Known, Sources},
};
use crate::{Name, grammar::suggest::suggest};

/// What came of [`Settings::apply`](super::Settings::apply).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub(super) changed: Vec<Name>,
    pub(super) unmatched: Vec<Unmatched>,
}

impl Report {
    /// Returns the names of the breakers whose settings or state changed, in the order
    /// in which they were built.
    #[must_use]
    pub fn changed(&self) -> &[Name] {
        &self.changed
    }

    /// Returns the sections, and the environment's variables, whose names no breaker has
    /// that was built up to now. They wait for theirs; it may also be a slip of the pen.
    ///
    /// With the feature `inventory`, call [`registry::all`](crate::registry::all) before:
    /// then every breaker of an annotated function is known.
    #[must_use]
    pub fn unmatched(&self) -> &[Unmatched] {
        &self.unmatched
    }
}

/// A section of settings whose name no breaker has.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unmatched {
    /// The section, as in `[breaker."paymets"]`, or how its variables begin.
    pub section: String,
    /// The section with the nearest name that is known, if one comes near.
    pub nearest: Option<String>,
}

impl fmt::Display for Unmatched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = if cfg!(feature = "inventory") {
            "that was built up to now; `registry::all()` builds those of annotated functions"
        } else {
            "that was built up to now (the feature `inventory` of fluxgate makes all known)"
        };
        write!(f, "{} names no circuit breaker {known}", self.section)?;
        match &self.nearest {
            Some(nearest) => write!(f, "; did you mean {nearest}?"),
            None => Ok(()),
        }
    }
}

/// How many names are compared with one that is unknown.
const COMPARED: usize = 1000;

/// Returns the sections of one kind of source that fit none of what is known.
pub(super) fn unmatched(sources: &Sources, kind: SourceKind, known: &Known) -> Vec<Unmatched> {
    let plain = |name: &str| kind.plain(name);
    let sections = &sources.of(kind).names;
    let missing = sections.iter().filter(|section| match (kind, section) {
        (_, SectionName::All) => false,
        (_, SectionName::Breaker(name)) => !known.has_breaker(kind, name),
        (SourceKind::Environment, SectionName::Set(rest)) => !known.sets(kind).any(|set| {
            let after = rest.strip_prefix(&set);
            after.is_some_and(|after| after.is_empty() || after.starts_with("__KEY__"))
        }),
        (_, SectionName::Set(set) | SectionName::Key(set, _)) => {
            !known.sets(kind).any(|known| known == *set)
        }
    });
    let nearest = |section: &SectionName| {
        let given = match section {
            SectionName::All => return None,
            SectionName::Breaker(name) | SectionName::Set(name) | SectionName::Key(name, _) => name,
        };
        // A name of the other kind, or of a key, is nearer than any that is only alike.
        let of_key = given.split_once('/');
        let found = if matches!(section, SectionName::Breaker(_)) {
            let is_set = |name: &str| known.sets(kind).any(|set| set == plain(name));
            match of_key {
                _ if is_set(given) => Some(SectionName::Set(given.clone())),
                Some((set, key)) if is_set(set) => Some(SectionName::Key(set.into(), key.into())),
                _ => None,
            }
        } else {
            let is_breaker = known.has_breaker(kind, given);
            is_breaker.then(|| SectionName::Breaker(given.clone()))
        };
        if found.is_some() {
            return found;
        }
        let breakers: Vec<_> = known.breakers(kind).take(COMPARED).collect();
        let sets: Vec<_> = known.sets(kind).take(COMPARED).collect();
        let all = breakers.iter().chain(&sets).map(String::as_str);
        let close = all.filter(|name| name.len() <= 4 * given.len() + 4);
        let meant = suggest(given, close)?;
        Some(match section {
            SectionName::Key(_, key) if sets.iter().any(|set| set == meant) => {
                SectionName::Key(meant.to_owned(), key.clone())
            }
            _ if breakers.iter().any(|breaker| breaker == meant) => {
                SectionName::Breaker(meant.to_owned())
            }
            _ => SectionName::Set(meant.to_owned()),
        })
    };
    missing
        .map(|section| Unmatched {
            nearest: nearest(section).map(|name| written(kind, &name)),
            section: written(kind, section),
        })
        .collect()
}

/// Writes a section as it stands in its source.
fn written(kind: SourceKind, section: &SectionName) -> String {
    match (kind, section) {
        (SourceKind::File, section) => section.to_string(),
        (_, SectionName::All) => "FLUXGATE__ALL__…".to_owned(),
        (_, SectionName::Breaker(name)) => format!("FLUXGATE__BREAKER__{name}__…"),
        (_, SectionName::Set(name)) => format!("FLUXGATE__SET__{name}__…"),
        (_, SectionName::Key(set, key)) => format!("FLUXGATE__SET__{set}__KEY__{key}__…"),
    }
}
