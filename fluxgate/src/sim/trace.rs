//! Recorded calls, replayed through a policy.

use std::{fmt, time::Duration};

use super::{Policy, replay};
use crate::{ConfigError, util::duration::nanos};

/// One recorded call.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Entry {
    /// When it arrived, since the start of the recording.
    pub at: Duration,
    /// How long it took and how it ended; `None` for a call that was refused then.
    pub ended: Option<(Duration, Ended)>,
}

impl Entry {
    /// Records a call that ran.
    #[must_use]
    pub fn ran(at: Duration, took: Duration, ended: Ended) -> Self {
        Self {
            at,
            ended: Some((took, ended)),
        }
    }

    /// Records a call that was refused: by a breaker, say, that was open then.
    #[must_use]
    pub fn refused(at: Duration) -> Self {
        Self { at, ended: None }
    }
}

/// How a recorded call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// With an answer.
    Success,
    /// With a failure of the dependency.
    Failure,
    /// Refused by the dependency, which was too busy.
    Overloaded,
    /// With an error that proves the dependency alive.
    Alive,
    /// With an error that says nothing about the dependency.
    Ignored,
    /// The caller gave up: what it counts as is the policy's
    /// [`on_cancel`](crate::Builder::on_cancel).
    Cancelled,
}

/// Calls recorded from production, to be replayed through a policy.
///
/// A recording holds no outcome for calls that were refused then. When a policy lets
/// such a call through, its outcome is drawn from the nearest recorded calls before
/// and after, the nearer one the likelier; the [`Replay`] says how much of each figure
/// is guessed. Record with a breaker in `metrics_only`, and nothing is.
///
/// A dependency's capacity does not react to a replay: calls that a policy adds or
/// takes away change no other call's outcome.
///
/// ```
/// use std::time::Duration;
/// use fluxgate::{Builder, sim::{Ended, Entry, Trace}, tripper::FailureStreak};
///
/// let ms = Duration::from_millis;
/// let trace = Trace::new((0..100).map(|n| {
///     let ended = if n < 50 { Ended::Success } else { Ended::Failure };
///     Entry::ran(ms(10 * n), ms(3), ended)
/// }));
/// let replay = trace.run(|breaker: Builder| breaker.tripper(FailureStreak::new(5)));
/// assert_eq!(replay.run().total().failed, 5);
/// assert_eq!(replay.refused().value(), 45);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    pub(super) entries: Vec<Entry>,
}

impl Trace {
    /// The calls that a file may hold, and that a recorder keeps at most.
    pub const MOST_CALLS: usize = 10_000_000;

    /// Takes recorded calls, in any order.
    #[must_use]
    pub fn new(entries: impl IntoIterator<Item = Entry>) -> Self {
        let mut entries: Vec<Entry> = entries.into_iter().collect();
        // Stable: calls that arrived together stay as they were recorded.
        entries.sort_by_key(|entry| entry.at);
        Self { entries }
    }

    /// Returns the recorded calls, by the time of their arrival.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Replays the calls through a breaker of this policy.
    ///
    /// # Panics
    ///
    /// If a setting of the policy is out of range; [`try_run`](Self::try_run) returns
    /// that.
    #[must_use]
    pub fn run(&self, policy: impl Policy) -> Replay {
        self.try_run(policy)
            .unwrap_or_else(|error| panic!("the policy can't be simulated: {error}"))
    }

    /// Replays the calls through a breaker of this policy.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with every setting of the policy that is out of range.
    #[allow(
        clippy::needless_pass_by_value,
        reason = "closures are given as they are"
    )]
    pub fn try_run(&self, policy: impl Policy) -> Result<Replay, ConfigError> {
        replay::run(self, &policy, &mut |_| ())
    }

    /// Replays the calls as [`try_run`](Self::try_run) does, and tells `watch` now and
    /// then which share is done, from 0 to 1: for a progress bar.
    ///
    /// # Errors
    ///
    /// As [`try_run`](Self::try_run).
    #[allow(
        clippy::needless_pass_by_value,
        reason = "closures are given as they are"
    )]
    pub fn try_run_watched(
        &self,
        policy: impl Policy,
        mut watch: impl FnMut(f64),
    ) -> Result<Replay, ConfigError> {
        replay::run(self, &policy, &mut watch)
    }

    /// Returns when the last call ended or was refused.
    pub(super) fn lasts(&self) -> u64 {
        self.entries
            .iter()
            .map(|entry| {
                let took = entry.ended.map_or(Duration::ZERO, |(took, _)| took);
                nanos(entry.at.saturating_add(took))
            })
            .max()
            .unwrap_or(0)
    }
}

/// A figure of a replay, of which a part is guessed.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(clippy::struct_field_names, reason = "the part that is guessed")]
pub struct Guessed {
    pub(super) value: u64,
    pub(super) guessed: u64,
    pub(super) least: u64,
    pub(super) most: u64,
}

impl Guessed {
    /// Returns the figure with guesses drawn from the neighbours.
    #[must_use]
    pub fn value(&self) -> u64 {
        self.value
    }

    /// Returns the share of guesses among the calls that this figure counts, from 0
    /// to 1.
    #[must_use]
    pub fn share(&self) -> f64 {
        if self.value == 0 {
            0.0
        } else {
            self.guessed as f64 / self.value as f64
        }
    }

    /// Returns the figure if all guesses failed and if all succeeded, the smaller
    /// first.
    #[must_use]
    pub fn range(&self) -> (u64, u64) {
        (self.least, self.most)
    }
}

impl fmt::Display for Guessed {
    /// Writes the figure with its share of guesses; above 20 % as a range.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = 100.0 * self.share();
        // None counted, some thinkable: unsure as well.
        if percent > 20.0 || self.value == 0 && self.most > 0 {
            write!(
                f,
                "{} to {} ({percent:.0} % guessed)",
                self.least, self.most
            )
        } else if self.guessed > 0 {
            write!(f, "{} ({percent:.0} % guessed)", self.value)
        } else {
            write!(f, "{}", self.value)
        }
    }
}

/// The result of replaying recorded calls through one policy.
#[derive(Clone, Debug)]
pub struct Replay {
    pub(super) run: super::Run,
    pub(super) answered: Guessed,
    pub(super) failed: Guessed,
    pub(super) overloaded: Guessed,
    pub(super) refused: Guessed,
    pub(super) throttled: Guessed,
    pub(super) wrongly_refused: Guessed,
}

impl Replay {
    /// Returns the run with guesses drawn from the neighbours, for its pictures and
    /// its other figures.
    #[must_use]
    pub fn run(&self) -> &super::Run {
        &self.run
    }

    /// Returns how many calls were answered.
    #[must_use]
    pub fn answered(&self) -> Guessed {
        self.answered
    }

    /// Returns how many calls reached the dependency and failed.
    #[must_use]
    pub fn failed(&self) -> Guessed {
        self.failed
    }

    /// Returns how many calls the dependency refused as too many.
    #[must_use]
    pub fn overloaded(&self) -> Guessed {
        self.overloaded
    }

    /// Returns how many calls an open or half-open circuit refused.
    #[must_use]
    pub fn refused(&self) -> Guessed {
        self.refused
    }

    /// Returns how many calls a throttle refused.
    #[must_use]
    pub fn throttled(&self) -> Guessed {
        self.throttled
    }

    /// Returns how many of the refused calls would have been answered.
    #[must_use]
    pub fn wrongly_refused(&self) -> Guessed {
        self.wrongly_refused
    }
}

impl fmt::Display for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "answered         {}", self.answered)?;
        writeln!(f, "failed           {}", self.failed)?;
        writeln!(f, "overloaded       {}", self.overloaded)?;
        writeln!(f, "refused          {}", self.refused)?;
        if self.throttled.most > 0 {
            writeln!(f, "throttled        {}", self.throttled)?;
        }
        writeln!(f, "refused wrongly  {}", self.wrongly_refused)?;
        write!(f, "The dependency's capacity does not react to a replay.")
    }
}
