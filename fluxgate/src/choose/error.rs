//! What came of the targets that did not answer.

use std::{convert::Infallible, fmt, ops::Deref, time::Duration};

use crate::{CallNotPermitted, Classify, Name, Outcome};

/// One target that was passed over: it did not admit the call, or its answer was a
/// failure and the call moved on.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PassedOver<K, E = Infallible> {
    /// The target, as it was given.
    pub key: K,
    /// The name of its breaker; of a key that has no name of its own in its set, the
    /// name that it would have.
    pub name: Name,
    /// Why the call moved on.
    pub reason: PassedOverReason<E>,
    /// How long until its breaker lets a probe through, if it is open and will.
    pub retry_after: Option<Duration>,
}

/// Why a call moved on from a target.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum PassedOverReason<E = Infallible> {
    /// Its breaker did not admit the call.
    Rejected(CallNotPermitted),
    /// It failed with this error.
    Failed(E),
    /// It answered with a value that counts as a failure.
    FailedValue,
}

/// The targets that were passed over, in the order in which they were asked: a
/// slice of [`PassedOver`].
#[derive(Clone, Debug)]
pub struct PassedOvers<K, E = Infallible> {
    list: Vec<PassedOver<K, E>>,
    /// Of the target that failed last: its breaker's name, and when that may be
    /// probed.
    pub(super) last: Option<Box<(Name, Option<Duration>)>>,
}

impl<K, E> PassedOvers<K, E> {
    pub(super) fn new() -> Self {
        Self {
            list: Vec::new(),
            last: None,
        }
    }

    pub(super) fn push(&mut self, passed: PassedOver<K, E>) {
        self.list.push(passed);
    }

    /// Puts one in, so many places before the end.
    pub(super) fn insert_before(&mut self, places: usize, passed: PassedOver<K, E>) {
        let index = self.list.len().saturating_sub(places);
        self.list.insert(index, passed);
    }

    pub(super) fn remove(&mut self, index: usize) -> PassedOver<K, E> {
        self.list.remove(index)
    }

    fn earliest(&self) -> Option<Duration> {
        let last = self.last.as_deref().and_then(|(_, wait)| *wait);
        let waits = self.list.iter().filter_map(|passed| passed.retry_after);
        waits.chain(last).min()
    }
}

impl<K, E> Deref for PassedOvers<K, E> {
    type Target = [PassedOver<K, E>];

    fn deref(&self) -> &[PassedOver<K, E>] {
        &self.list
    }
}

impl<'a, K, E> IntoIterator for &'a PassedOvers<K, E> {
    type Item = &'a PassedOver<K, E>;
    type IntoIter = std::slice::Iter<'a, PassedOver<K, E>>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.iter()
    }
}

impl<K, E> IntoIterator for PassedOvers<K, E> {
    type Item = PassedOver<K, E>;
    type IntoIter = std::vec::IntoIter<PassedOver<K, E>>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.into_iter()
    }
}

impl<K, E> FromIterator<PassedOver<K, E>> for PassedOvers<K, E> {
    fn from_iter<I: IntoIterator<Item = PassedOver<K, E>>>(passed: I) -> Self {
        Self {
            list: passed.into_iter().collect(),
            last: None,
        }
    }
}

/// No target answered.
///
/// Its text names every target, up to eight of them, with the reason and the time to
/// its next attempt. The error of the last target is its
/// [`source`](std::error::Error::source).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum FailoverError<K, E = Infallible> {
    /// No target admitted the call: it was not made.
    Refused {
        /// All targets.
        passed_over: PassedOvers<K, E>,
    },
    /// The last target that was asked failed, and the call could not move on.
    Failed {
        /// The target.
        key: K,
        /// Its error.
        error: E,
        /// The targets before it, and those after it that did not admit the call.
        passed_over: PassedOvers<K, E>,
    },
}

impl<K, E> FailoverError<K, E> {
    /// Returns the targets that were passed over, in the order in which they were
    /// asked.
    #[must_use]
    pub fn passed_over(&self) -> &PassedOvers<K, E> {
        match self {
            Self::Refused { passed_over } | Self::Failed { passed_over, .. } => passed_over,
        }
    }

    /// Returns how long until the first of all these targets may be probed; `None`
    /// if none of them is open, or none of those ever will.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.passed_over().earliest()
    }

    /// Returns the error of the target that failed last, if any was asked.
    #[must_use]
    pub fn into_error(self) -> Option<E> {
        match self {
            Self::Refused { .. } => None,
            Self::Failed { error, .. } => Some(error),
        }
    }
}

/// A message names so many targets.
const NAMED: usize = 8;

impl<K, E: fmt::Display> fmt::Display for FailoverError<K, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let passed_over = self.passed_over();
        match self {
            Self::Refused { .. } if passed_over.is_empty() => {
                return f.write_str("there is no target to choose from: the list is empty");
            }
            Self::Refused { .. } => f.write_str("no target admits the call: ")?,
            Self::Failed { .. } => {
                match passed_over.last.as_deref() {
                    Some((name, wait)) => {
                        write!(f, "'{name}' failed")?;
                        write_wait(f, *wait)?;
                    }
                    None => f.write_str("the target failed")?,
                }
                if !passed_over.is_empty() {
                    f.write_str("; passed over: ")?;
                }
            }
        }
        for (i, passed) in passed_over.iter().take(NAMED).enumerate() {
            if i > 0 {
                f.write_str("; ")?;
            }
            passed.fmt(f)?;
        }
        match passed_over.len().saturating_sub(NAMED) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

impl<K, E: fmt::Display> fmt::Display for PassedOver<K, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            PassedOverReason::Rejected(rejection) if self.name == *rejection.name() => {
                rejection.fmt(f)
            }
            PassedOverReason::Rejected(rejection) => {
                write!(f, "'{}': {rejection}", self.name)
            }
            PassedOverReason::Failed(error) => {
                write!(f, "'{}' failed", self.name)?;
                write_wait(f, self.retry_after)?;
                write!(f, ": {error}")
            }
            PassedOverReason::FailedValue => {
                write!(f, "'{}' answered with a failure", self.name)?;
                write_wait(f, self.retry_after)
            }
        }
    }
}

fn write_wait(f: &mut fmt::Formatter<'_>, wait: Option<Duration>) -> fmt::Result {
    match wait {
        Some(wait) => write!(f, " (next attempt in {wait:.1?})"),
        None => Ok(()),
    }
}

impl<K: fmt::Debug, E: std::error::Error + 'static> std::error::Error for FailoverError<K, E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Refused { .. } => None,
            Self::Failed { error, .. } => Some(error),
        }
    }
}

/// A call that no target admitted says nothing of any; one that failed what its
/// error says.
impl<K, E: Classify> Classify for FailoverError<K, E> {
    fn outcome(&self) -> Outcome {
        match self {
            Self::Refused { .. } => Outcome::Ignored,
            Self::Failed { error, .. } => error.outcome(),
        }
    }
}
