//! Why a circuit opened.

use std::{fmt, time::Duration};

/// Which rule opened a circuit, what it measured, and the threshold reached.
///
/// When several rules had to hold together, the first that looks at outcomes
/// is named: `MinRequests(20) & FailureRate(0.5)` opens because of its rate.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Reason {
    /// The rule.
    pub rule: RuleKind,
    /// What it measured: a ratio, a number of calls, or a duration in seconds.
    pub measured: f64,
    /// The threshold that was reached, in the same unit.
    pub threshold: f64,
    /// How many calls the window held.
    pub calls: u64,
}

/// The kind of rule named by a [`Reason`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RuleKind {
    /// [`Closed`](crate::tripper::Closed) or
    /// [`HalfOpened`](crate::tripper::HalfOpened), with no other rule beside it.
    State,
    /// [`MinRequests`](crate::tripper::MinRequests), in calls.
    MinRequests,
    /// [`FailureRate`](crate::tripper::FailureRate), a ratio.
    FailureRate,
    /// [`AvgLatency`](crate::tripper::AvgLatency), in seconds.
    AvgLatency,
    /// [`SlowRate`](crate::tripper::SlowRate), a ratio.
    SlowRate {
        /// From which duration on a call is slow.
        slow: Duration,
    },
    /// [`FailureStreak`](crate::tripper::FailureStreak), in calls.
    FailureStreak,
    /// [`InFlight`](crate::tripper::InFlight), in calls.
    InFlight {
        /// For how long they had been running.
        older_than: Duration,
    },
    /// A tripper of the user's own; measured and threshold are 1.
    Custom(&'static str),
    /// The setting `reopen_after`, in probes.
    ReopenAfter,
}

impl fmt::Display for RuleKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::State => "state",
            Self::MinRequests => "MinRequests",
            Self::FailureRate => "FailureRate",
            Self::AvgLatency => "AvgLatency",
            Self::SlowRate { .. } => "SlowRate",
            Self::FailureStreak => "FailureStreak",
            Self::InFlight { .. } => "InFlight",
            Self::Custom(name) => name,
            Self::ReopenAfter => "reopen_after",
        })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            rule,
            measured,
            threshold,
            calls,
        } = self;
        match rule {
            RuleKind::FailureRate => write!(
                f,
                "failure rate {} of {calls} calls reached {}",
                Percent(*measured),
                Percent(*threshold)
            ),
            RuleKind::SlowRate { slow } => write!(
                f,
                "rate of calls taking {slow:?} or longer {} of {calls} reached {}",
                Percent(*measured),
                Percent(*threshold)
            ),
            RuleKind::AvgLatency => write!(
                f,
                "average latency {measured:.3} s of {calls} calls reached {threshold:.3} s"
            ),
            RuleKind::FailureStreak => {
                write!(f, "{measured} failures in a row reached {threshold}")
            }
            RuleKind::InFlight { older_than } => write!(
                f,
                "{measured} calls in flight for {older_than:?} or longer reached {threshold}"
            ),
            RuleKind::ReopenAfter => {
                write!(f, "{measured} failed probes in a row reached {threshold}")
            }
            RuleKind::MinRequests => write!(f, "{measured} calls reached {threshold}"),
            RuleKind::Custom(name) => write!(f, "custom rule {name} fired after {calls} calls"),
            RuleKind::State => f.write_str("the rule fires on every call in this state"),
        }
    }
}

/// A ratio as a percentage with no more digits than it needs.
struct Percent(f64);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = (self.0 * 1000.0).round() / 10.0;
        write!(f, "{tenths} %")
    }
}
