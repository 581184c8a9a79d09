//! How a breaker takes part in a fleet.

use std::{fmt, time::Duration};

use super::store::Terms;
use crate::{
    Fault,
    retry::{Opening, Retry},
    tripper::Rule,
    util::{duration::Literal, panic::catch_panic},
};

/// How a breaker takes part in a [fleet](super), for
/// [`Builder::fleet`](crate::Builder::fleet).
///
/// ```
/// use fluxgate::{CircuitBreaker, fleet::Member, tripper::FailureStreak};
///
/// let breaker = CircuitBreaker::builder("payments")
///     .tripper(FailureStreak::new(5))
///     .fleet(Member::new().suspect(FailureStreak::new(2)).probes(3))
///     .build()?;
/// assert_eq!(breaker.info().fleet.map(|fleet| fleet.joined), Some(false));
/// # Ok::<_, fluxgate::ConfigError>(())
/// ```
#[derive(Debug)]
#[must_use = "it is for `Builder::fleet`"]
pub struct Member {
    pub(crate) suspect: Option<Rule>,
    probes: u32,
    lease: Duration,
}

/// How many probes may run at once in a fleet at most.
const MOST_PROBES: u32 = 1000;
/// For how long a lease may last.
const LEASES: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(100)..=Duration::from_secs(600);

impl Default for Member {
    fn default() -> Self {
        Self::new()
    }
}

impl Member {
    /// Creates the part of a breaker that tells of its own openings alone, in a fleet with
    /// three probes at a time, each for 10 s.
    pub const fn new() -> Self {
        Self {
            suspect: None,
            probes: 3,
            lease: Duration::from_secs(10),
        }
    }

    /// Sets a second rule on the same window. When it fires the breaker does nothing but
    /// tell the fleet: this instance votes for an opening. It should fire earlier than the
    /// breaker's own rule. Default: the breaker's own openings are its votes.
    pub fn suspect(mut self, rule: impl Into<Rule>) -> Self {
        self.suspect = Some(rule.into());
        self
    }

    /// Sets how many instances may probe at a time, from 1 to 1000, one probe each.
    /// Default: 3.
    pub const fn probes(mut self, probes: u32) -> Self {
        self.probes = probes;
        self
    }

    /// Sets for how long an instance may probe, from 100 ms to 10 min. A probe that takes
    /// longer says nothing to the fleet. Default: 10 s.
    pub const fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    pub(crate) fn check(&self, retry: &dyn Retry) -> Result<(), Vec<Fault>> {
        let mut faults = Vec::new();
        if let Some(suspect) = &self.suspect {
            faults.extend(suspect.check().err().into_iter().flatten());
            if suspect.has_own() {
                faults.push(Fault::new(
                    "the rule `suspect` of a fleet can't have a `Custom` part: it is asked while \
                     the breaker is locked",
                ));
            }
        }
        if !(1..=MOST_PROBES).contains(&self.probes) {
            faults.push(Fault::new(format!(
                "`probes` of a fleet must be from 1 to {MOST_PROBES}, but is {}",
                self.probes
            )));
        }
        if !LEASES.contains(&self.lease) {
            faults.push(Fault::new(format!(
                "`lease` of a fleet must be from {} to {}, but is {:?}",
                Literal(*LEASES.start()),
                Literal(*LEASES.end()),
                self.lease
            )));
        }
        if cooldown(retry).is_none() {
            faults.push(Fault::new(
                "a breaker of a fleet needs a retry policy that waits, such as `Cooldown` or \
                 `Backoff`: the fleet's openings wait as long",
            ));
        }
        if faults.is_empty() {
            Ok(())
        } else {
            Err(faults)
        }
    }

    /// Returns what the breaker's votes say, but for the quorum, which is the fleet's.
    pub(crate) fn terms(&self, retry: &dyn Retry, close_after: u64) -> Terms {
        let cooldown = cooldown(retry).unwrap_or(FALLBACK);
        let longest = catch_panic(|| retry.longest()).unwrap_or(cooldown);
        let mut terms = Terms {
            share: 0,
            at_least: 0,
            within: 0,
            cooldown: millis(cooldown),
            longest: millis(longest.max(cooldown)),
            probes: self.probes,
            lease: millis(self.lease),
            close_after: u32::try_from(close_after).unwrap_or(u32::MAX),
            hash: 0,
        };
        let suspect = self.suspect.as_ref().map(Rule::to_string);
        terms.hash = hash(&(&terms, suspect));
        terms
    }
}

/// The wait of a retry policy that says none, or panics.
const FALLBACK: Duration = Duration::from_secs(60);

/// Returns the wait of a first opening, without jitter.
fn cooldown(retry: &dyn Retry) -> Option<Duration> {
    let wait = catch_panic(|| retry.wait(&Opening::new(0), &mut || 0.5))?;
    // A wait of zero, or of more than a day, is none.
    wait.filter(|wait| !wait.is_zero())
}

/// Returns whole milliseconds, at least one and at most a day.
pub(super) fn millis(duration: Duration) -> u64 {
    const DAY: u64 = 86_400_000;
    u64::try_from(duration.as_millis())
        .unwrap_or(DAY)
        .clamp(1, DAY)
}

/// Returns the same number for the same settings in every process and release: FNV-1a
/// over their text, as many bits as scripts can hold.
pub(super) fn hash(settings: &dyn fmt::Debug) -> u64 {
    let hash = format!("{settings:?}")
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    hash >> 11
}
