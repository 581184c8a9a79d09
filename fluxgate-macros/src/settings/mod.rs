//! The settings in an attribute, or of one breaker in `breaker!`: `name = value, …`,
//! read into values that remember where they were written.

mod fleet;
pub(crate) mod habits;
mod name;
pub(crate) mod table;
mod value;
mod variables;

use std::collections::BTreeMap;

use proc_macro2::{Ident, Span, TokenStream};
use syn::{Expr, Path, Type};

use crate::{
    policy::{
        ParsedInitialState, ParsedListener, ParsedOnCancel, ParsedPermit, ParsedRetry,
        ParsedSlowProbes, ParsedThrottle, ParsedWindow, Time, TrackerFormula, TripperFormula,
        WholeNumber,
    },
    tokens::{
        Cursor, Location,
        errors::{ErrorList, Reported},
        read,
    },
};
pub(crate) use fleet::ParsedFleet;
use table::{Owner, Setting};
pub(crate) use variables::FreeName;

/// Everything that may be set. A setting that could not be read is `None`, and
/// [`is_given`](Self::is_given) all the same.
#[derive(Default)]
pub(crate) struct ItemSettings {
    pub(crate) breaker: BreakerSettings,
    pub(crate) keys: KeySettings,
    pub(crate) function: FunctionSettings,
    pub(crate) docs: Option<bool>,
    pub(crate) krate: Option<Path>,
    given: BTreeMap<&'static str, Given>,
    /// The names in settings of the breaker that may stand for a variable.
    pub(crate) variables: Vec<FreeName>,
}

/// What is set of one breaker.
#[derive(Default)]
pub(crate) struct BreakerSettings {
    pub(crate) name: Option<Expr>,
    pub(crate) window: Option<ParsedWindow>,
    pub(crate) tripper: Option<TripperFormula>,
    pub(crate) retry: Option<ParsedRetry>,
    pub(crate) permit: Option<ParsedPermit>,
    pub(crate) max_half_open_calls: Option<WholeNumber>,
    pub(crate) close_after: Option<WholeNumber>,
    pub(crate) reopen_after: Option<WholeNumber>,
    pub(crate) probe_lease: Option<Time>,
    pub(crate) on_cancel: Option<ParsedOnCancel>,
    pub(crate) slow_probes: Option<ParsedSlowProbes>,
    pub(crate) throttle: Option<ParsedThrottle>,
    pub(crate) fleet: Option<ParsedFleet>,
    pub(crate) durations: Option<bool>,
    pub(crate) initial_state: Option<ParsedInitialState>,
    pub(crate) flight_recorder: Option<WholeNumber>,
    /// Takes no settings from outside.
    pub(crate) fixed: Option<Fixed>,
    pub(crate) listeners: Option<Vec<ParsedListener>>,
}

/// Proof that `settings = fixed` was written.
#[derive(Clone, Copy)]
pub(crate) struct Fixed;

/// What is set of a set of breakers by key.
#[derive(Default)]
pub(crate) struct KeySettings {
    pub(crate) key_type: Option<Type>,
    pub(crate) max_keys: Option<WholeNumber>,
    pub(crate) max_labels: Option<WholeNumber>,
}

/// What is set of a function that calls through a breaker.
#[derive(Default)]
pub(crate) struct FunctionSettings {
    pub(crate) breaker: Option<Expr>,
    pub(crate) key: Option<Expr>,
    pub(crate) tracker: Option<TrackerFormula>,
    pub(crate) failure_if: Option<Expr>,
    pub(crate) classify: Option<Expr>,
    pub(crate) failure_texts: Option<bool>,
    pub(crate) fallback: Option<Expr>,
    pub(crate) map_rejection: Option<Expr>,
    pub(crate) handle: Option<HandleFn>,
}

/// The function that gives access to the breaker.
pub(crate) struct HandleFn {
    pub(crate) ident: Ident,
    /// Written `Self::ident`: the function is an associated one.
    pub(crate) associated: bool,
}

/// Where a setting was given, and whether its value could be read.
struct Given {
    place: Location,
    read: Result<(), Reported>,
}

/// Where the settings stand: the attribute of a function takes all of them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Site {
    Function,
    Breaker,
}

impl ItemSettings {
    /// Reads settings up to the end. What is wrong with them is reported, and the
    /// others are read all the same.
    pub(crate) fn parse(tokens: TokenStream, site: Site, end: Span, errors: &ErrorList) -> Self {
        let mut settings = Self::default();
        let tokens = match read(tokens) {
            Ok(tokens) => tokens,
            Err(error) => {
                errors.push(error);
                return settings;
            }
        };
        let mut cursor = Cursor::new(&tokens, Location::at(end));
        while !cursor.is_empty() {
            let is_sound = settings.read_one(&mut cursor, site, errors).is_ok();
            if is_sound && (cursor.is_empty() || cursor.eat_punct(',')) {
                continue;
            }
            if is_sound {
                let message = table::separator(&cursor);
                let message = message
                    .as_deref()
                    .unwrap_or("expected `,` between settings");
                errors.at(&cursor.place(), message);
            }
            name::skip_to_next(&mut cursor);
        }
        settings
    }

    /// Returns whether a setting was given, right or wrong.
    pub(crate) fn is_given(&self, name: &str) -> bool {
        self.place(name).is_some()
    }

    /// Returns where a setting was given.
    pub(crate) fn place(&self, name: &str) -> Option<&Location> {
        debug_assert!(table::find(name).is_some(), "{name} is no setting");
        self.given.get(name).map(|given| &given.place)
    }

    /// Returns the error of a setting that was given and could not be read.
    pub(crate) fn sound(&self, name: &str) -> Result<(), Reported> {
        self.given.get(name).map_or(Ok(()), |given| given.read)
    }

    /// Returns an error if any setting could not be read.
    pub(crate) fn all_sound(&self) -> Result<(), Reported> {
        self.given.values().try_for_each(|given| given.read)
    }

    /// Reads `name = value`.
    fn read_one(
        &mut self,
        cursor: &mut Cursor<'_>,
        site: Site,
        errors: &ErrorList,
    ) -> Result<(), Reported> {
        let (setting, place) = name::read(cursor, site, errors)?;
        if let Some(first) = self.given.get(setting.name) {
            let mut error = place.error(format!("`{}` is given twice", setting.name));
            error.combine(first.place.error("it was first given here"));
            let reported = errors.push(error);
            // Read all the same, so that what is wrong inside is reported, too.
            let _ = (setting.read)(&mut Self::default(), setting, cursor, errors);
            return Err(reported);
        }
        let read = self.read_value(setting, cursor, errors);
        self.given.insert(setting.name, Given { place, read });
        read
    }

    fn read_value(
        &mut self,
        setting: &'static Setting,
        cursor: &mut Cursor<'_>,
        errors: &ErrorList,
    ) -> Result<(), Reported> {
        if name::is_none(cursor) {
            let message = format!(
                "`None` is no value here; leave `{}` out for the default",
                setting.name
            );
            return Err(errors.at(&cursor.place(), message));
        }
        let before = cursor.tokens();
        let read = (setting.read)(self, setting, cursor, errors);
        if setting.owner == Owner::Breaker {
            let taken = &before[..before.len() - cursor.tokens().len()];
            variables::find(taken, setting.name, &mut self.variables);
        }
        read
    }
}
