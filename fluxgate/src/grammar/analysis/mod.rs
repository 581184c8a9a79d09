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

use super::policy::{Tripper, Window};

/// What is known of a breaker's settings.
pub(crate) struct Facts<'a> {
    /// The size of the count window.
    pub(crate) window: Size,
    pub(crate) tripper: &'a Tripper,
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

impl From<Option<Window>> for Size {
    /// Returns the size of a window that was given.
    fn from(window: Option<Window>) -> Self {
        match window {
            None => Self::Unknown,
            Some(Window::Count(size)) => Self::Calls {
                size,
                default: false,
            },
            Some(Window::Time(..)) => Self::Unbounded,
        }
    }
}
