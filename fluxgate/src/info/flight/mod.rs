//! The flight recorder: the last transitions of a breaker, each with what the rule
//! read, and the last failures in words.
//!
//! Every breaker keeps its last 32 transitions, unless
//! [`Builder::flight_recorder`](crate::Builder::flight_recorder) says another number; 0
//! keeps none. They are in [`Info::flight`](crate::Info::flight), and each
//! [`Signal`](crate::Signal) carries its own in
//! [`Signal::record`](crate::Signal::record). A transition copies a few numbers; calls
//! that cause none pay nothing.
//!
//! ```
//! use fluxgate::{CircuitBreaker, Command, flight::Trigger, tripper::{FailureRate, MinRequests}};
//!
//! let breaker = CircuitBreaker::builder("payments")
//!     .tripper(MinRequests::new(2) & FailureRate::new(0.5))
//!     .build()?;
//! for _ in 0..2 {
//!     let _ = breaker.try_call(|| Err::<(), _>("connection refused"));
//! }
//! breaker.command_by(Command::Reset, "alice");
//!
//! let flight = breaker.info().flight;
//! let [opening, reset] = &flight.transitions[..] else { panic!("two transitions") };
//! assert_eq!(opening.trigger, Trigger::Rule);
//! assert_eq!(opening.rule[0].to_string(), "MinRequests: 2 of 2");
//! assert_eq!(opening.rule[1].to_string(), "FailureRate: 100 % of 50 %");
//! assert_eq!(reset.by.as_deref(), Some("alice"));
//! # Ok::<_, fluxgate::ConfigError>(())
//! ```
//!
//! # Failures in words
//!
//! The texts of failures are **not** recorded by default, because errors may hold
//! secrets: URLs with tokens, names of customers. Where everyone who reads logs and
//! listings may see them, ask for them with
//! [`Classified::failure_texts`](crate::Classified::failure_texts), with
//! [`Guard::failure_with`](crate::Guard::failure_with), or with `failure_texts = true`
//! in the attribute. The last eight different texts are kept, with how often each came.
//!
//! ```
//! # use fluxgate::{CircuitBreaker, tracker::All};
//! # let breaker = CircuitBreaker::builder("payments").build()?;
//! for _ in 0..3 {
//!     let call = || Err::<(), _>("connection refused");
//!     let _ = breaker.with_tracker(All).failure_texts().try_call(call);
//! }
//! let failures = breaker.info().flight.failures;
//! assert_eq!((&*failures[0].text, failures[0].count), ("connection refused", 3));
//! # Ok::<_, fluxgate::ConfigError>(())
//! ```
//!
//! A text is what `Display` writes, up to 256 bytes, with control characters replaced.
//! It is written before the call is settled and under no lock; a panic in it is
//! contained.

mod failures;
mod ring;
mod text;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

pub(crate) use failures::Failures;
pub(crate) use ring::Ring;
pub(crate) use text::{author, failure};

use crate::{Reason, RuleKind, State, info::reason::Percent};

/// How many transitions a breaker keeps unless told otherwise.
pub(crate) const TRANSITIONS: usize = 32;
/// How many it may be told to keep.
pub(crate) const MOST_TRANSITIONS: usize = 1024;
/// How many parts of a rule are kept of one transition.
pub(crate) const PARTS: usize = 32;

/// What the flight recorder of a breaker holds, in [`Info`](crate::Info).
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct FlightRecord {
    /// The last transitions, the oldest first.
    #[cfg_attr(
        feature = "serde",
        serde(serialize_with = "crate::util::wire::shared_list")
    )]
    pub transitions: Vec<Arc<TransitionRecord>>,
    /// The last different failures, the latest last; empty unless
    /// [asked for](self#failures-in-words).
    pub failures: Vec<FailureRecord>,
    /// How many different failures had to make room for later ones.
    pub failures_dropped: u64,
}

/// One transition, as the flight recorder keeps it.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct TransitionRecord {
    /// The number of the transition in the life of the breaker, from 1.
    pub sequence: u64,
    /// When, by the wall clock.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::util::wire::epoch"))]
    pub at: SystemTime,
    /// The state that was left.
    pub old_state: State,
    /// The state that was entered.
    pub new_state: State,
    /// How long the breaker had been in the state that was left.
    #[cfg_attr(
        feature = "serde",
        serde(serialize_with = "crate::util::wire::seconds")
    )]
    pub lasted: Duration,
    /// What caused it.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::util::wire::text"))]
    pub trigger: Trigger,
    /// Who gave the command, if it was one and said so.
    #[cfg_attr(
        feature = "serde",
        serde(serialize_with = "crate::util::wire::shared_if_any")
    )]
    pub by: Option<Arc<str>>,
    /// For an opening by a rule: what was measured, and which threshold it reached.
    pub reason: Option<Reason>,
    /// What each part of the rule read, from left to right, at most 32 parts; empty
    /// for commands and where nothing was evaluated.
    pub rule: Vec<RulePart>,
    /// How many recorded calls the window held.
    pub calls: u64,
    /// How many of them had failed.
    pub failures: u64,
    /// How the probes ended, if the state that was left is half-open.
    pub probes: Option<ProbeOutcomes>,
    /// For an opening: when the first probe may run, by the wall clock. `None` if the
    /// retry policy never lets one.
    #[cfg_attr(
        feature = "serde",
        serde(serialize_with = "crate::util::wire::epoch_if_any")
    )]
    pub next_attempt: Option<SystemTime>,
    /// For an opening by a rule: the last failure, if texts were
    /// [asked for](self#failures-in-words).
    pub last_failure: Option<FailureRecord>,
}

/// What caused a transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Trigger {
    /// The rule fired, or failed probes reached `reopen_after`: `rule`.
    Rule,
    /// Enough probes succeeded: `recovery`.
    Recovery,
    /// The wait was over, and a call came: `retry`.
    Retry,
    /// A manual command: `command`.
    Command,
    /// The breaker began in this state, by its setting or by the environment: `start`.
    Start,
    /// The circuit was open in an earlier process, which saved it: `restore`.
    Restore,
    /// The instances of a fleet agreed, or one of them was commanded for all: `fleet`.
    #[cfg(feature = "fleet")]
    Fleet,
}

/// What one part of a rule read, and its threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize),
    serde(into = "RulePartOnWire")
)]
#[non_exhaustive]
pub struct RulePart {
    /// The part.
    pub rule: RuleKind,
    /// What it measured: a ratio, a number of calls, or a duration in seconds. `None`
    /// for a tripper of the user's own, which says no more than whether it fires.
    pub measured: Option<f64>,
    /// Its threshold, in the same unit.
    pub threshold: f64,
    /// Whether it held. For a tripper of the user's own: whether it was the reason.
    pub holds: bool,
}

/// How the probes of a half-open period ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ProbeOutcomes {
    /// Probes that succeeded.
    pub succeeded: u32,
    /// Probes that failed.
    pub failed: u32,
    /// Probes that were ignored or cancelled, and so said nothing.
    pub ignored: u32,
}

/// One text among the last failures.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct FailureRecord {
    /// What the failure said, at most 256 bytes, without control characters.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::util::wire::shared"))]
    pub text: Arc<str>,
    /// How many failures had this text since it was last forgotten.
    pub count: u64,
    /// When the last of them ended, by the wall clock.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::util::wire::epoch"))]
    pub last: SystemTime,
}

impl Trigger {
    /// Returns its name, in lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Recovery => "recovery",
            Self::Retry => "retry",
            Self::Command => "command",
            Self::Start => "start",
            Self::Restore => "restore",
            #[cfg(feature = "fleet")]
            Self::Fleet => "fleet",
        }
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl TransitionRecord {
    /// Returns what each part of the rule read, in one line; `None` if no rule was
    /// evaluated.
    #[must_use]
    pub fn rule_text(&self) -> Option<String> {
        let parts: Vec<_> = self.rule.iter().map(ToString::to_string).collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

impl fmt::Display for RulePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            rule,
            measured,
            threshold,
            holds,
        } = self;
        let Some(measured) = measured else {
            let fired = if *holds { "fired" } else { "not the reason" };
            return write!(f, "{rule}: {fired}");
        };
        match rule {
            RuleKind::FailureRate => write!(
                f,
                "{rule}: {} of {}",
                Percent(*measured),
                Percent(*threshold)
            ),
            RuleKind::SlowRate { slow } => write!(
                f,
                "{rule} from {slow:?}: {} of {}",
                Percent(*measured),
                Percent(*threshold)
            ),
            RuleKind::AvgLatency => write!(f, "{rule}: {measured:.3} s of {threshold:.3} s"),
            RuleKind::InFlight { older_than } => {
                write!(f, "{rule} for {older_than:?}: {measured} of {threshold}")
            }
            RuleKind::State => f.write_str(if *holds {
                "state: as asked"
            } else {
                "state: another"
            }),
            _ => write!(f, "{rule}: {measured} of {threshold}"),
        }
    }
}

/// [`RulePart`] as serialised: the fields of a serialised [`Reason`], and whether it
/// holds.
#[cfg(feature = "serde")]
#[derive(serde::Serialize)]
#[serde(rename = "RulePart")]
struct RulePartOnWire {
    rule: RuleKind,
    duration: Option<f64>,
    measured: Option<f64>,
    threshold: f64,
    holds: bool,
    text: String,
}

#[cfg(feature = "serde")]
impl From<RulePart> for RulePartOnWire {
    fn from(part: RulePart) -> Self {
        let RulePart {
            rule,
            measured,
            threshold,
            holds,
        } = part;
        Self {
            rule,
            duration: rule.duration().map(|duration| duration.as_secs_f64()),
            measured,
            threshold,
            holds,
            text: part.to_string(),
        }
    }
}

impl fmt::Display for FailureRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (×{})", self.text, self.count)
    }
}
