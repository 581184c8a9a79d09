//! The setting that says what a cancelled call counts as.

use std::{fmt, time::Duration};

use crate::util::duration::Literal;

/// What a call counts as that is dropped before its end: an async call whose
/// future is dropped, or a [`Guard`](crate::Guard) that is dropped unsettled.
#[doc(alias("timeout"))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnCancel {
    /// Not counted.
    #[default]
    Ignore,
    /// As a failure.
    Fail,
    /// A failure if the call had run for at least this long, so that a timeout around
    /// the call can open the circuit, but an impatient user can't.
    FailAfter(Duration),
}

/// Writes the setting as the attribute reads it: `FailAfter(2s)`.
impl fmt::Display for OnCancel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ignore => f.write_str("Ignore"),
            Self::Fail => f.write_str("Fail"),
            Self::FailAfter(least) => write!(f, "FailAfter({})", Literal(*least)),
        }
    }
}
