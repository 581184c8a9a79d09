//! The setting that says what a slow probe counts as.

use std::fmt;

/// What a successful but slow probe counts as. A probe is slow if it took the lowest
/// slowness threshold in the rules, or longer.
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
