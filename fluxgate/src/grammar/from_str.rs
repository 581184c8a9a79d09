//! `FromStr` of every policy that can be written out.

use std::str::FromStr;

use super::{
    ParsePolicyError,
    analysis::{self, Facts, Size},
    error::{parse, parse_and_check},
    policy::{self, Formula, Leaf, ParsedRule as Written},
    tokens::{
        Location,
        errors::{ErrorList, Reported},
    },
};
use crate::{
    OnCancel, SlowProbes,
    permit::{All, AnyPermit, RampUp, Random},
    retry::{Always, AnyRetry, Backoff, Cooldown, Never},
    throttle::Adaptive,
    tripper::{
        AvgLatency, Closed, Custom, FailureRate, FailureStreak, HalfOpened, InFlight, MinRequests,
        Rule, SlowRate,
    },
    window::{AnyWindow, CountWindow, TimeWindow},
};

impl From<&Leaf> for Rule {
    fn from(leaf: &Leaf) -> Self {
        match &leaf.rule {
            Written::Closed => Closed.into(),
            Written::HalfOpened => HalfOpened.into(),
            Written::MinRequests(count) => MinRequests::new(count.get()).into(),
            Written::FailureRate(ratio) => FailureRate::new(ratio.get()).into(),
            Written::AvgLatency(threshold) => AvgLatency::new(threshold.get()).into(),
            Written::SlowRate { ratio, threshold } => {
                SlowRate::new(ratio.get(), threshold.get()).into()
            }
            Written::FailureStreak(count) => FailureStreak::new(count.get()).into(),
            Written::InFlight { count, older_than } => {
                InFlight::new(count.get(), older_than.get()).into()
            }
            // No text has one.
            Written::Custom(_) => Custom::from_fn(|_| false).into(),
            Written::InCode(never) => match *never {},
        }
    }
}

/// A text has at most 256 leaves, nested at most 64 deep.
impl From<&policy::TripperFormula> for Rule {
    fn from(written: &policy::TripperFormula) -> Self {
        let joined = |parts: &[policy::TripperFormula], join: fn(Self, Self) -> Self| {
            let rule = parts.iter().map(Self::from).reduce(join);
            rule.expect("a formula has parts")
        };
        match written {
            Formula::Leaf(leaf) => leaf.into(),
            Formula::All(parts) => joined(parts, |left, right| left & right),
            Formula::Any(parts) => joined(parts, |left, right| left | right),
        }
    }
}

/// Reads a rule as the attribute does: `MinRequests(20) & FailureRate(0.5)`.
///
/// What the attribute refuses is refused with the same words, also rules that can
/// never fire, or that fire whatever happens. What depends on the window is not
/// looked at: a rule alone does not know it. Code is refused, too: constants,
/// functions, `Custom(…)`.
///
/// ```
/// use fluxgate::tripper::Rule;
///
/// let rule: Rule = "FailureStreak(5) | MinRequests(20) & FailureRate(0.5)".parse()?;
/// assert_eq!(rule.to_string(), "FailureStreak(5) | MinRequests(20) & FailureRate(0.5)");
/// assert!("MinRequests(20)".parse::<Rule>().is_err(), "it looks at no outcome");
/// # Ok::<_, fluxgate::ParsePolicyError>(())
/// ```
impl FromStr for Rule {
    type Err = ParsePolicyError;

    fn from_str(text: &str) -> Result<Self, ParsePolicyError> {
        let check = |tripper: &policy::TripperFormula, errors: &ErrorList| {
            let facts = Facts {
                window: Size::Unknown,
                tripper,
                close_after: None,
                reopen_after: None,
            };
            analysis::check(&facts, errors);
        };
        let written = parse_and_check(text, policy::read_tripper, check)?;
        Ok(Self::from(&written))
    }
}

impl From<policy::ParsedWindow> for AnyWindow {
    fn from(window: policy::ParsedWindow) -> Self {
        match window {
            policy::ParsedWindow::Count(size) => CountWindow::new(size).into(),
            policy::ParsedWindow::Time(duration, slots) => {
                let window = TimeWindow::new(duration);
                slots
                    .map_or(window.clone(), |slots| window.slots(slots))
                    .into()
            }
        }
    }
}

macro_rules! from_str {
    ($($of:ty, $read:path, $example:literal;)*) => {$(
        /// Reads the policy as the attribute does:
        #[doc = concat!("`", $example, "`.")]
        impl FromStr for $of {
            type Err = ParsePolicyError;

            fn from_str(text: &str) -> Result<Self, ParsePolicyError> {
                parse(text, |cursor, errors| $read(cursor, errors).map(Into::into))
            }
        }
    )*};
}

from_str! {
    AnyWindow, policy::read_window, "TimeWindow(60s)";
    AnyRetry, policy::read_retry, "Backoff(initial = 10s)";
    AnyPermit, policy::read_permit, "RampUp(0.1, 1.0, 60s)";
    Adaptive, policy::read_throttle, "Adaptive(k = 1.5)";
    OnCancel, policy::read_on_cancel, "FailAfter(5s)";
    SlowProbes, policy::read_slow_probes, "Fail";
}

macro_rules! leaf_from_str {
    ($($name:ident: $written:pat => $of:expr;)*) => {$(
        /// Reads this rule alone, as the attribute does.
        impl FromStr for $name {
            type Err = ParsePolicyError;

            fn from_str(text: &str) -> Result<Self, ParsePolicyError> {
                parse(text, |cursor, errors| {
                    let leaf = policy::read_leaf(cursor, errors)?;
                    match &leaf.rule {
                        $written => Ok($of),
                        _ => Err(another(&leaf.place, stringify!($name), "tripper::Rule", errors)),
                    }
                })
            }
        }
    )*};
}

leaf_from_str! {
    Closed: Written::Closed => Closed;
    HalfOpened: Written::HalfOpened => HalfOpened;
    MinRequests: Written::MinRequests(count) => MinRequests::new(count.get());
    FailureRate: Written::FailureRate(ratio) => FailureRate::new(ratio.get());
    AvgLatency: Written::AvgLatency(threshold) => AvgLatency::new(threshold.get());
    SlowRate: Written::SlowRate { ratio, threshold } => SlowRate::new(ratio.get(), threshold.get());
    FailureStreak: Written::FailureStreak(count) => FailureStreak::new(count.get());
    InFlight: Written::InFlight { count, older_than } => {
        InFlight::new(count.get(), older_than.get())
    };
}

macro_rules! one_from_str {
    ($($name:ident, $read:path, $any:literal;)*) => {$(
        /// Reads this policy, as the attribute does.
        impl FromStr for $name {
            type Err = ParsePolicyError;

            fn from_str(text: &str) -> Result<Self, ParsePolicyError> {
                parse(text, |cursor, errors| {
                    let place = cursor.whole();
                    let any = $read(cursor, errors)?;
                    Self::try_from(any)
                        .map_err(|_| another(&place, stringify!($name), $any, errors))
                })
            }
        }
    )*};
}

one_from_str! {
    Never, policy::read_retry, "retry::AnyRetry";
    Always, policy::read_retry, "retry::AnyRetry";
    Cooldown, policy::read_retry, "retry::AnyRetry";
    Backoff, policy::read_retry, "retry::AnyRetry";
    All, policy::read_permit, "permit::AnyPermit";
    Random, policy::read_permit, "permit::AnyPermit";
    RampUp, policy::read_permit, "permit::AnyPermit";
    CountWindow, policy::read_window, "window::AnyWindow";
    TimeWindow, policy::read_window, "window::AnyWindow";
}

/// Reports a policy that is another one than was asked for.
fn another(place: &Location, wanted: &str, any: &str, errors: &ErrorList) -> Reported {
    errors.at(
        place,
        format!("expected `{wanted}`, found another policy; what reads any is `{any}`"),
    )
}

impl TryFrom<policy::ParsedWindow> for CountWindow {
    type Error = ();

    fn try_from(window: policy::ParsedWindow) -> Result<Self, ()> {
        match window {
            policy::ParsedWindow::Count(size) => Ok(Self::new(size)),
            policy::ParsedWindow::Time(..) => Err(()),
        }
    }
}

impl TryFrom<policy::ParsedWindow> for TimeWindow {
    type Error = ();

    fn try_from(window: policy::ParsedWindow) -> Result<Self, ()> {
        match window {
            policy::ParsedWindow::Time(duration, None) => Ok(Self::new(duration)),
            policy::ParsedWindow::Time(duration, Some(slots)) => {
                Ok(Self::new(duration).slots(slots))
            }
            policy::ParsedWindow::Count(_) => Err(()),
        }
    }
}
