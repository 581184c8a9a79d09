//! The vocabulary of the attribute: one file for each kind of policy, and what
//! they share.

mod bind;
mod call;
mod cancel;
mod duration;
mod formula;
mod given;
mod listeners;
mod nanos;
mod number;
mod permit;
mod range;
mod retry;
mod tracker;
mod tripper;
mod window;

pub(crate) use bind::Param;
pub(crate) use call::{Argument, Call, policy};
pub(crate) use cancel::OnCancel;
pub(crate) use duration::Time;
pub(crate) use formula::{Formula, Grammar};
pub(crate) use listeners::{Listener, Slack, read as read_listeners};
pub(crate) use number::{Count, Ratio};
pub(crate) use permit::{Kind as PermitKind, Permit};
pub(crate) use range::Range;
pub(crate) use retry::{Backoff, Kind as RetryKind, Retry};
pub(crate) use tracker::{Matched, Tracker, read as read_tracker};
pub(crate) use tripper::{Leaf, Rule, Tripper, read as read_tripper};
pub(crate) use window::Window;
