//! The vocabulary of the attribute: one file for each kind of policy, and what
//! they share.

mod call;
mod cancel;
mod formula;
mod listeners;
mod params;
mod permit;
mod retry;
mod slow_probes;
mod throttle;
mod tracker;
mod tripper;
pub(crate) mod value;
mod window;

pub(crate) use call::{Argument, Call, Value, listed, policy, policy_value};
pub(crate) use cancel::OnCancel;
pub(crate) use formula::{Formula, Grammar};
pub(crate) use listeners::{Listener, Slack, read as read_listeners};
pub(crate) use params::Param;
pub(crate) use permit::{Kind as PermitKind, Permit};
pub(crate) use retry::{Backoff, Kind as RetryKind, Retry};
pub(crate) use slow_probes::SlowProbes;
pub(crate) use throttle::{Adaptive, Kind as ThrottleKind, Throttle};
pub(crate) use tracker::{Matched, Tracker, read as read_tracker};
pub(crate) use tripper::{Leaf, Rule, Tripper, read as read_tripper};
pub(crate) use value::duration::Time;
pub(crate) use value::number::{Count, Ratio};
pub(crate) use value::range::Range;
pub(crate) use window::Window;
