//! Settings that choose one of a few ways.

use std::{fmt, time::Duration};

use crate::util::duration::Literal;

/// What a call counts as that is dropped before its end: an async call whose
/// future is dropped, or a [`Guard`](crate::Guard) dropped without a word.
#[doc(alias("timeout"))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnCancel {
    /// As nothing.
    #[default]
    Ignore,
    /// As a failure.
    Fail,
    /// As a failure if it had run for at least this long, so that a timeout
    /// around the call can open the circuit, but an impatient user can't.
    FailAfter(Duration),
}

/// What a slow probe counts as that succeeded: one that took the lowest
/// threshold of slowness in the rules, or longer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SlowProbes {
    /// As a success: it may close a circuit that slowness opened.
    #[default]
    Pass,
    /// As a failure: the circuit stays half-open or opens again, as after any
    /// failed probe.
    Fail,
}

/// Writes the setting as the attribute reads it: `Fail`.
impl fmt::Display for SlowProbes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pass => "Pass",
            Self::Fail => "Fail",
        })
    }
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
