//! Reasoning over a rule as a whole, as the attribute does while compiling: the
//! files here are the attribute's, and a test keeps them the same.

#[expect(
    dead_code,
    reason = "the documentation that the attribute writes asks more"
)]
mod branch;
mod implies;
mod lints;

pub(crate) use branch::{Branch, branches};
pub(crate) use lints::check;

use super::policy::{ParsedWindow, TripperFormula};

/// What is known of a breaker's settings.
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
    #[allow(dead_code, reason = "the attribute tells the default")]
    Calls {
        size: u64,
        default: bool,
    },
    /// As many as come in its time.
    Unbounded,
    Unknown,
}

impl From<Option<ParsedWindow>> for Size {
    /// Returns the size of a window that was given.
    fn from(window: Option<ParsedWindow>) -> Self {
        match window {
            None => Self::Unknown,
            Some(ParsedWindow::Count(size)) => Self::Calls {
                size,
                default: false,
            },
            Some(ParsedWindow::Time(..)) => Self::Unbounded,
        }
    }
}
