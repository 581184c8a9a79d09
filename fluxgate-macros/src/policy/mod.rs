//! The vocabulary of the attribute: one file for each kind of policy, and what
//! they share.

mod call;
mod cancel;
mod formula;
mod initial_state;
mod listeners;
mod params;
mod permit;
mod retry;
mod slow_probes;
mod tracker;
mod tripper;
pub(crate) mod value;
mod window;

pub(crate) use call::{Argument, PolicyCall, PolicyValue, listed, policy, policy_value};
pub(crate) use cancel::OnCancel;
pub(crate) use formula::{Formula, Grammar, Negation};
pub(crate) use initial_state::InitialState;
pub(crate) use listeners::{Listener, Slack, read as read_listeners};
pub(crate) use params::{Param, Params};
pub(crate) use permit::{Permit, PermitKind};
pub(crate) use retry::{Backoff, Retry, RetryKind};
pub(crate) use slow_probes::SlowProbes;
pub(crate) use tracker::{Matched, Tracker, read as read_tracker};
pub(crate) use tripper::{Leaf, Rule, Tripper, read as read_tripper};
pub(crate) use value::duration::Time;
pub(crate) use value::limits::{CountLimits, RatioLimits};
pub(crate) use value::number::{Ratio, WholeNumber};
pub(crate) use window::Window;
