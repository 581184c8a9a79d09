//! Why a circuit opened.

use std::{fmt, time::Duration};

/// Which rule opened a circuit, what it measured, and the threshold reached.
///
/// When several rules had to hold together, the first that looks at outcomes
/// is named: `MinRequests(20) & FailureRate(0.5)` opens because of its rate.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize),
    serde(into = "ReasonOnWire")
)]
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
    /// None: the circuit was open when an earlier process
    /// saved it; measured and threshold are 0.
    Restored,
    /// Instances of the [fleet](crate::fleet) that suspect the dependency.
    #[cfg(feature = "fleet")]
    Fleet {
        /// How many voted for the opening.
        votes: u64,
        /// How many were needed.
        quorum: u64,
    },
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
            Self::Restored => "restored",
            #[cfg(feature = "fleet")]
            Self::Fleet { .. } => "fleet",
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
                "failure rate {} of {} reached {}",
                Percent(*measured),
                plural(*calls as f64, "call"),
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
                "average latency {measured:.3} s of {} reached {threshold:.3} s",
                plural(*calls as f64, "call")
            ),
            RuleKind::FailureStreak => {
                let failures = plural(*measured, "failure");
                write!(f, "{failures} in a row reached {threshold}")
            }
            RuleKind::InFlight { older_than } => write!(
                f,
                "{} in flight for {older_than:?} or longer reached {threshold}",
                plural(*measured, "call")
            ),
            RuleKind::ReopenAfter => {
                let probes = plural(*measured, "failed probe");
                write!(f, "{probes} in a row reached {threshold}")
            }
            #[cfg(feature = "fleet")]
            RuleKind::Fleet { votes, quorum } => write!(
                f,
                "{} of the fleet suspected the dependency, {quorum} were needed",
                plural(*votes as f64, "instance")
            ),
            RuleKind::MinRequests => write!(f, "{} reached {threshold}", plural(*measured, "call")),
            RuleKind::Custom(name) => write!(
                f,
                "custom rule {name} fired after {}",
                plural(*calls as f64, "call")
            ),
            RuleKind::Restored => f.write_str("it was open before the program was restarted"),
            RuleKind::State => f.write_str("the rule fires on every call in this state"),
        }
    }
}

/// Returns a count with its noun.
fn plural(count: f64, noun: &str) -> String {
    #[allow(clippy::float_cmp, reason = "a count, and so exact")]
    let end = if count == 1.0 { "" } else { "s" };
    format!("{count} {noun}{end}")
}

/// A ratio as a percentage with no more digits than it needs.
pub(crate) struct Percent(pub(crate) f64);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = (self.0 * 1000.0).round() / 10.0;
        write!(f, "{tenths} %")
    }
}

#[cfg(feature = "serde")]
impl RuleKind {
    /// Returns the duration from which on a call is slow, or in flight for too long.
    pub(crate) fn duration(self) -> Option<Duration> {
        match self {
            Self::SlowRate { slow } => Some(slow),
            Self::InFlight { older_than } => Some(older_than),
            _ => None,
        }
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for RuleKind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// [`Reason`] as serialised, with the same fields for every rule: `duration` is the one
/// from which on a call is slow, or in flight for too long, and `text` the reason in
/// words.
#[cfg(feature = "serde")]
#[derive(serde::Serialize)]
#[serde(rename = "Reason")]
struct ReasonOnWire {
    rule: RuleKind,
    duration: Option<f64>,
    measured: f64,
    threshold: f64,
    calls: u64,
    text: String,
}

#[cfg(feature = "serde")]
impl From<Reason> for ReasonOnWire {
    fn from(reason: Reason) -> Self {
        let Reason {
            rule,
            measured,
            threshold,
            calls,
        } = reason;
        Self {
            rule,
            duration: rule.duration().map(|duration| duration.as_secs_f64()),
            measured,
            threshold,
            calls,
            text: reason.to_string(),
        }
    }
}
