//! How many instances must agree.

use std::time::Duration;

use crate::Fault;

/// How many of the instances that use a breaker must suspect its dependency before it
/// opens for all of them: a share of them, but never fewer than a number, and within a
/// time.
///
/// ```
/// use std::time::Duration;
/// use fluxgate::fleet::Quorum;
///
/// let quorum = Quorum::share(0.05).at_least(2).within(Duration::from_secs(5));
/// assert_eq!(quorum.of(1000), 50);
/// assert_eq!(quorum.of(10), 2);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quorum {
    share: f64,
    at_least: u32,
    within: Duration,
}

/// For how long a vote holds at most.
const LONGEST: Duration = Duration::from_secs(60);
/// And at least: votes of instances that fail together arrive within it.
const SHORTEST: Duration = Duration::from_millis(100);

impl Default for Quorum {
    /// Returns 5 % of the instances, at least 2, within 5 s.
    fn default() -> Self {
        Self::share(0.05)
    }
}

impl Quorum {
    /// Creates a quorum of this share of the instances, above 0 and at most 1; of at least
    /// 2 instances, within 5 s.
    #[must_use]
    pub const fn share(share: f64) -> Self {
        Self {
            share,
            at_least: 2,
            within: Duration::from_secs(5),
        }
    }

    /// Sets how many instances it takes at least: 2 or more. The word of one instance opens
    /// no other circuit.
    #[must_use]
    pub const fn at_least(mut self, instances: u32) -> Self {
        self.at_least = instances;
        self
    }

    /// Sets for how long a suspicion counts, from 100 ms to 60 s. Instances with little
    /// traffic need longer to agree.
    #[must_use]
    pub const fn within(mut self, within: Duration) -> Self {
        self.within = within;
        self
    }

    /// Returns how many of so many instances must agree.
    #[must_use]
    pub fn of(&self, members: u64) -> u64 {
        let share = members.saturating_mul(self.millionths().into());
        share.div_ceil(1_000_000).max(self.at_least.into())
    }

    pub(crate) fn millionths(&self) -> u32 {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "in range"
        )]
        let millionths = (self.share * 1e6).round().clamp(1.0, 1e6) as u32;
        millionths
    }

    pub(crate) fn least(&self) -> u32 {
        self.at_least
    }

    pub(crate) fn window(&self) -> Duration {
        self.within
    }

    /// Returns what is out of range.
    pub(crate) fn check(&self) -> Vec<Fault> {
        let Self {
            share,
            at_least,
            within,
        } = *self;
        let mut faults = Vec::new();
        if !(share > 0.0 && share <= 1.0) {
            faults.push(Fault::new(format!(
                "the share of a quorum must be above 0 and at most 1, but is {share}"
            )));
        }
        if at_least < 2 {
            faults.push(Fault::new(format!(
                "the quorum must be of at least 2 instances, but `at_least` is {at_least}: the \
                 word of one instance opens no circuit of another"
            )));
        }
        if !(SHORTEST..=LONGEST).contains(&within) {
            faults.push(Fault::new(format!(
                "`within` must be from {SHORTEST:?} to {LONGEST:?}, but is {within:?}"
            )));
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quorum_is_a_share_rounded_up() {
        let quorum = Quorum::default();
        for (members, needed) in [(0, 2), (1, 2), (40, 2), (41, 3), (100, 5), (1000, 50)] {
            assert_eq!(quorum.of(members), needed, "{members}");
        }
        assert_eq!(Quorum::share(1.0).of(7), 7);
        assert_eq!(Quorum::share(0.05).at_least(9).of(100), 9);
    }

    #[test]
    fn quorum_of_one_is_refused() {
        let second = Duration::from_secs(1);
        for wrong in [
            Quorum::share(0.5).at_least(1),
            Quorum::share(0.5).at_least(0),
            Quorum::share(0.0),
            Quorum::share(f64::NAN),
            Quorum::share(1.1),
            Quorum::share(0.5).within(61 * second),
            Quorum::share(0.5).within(Duration::ZERO),
        ] {
            assert_eq!(wrong.check().len(), 1, "{wrong:?}");
        }
        assert_eq!(Quorum::default().within(60 * second).check().len(), 0);
    }
}
