//! The vocabulary of the attribute: one file for each kind of policy, and what
//! they share.

mod call;
mod cancel;
mod formula;
mod in_code;
mod initial_state;
mod listeners;
mod misplaced;
mod params;
mod permit;
mod retry;
mod slow_probes;
mod throttle;
mod tracker;
mod tripper;
pub(crate) mod value;
mod window;

pub(crate) use call::{Argument, PolicyCall, PolicyValue, listed, policy, policy_value};
pub(crate) use cancel::ParsedOnCancel;
pub(crate) use formula::{Formula, Grammar, Negation};
pub(crate) use initial_state::ParsedInitialState;
pub(crate) use listeners::{ParsedListener, Slack, read as read_listeners};
pub(crate) use params::{Param, Params};
pub(crate) use permit::{ParsedPermit, PermitKind};
pub(crate) use retry::{ParsedBackoff, ParsedRetry, RetryKind};
pub(crate) use slow_probes::ParsedSlowProbes;
pub(crate) use throttle::{ParsedAdaptive, ParsedThrottle, ThrottleKind};
pub(crate) use tracker::{Matched, TrackerFormula, read as read_tracker};
pub(crate) use tripper::{Leaf, ParsedRule, TripperFormula, read as read_tripper};
pub(crate) use value::duration::Time;
pub(crate) use value::limits::{CountLimits, RatioLimits};
pub(crate) use value::number::{Ratio, WholeNumber};
pub(crate) use window::ParsedWindow;
