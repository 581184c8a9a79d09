//! The built-in rules and their combinations.

use std::{
    fmt,
    ops::{BitAnd, BitOr},
    sync::Arc,
    time::Duration,
};

use super::{Cause, Context, Custom, InFlight, Needs};
use crate::{
    Fault, RuleKind, State,
    flight::RulePart,
    util::bounds,
    util::duration::{Literal, nanos},
};

/// Any rule, as [`Builder::tripper`](crate::Builder::tripper) takes it: a
/// built-in one, a [`Custom`] one, or a combination. Clones share what is custom.
#[derive(Clone, Debug)]
pub struct Rule(pub(super) Node);

#[derive(Clone, Debug)]
pub(super) enum Node {
    State(State),
    MinRequests(u64),
    FailureRate(f64),
    AvgLatency(Duration),
    SlowRate(f64, Duration),
    FailureStreak(u64),
    /// Boxed, since it is rarer than the others and as large as the largest.
    InFlight(Box<InFlight>),
    Custom(Arc<Custom>),
    All(Box<[Node]>),
    Any(Box<[Node]>),
}

impl Node {
    /// Returns whether the node fires. Parts are asked from left to right, and
    /// no further than needed.
    pub(super) fn fires(&self, seen: &Context<'_>) -> bool {
        match self {
            Self::All(nodes) => nodes.iter().all(|node| node.fires_within(seen)),
            Self::Any(nodes) => nodes.iter().any(|node| node.fires_within(seen)),
            leaf => leaf.leaf_fires(seen),
        }
    }

    /// Returns the same without a recursive call for a leaf, which most nodes
    /// are.
    #[inline]
    fn fires_within(&self, seen: &Context<'_>) -> bool {
        match self {
            Self::All(_) | Self::Any(_) => self.fires(seen),
            leaf => leaf.leaf_fires(seen),
        }
    }

    #[inline]
    fn leaf_fires(&self, seen: &Context<'_>) -> bool {
        match self {
            Self::State(state) => seen.state == *state,
            Self::MinRequests(count) => seen.totals.calls >= *count,
            Self::FailureRate(ratio) => seen.failure_rate().is_some_and(|rate| rate >= *ratio),
            Self::AvgLatency(threshold) => {
                let calls = seen.totals.calls;
                // Multiplied out: the mean itself may fall between nanoseconds.
                calls > 0
                    && seen.totals.nanos.0 >= u128::from(nanos(*threshold)) * u128::from(calls)
            }
            Self::SlowRate(ratio, slow) => seen.slow_rate(*slow).is_some_and(|rate| rate >= *ratio),
            Self::FailureStreak(count) => seen.streak >= *count,
            Self::InFlight(rule) => {
                let old = seen.in_flight(rule.older_than);
                old.is_some_and(|calls| calls >= rule.count)
            }
            Self::Custom(custom) => custom.fires(seen),
            Self::All(_) | Self::Any(_) => false,
        }
    }

    /// Writes `nodes` with `operator` between them. Of the two operators `&` binds
    /// tighter, so only an alternative within a conjunction needs parentheses.
    fn write_chain(f: &mut fmt::Formatter<'_>, nodes: &[Self], operator: &str) -> fmt::Result {
        for (i, node) in nodes.iter().enumerate() {
            if i > 0 {
                f.write_str(operator)?;
            }
            match node {
                Self::Any(_) => write!(f, "({node})")?,
                node => write!(f, "{node}")?,
            }
        }
        Ok(())
    }

    /// Returns whether both are one rule; of custom parts, whether they are the very
    /// same.
    #[cfg(feature = "settings")]
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::All(nodes), Self::All(others)) | (Self::Any(nodes), Self::Any(others)) => {
                let mut pairs = nodes.iter().zip(others);
                nodes.len() == others.len() && pairs.all(|(node, other)| node.is_same(other))
            }
            (Self::Custom(custom), Self::Custom(other)) => Arc::ptr_eq(custom, other),
            (Self::Custom(_), _) | (_, Self::Custom(_)) => false,
            (leaf, other) => leaf.to_string() == other.to_string(),
        }
    }

    pub(super) fn visit(&self, f: &mut impl FnMut(&Node)) {
        f(self);
        if let Self::All(nodes) | Self::Any(nodes) = self {
            for node in nodes {
                node.visit(f);
            }
        }
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::State(State::HalfOpen) => f.write_str("HalfOpened"),
            Self::State(_) => f.write_str("Closed"),
            Self::MinRequests(count) => write!(f, "MinRequests({count})"),
            Self::FailureRate(ratio) => write!(f, "FailureRate({ratio:?})"),
            Self::AvgLatency(threshold) => write!(f, "AvgLatency({})", Literal(*threshold)),
            Self::SlowRate(ratio, threshold) => {
                write!(
                    f,
                    "SlowRate({ratio:?}, threshold = {})",
                    Literal(*threshold)
                )
            }
            Self::FailureStreak(count) => write!(f, "FailureStreak({count})"),
            Self::InFlight(rule) => {
                let InFlight { count, older_than } = **rule;
                write!(f, "InFlight({count}, older_than = {})", Literal(older_than))
            }
            Self::Custom(custom) => custom.fmt(f),
            Self::All(nodes) => Self::write_chain(f, nodes, " & "),
            Self::Any(nodes) => Self::write_chain(f, nodes, " | "),
        }
    }
}

/// Writes the rule as the attribute reads it.
///
/// ```
/// use fluxgate::tripper::{FailureRate, FailureStreak, MinRequests};
///
/// let rule = FailureStreak::new(5) | MinRequests::new(20) & FailureRate::new(0.5);
/// assert_eq!(rule.to_string(), "FailureStreak(5) | MinRequests(20) & FailureRate(0.5)");
/// ```
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Rule {
    pub(crate) fn fires(&self, seen: &Context<'_>) -> bool {
        self.0.fires(seen)
    }

    /// Returns whether both are one rule; of custom parts, whether they are the very
    /// same.
    #[cfg(feature = "settings")]
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.0.is_same(&other.0)
    }

    /// Returns whether a part of the rule is custom.
    pub(crate) fn has_own(&self) -> bool {
        let mut own = false;
        self.0
            .visit(&mut |node| own |= matches!(node, Node::Custom(_)));
        own
    }

    /// Returns what made the rule fire, or `None` if it does not fire.
    pub(crate) fn cause(&self, seen: &Context<'_>) -> Option<Cause> {
        self.0.cause(seen, &mut 0).map(|(cause, _)| cause)
    }

    /// Returns what each part reads, without asking a custom one.
    pub(crate) fn parts(&self, seen: &Context<'_>, cause: Option<Cause>) -> Vec<RulePart> {
        let mut parts = Vec::new();
        self.0.parts(seen, cause, &mut 0, &mut parts);
        parts
    }

    /// Returns the kind and threshold of a leaf that a [`Cause`] names.
    pub(crate) fn leaf(&self, leaf: u16) -> Option<(RuleKind, f64)> {
        self.0.leaf(&mut u32::from(leaf))
    }

    /// Returns what the whole rule reads, also below branches that can never
    /// fire; the thresholds ascending, each once.
    pub(crate) fn needs(&self) -> Needs {
        let mut needs = Needs::counts();
        self.0.visit(&mut |node| match node {
            Node::AvgLatency(_) => needs.durations = true,
            Node::SlowRate(_, slow) => needs.slow.push(*slow),
            Node::InFlight(rule) => needs.in_flight.push(rule.older_than),
            Node::Custom(custom) => {
                let own = custom.needs();
                needs.durations |= own.durations;
                needs.every_call |= own.every_call;
                needs.slow.extend(own.slow);
                needs.in_flight.extend(own.in_flight);
            }
            _ => {}
        });
        for ascending in [&mut needs.slow, &mut needs.in_flight] {
            ascending.sort_unstable();
            ascending.dedup();
        }
        needs
    }

    /// Makes something else of the rule, from the leaves up. `leaf` is given a leaf as the
    /// attribute reads it.
    #[cfg(feature = "settings")]
    pub(crate) fn fold<T>(
        &self,
        leaf: &mut impl FnMut(String) -> T,
        all: fn(Vec<T>) -> T,
        any: fn(Vec<T>) -> T,
    ) -> T {
        fn fold<T>(
            node: &Node,
            leaf: &mut impl FnMut(String) -> T,
            all: fn(Vec<T>) -> T,
            any: fn(Vec<T>) -> T,
        ) -> T {
            let mut parts = |nodes: &[Node]| {
                let parts = nodes.iter().map(|node| fold(node, leaf, all, any));
                parts.collect()
            };
            match node {
                Node::All(nodes) => all(parts(nodes)),
                Node::Any(nodes) => any(parts(nodes)),
                node => leaf(node.to_string()),
            }
        }
        fold(&self.0, leaf, all, any)
    }

    pub(crate) fn check(&self) -> Result<(), Vec<Fault>> {
        let mut faults = Vec::new();
        let mut leaves: u64 = 0;
        self.0.visit(&mut |node| {
            leaves += u64::from(!matches!(node, Node::All(_) | Node::Any(_)));
            let mut refuse = |ok: bool, what: &str, given: &dyn std::fmt::Debug| {
                if !ok {
                    faults.push(Fault::new(format!("{what}, but is {given:?}")));
                }
            };
            match node {
                Node::MinRequests(count) => refuse(
                    bounds::count(*count),
                    "the count of `MinRequests` must be at least 1",
                    count,
                ),
                Node::FailureStreak(count) => refuse(
                    bounds::count(*count),
                    "the count of `FailureStreak` must be at least 1",
                    count,
                ),
                Node::FailureRate(ratio) => refuse(
                    bounds::ratio(*ratio),
                    "the ratio of `FailureRate` must be greater than 0 and at most 1",
                    ratio,
                ),
                Node::SlowRate(ratio, slow) => {
                    refuse(
                        bounds::ratio(*ratio),
                        "the ratio of `SlowRate` must be greater than 0 and at most 1",
                        ratio,
                    );
                    refuse(
                        bounds::duration(*slow),
                        "the threshold of `SlowRate` must be greater than zero",
                        slow,
                    );
                }
                Node::InFlight(rule) => {
                    let InFlight { count, older_than } = **rule;
                    refuse(
                        bounds::count(count),
                        "the count of `InFlight` must be at least 1",
                        &count,
                    );
                    refuse(
                        bounds::duration(older_than),
                        "older_than of `InFlight` must be greater than zero",
                        &older_than,
                    );
                }
                Node::AvgLatency(threshold) => refuse(
                    bounds::duration(*threshold),
                    "the threshold of `AvgLatency` must be greater than zero",
                    threshold,
                ),
                Node::State(_) | Node::Custom(_) | Node::All(_) | Node::Any(_) => {}
            }
        });
        if leaves > LEAVES {
            faults.push(Fault::new(format!(
                "a rule must have at most {LEAVES} parts, but has {leaves}; \
                 put what they say into one `tripper::Custom`"
            )));
        }
        if faults.is_empty() {
            Ok(())
        } else {
            Err(faults)
        }
    }
}

/// How many leaves a rule may have, so that each has a number in a [`Cause`].
const LEAVES: u64 = 10_000;

/// `MinRequests(100) & FailureRate(0.5)`.
impl Default for Rule {
    fn default() -> Self {
        MinRequests::new(100) & FailureRate::new(0.5)
    }
}

/// Joins two rules. A chain of one operator becomes one list: `a & b & c` is
/// asked like `a && b && c`.
fn join(left: Rule, right: Rule, all: bool) -> Rule {
    let parts = |rule: Rule| match rule.0 {
        Node::All(nodes) if all => nodes.into_vec(),
        Node::Any(nodes) if !all => nodes.into_vec(),
        node => vec![node],
    };
    let nodes = parts(left).into_iter().chain(parts(right)).collect();
    Rule(if all {
        Node::All(nodes)
    } else {
        Node::Any(nodes)
    })
}

macro_rules! operators {
    ($($rule:ty),*) => {$(
        impl<R: Into<Rule>> BitAnd<R> for $rule {
            type Output = Rule;

            fn bitand(self, other: R) -> Rule {
                join(self.into(), other.into(), true)
            }
        }

        impl<R: Into<Rule>> BitOr<R> for $rule {
            type Output = Rule;

            fn bitor(self, other: R) -> Rule {
                join(self.into(), other.into(), false)
            }
        }
    )*};
}

macro_rules! leaves {
    ($($leaf:ty: $self:ident => $node:expr;)*) => {
        $(impl From<$leaf> for Rule {
            fn from($self: $leaf) -> Rule {
                Rule($node)
            }
        })*
        operators!($($leaf),*);
    };
}

leaves! {
    Closed: _leaf => Node::State(State::Closed);
    HalfOpened: _leaf => Node::State(State::HalfOpen);
    MinRequests: leaf => Node::MinRequests(leaf.0);
    FailureRate: leaf => Node::FailureRate(leaf.0);
    AvgLatency: leaf => Node::AvgLatency(leaf.0);
    SlowRate: leaf => Node::SlowRate(leaf.ratio, leaf.threshold);
    FailureStreak: leaf => Node::FailureStreak(leaf.0);
    InFlight: leaf => Node::InFlight(Box::new(leaf));
    Custom: leaf => Node::Custom(Arc::new(leaf));
}

operators!(Rule);

macro_rules! displays {
    ($($leaf:ty),*) => {$(
        /// Writes the rule as the attribute reads it.
        impl fmt::Display for $leaf {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                Rule::from(*self).fmt(f)
            }
        }
    )*};
}

displays!(
    Closed,
    HalfOpened,
    MinRequests,
    FailureRate,
    AvgLatency,
    SlowRate,
    FailureStreak,
    InFlight
);

/// Fires in the closed state, whatever the outcomes: `Closed & …` limits a rule
/// to it.
#[derive(Clone, Copy, Debug)]
pub struct Closed;

/// Fires in the half-open state, whatever the outcomes: `HalfOpened & …` limits
/// a rule to it.
#[doc(alias("half_open"))]
#[derive(Clone, Copy, Debug)]
pub struct HalfOpened;

/// Fires when the window holds at least `count` calls. Combine it with a rate,
/// so that the first failure alone is not 100 %.
#[doc(alias("minimum_number_of_calls", "minimum_throughput", "volume_threshold"))]
#[derive(Clone, Copy, Debug)]
pub struct MinRequests(u64);

impl MinRequests {
    /// Creates the rule. `count` must be at least 1, and in a
    /// [`CountWindow`](crate::window::CountWindow) no larger than the window.
    #[must_use]
    pub const fn new(count: u64) -> Self {
        Self(count)
    }
}

/// Fires when at least this share of the calls in the window failed.
#[doc(alias("failure_ratio", "failure_rate_threshold", "error_rate"))]
#[derive(Clone, Copy, Debug)]
pub struct FailureRate(f64);

impl FailureRate {
    /// Creates the rule. `ratio` must be above 0 and at most 1.
    #[must_use]
    pub const fn new(ratio: f64) -> Self {
        Self(ratio)
    }
}

/// Fires when the mean duration of the calls in the window, failed ones
/// included, is at least `threshold`.
#[doc(alias("response_time"))]
#[derive(Clone, Copy, Debug)]
pub struct AvgLatency(Duration);

impl AvgLatency {
    /// Creates the rule. `threshold` must be above zero.
    #[must_use]
    pub const fn new(threshold: Duration) -> Self {
        Self(threshold)
    }
}

/// Fires when at least the share `ratio` of the calls in the window, failed ones
/// included, took `threshold` or longer.
#[doc(alias("slow_call_rate_threshold", "slow_calls"))]
#[derive(Clone, Copy, Debug)]
pub struct SlowRate {
    ratio: f64,
    threshold: Duration,
}

impl SlowRate {
    /// Creates the rule. `ratio` must be above 0 and at most 1, `threshold`
    /// above zero.
    #[must_use]
    pub const fn new(ratio: f64, threshold: Duration) -> Self {
        Self { ratio, threshold }
    }
}

/// Fires when the last `count` recorded calls all failed. The window does not
/// matter.
#[doc(alias("consecutive_failures", "failure_threshold", "fail_max"))]
#[derive(Clone, Copy, Debug)]
pub struct FailureStreak(u64);

impl FailureStreak {
    /// Creates the rule. `count` must be at least 1.
    #[must_use]
    pub const fn new(count: u64) -> Self {
        Self(count)
    }
}
