//! The vocabulary: one file for each kind of policy, and what they share.

mod call;
mod formula;
mod on_cancel;
mod params;
mod permit;
mod retry;
mod slow_probes;
mod throttle;
mod tripper;
pub(crate) mod value;
mod window;

pub(crate) use call::{Argument, PolicyCall, policy};
pub(crate) use formula::Formula;
pub(crate) use on_cancel::read as read_on_cancel;
pub(crate) use params::{Param, Params};
pub(crate) use permit::read as read_permit;
pub(crate) use retry::read as read_retry;
pub(crate) use slow_probes::read as read_slow_probes;
pub(crate) use throttle::read as read_throttle;
pub(crate) use tripper::{
    Leaf, OwnRule, ParsedRule, TripperFormula, read as read_tripper, read_leaf,
};
pub(crate) use value::{
    duration::Time,
    limits::{CountLimits, RatioLimits},
    number::{Ratio, WholeNumber},
};
pub(crate) use window::{ParsedWindow, read as read_window};
