//! Reasoning over a rule as a whole: what can fire, what opens the circuit.
//!
//! A rule is seen in its disjunctive normal form: branches, each a conjunction of
//! leaves. Leaves only ask
//! whether something is large enough, so what a branch can do shows in the worst
//! case: every call failed, and took for ever.

mod branch;
mod implies;
mod lints;
mod openings;

pub(crate) use branch::{Branch, branches};
pub(crate) use lints::check;
pub(crate) use openings::{Openings, openings};

use crate::{
    policy::{ParsedWindow, TripperFormula, WholeNumber},
    settings::BreakerSettings,
};

/// What is known of a breaker's settings. `None` is a constant whose value only
/// the compiler knows, or a policy of the user's own.
pub(crate) struct Facts<'a> {
    /// The size of the count window.
    pub(crate) window: Size,
    pub(crate) tripper: &'a TripperFormula,
    pub(crate) close_after: Option<u64>,
    /// `None` if off or unknown.
    pub(crate) reopen_after: Option<u64>,
}

/// How many calls the window can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    Calls {
        size: u64,
        default: bool,
    },
    /// As many as come in its time.
    Unbounded,
    Unknown,
}

impl<'a> Facts<'a> {
    /// Collects what is known. `None` where the rule is the default one, which is sound.
    pub(crate) fn of(settings: &'a BreakerSettings) -> Option<Self> {
        let known = |count: &Option<WholeNumber>, default| {
            count.as_ref().map_or(Some(default), |count| count.known)
        };
        Some(Self {
            window: Size::of(settings.window.as_ref()),
            tripper: settings.tripper.as_ref()?,
            close_after: known(&settings.close_after, 1),
            reopen_after: settings.reopen_after.as_ref().and_then(|count| count.known),
        })
    }
}

impl Size {
    pub(crate) fn of(window: Option<&ParsedWindow>) -> Self {
        match window {
            None => Self::Calls {
                size: 100,
                default: true,
            },
            Some(ParsedWindow::Count { size, .. }) => match size.known {
                Some(size) => Self::Calls {
                    size,
                    default: false,
                },
                None => Self::Unknown,
            },
            Some(ParsedWindow::Time { .. }) => Self::Unbounded,
            Some(ParsedWindow::Custom { .. } | ParsedWindow::InCode(_)) => Self::Unknown,
        }
    }
}
