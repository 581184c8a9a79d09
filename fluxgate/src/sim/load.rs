//! How calls arrive.

use crate::{
    random::{Random, Seeded},
    sim::math,
};

/// The calls that arrive at all instances together.
///
/// ```
/// use fluxgate::sim::Load;
///
/// let steady = Load::constant(50.0);
/// let natural = Load::poisson(200.0);
/// assert_eq!(natural.per_second(), 200.0);
/// # let _ = steady;
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    per_second: f64,
    spacing: Spacing,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Spacing {
    Even,
    Exponential,
}

impl Load {
    /// Sends calls in equal steps, `per_second` of them a second, in turn to each
    /// instance.
    #[must_use]
    pub const fn constant(per_second: f64) -> Self {
        Self {
            per_second,
            spacing: Spacing::Even,
        }
    }

    /// Sends calls independently of each other, `per_second` of them a second on
    /// average, each to an instance by chance: the arrivals of a service with many
    /// users.
    #[must_use]
    pub const fn poisson(per_second: f64) -> Self {
        Self {
            per_second,
            spacing: Spacing::Exponential,
        }
    }

    /// Returns how many calls a second this is on average, for all instances.
    #[must_use]
    pub const fn per_second(&self) -> f64 {
        self.per_second
    }

    /// Returns the nanoseconds until the next call.
    pub(super) fn gap(&self, random: &mut Seeded) -> u64 {
        // Also what is no number sends nothing.
        if self.per_second.is_nan() || self.per_second <= 0.0 {
            return u64::MAX;
        }
        let mean = 1e9 / self.per_second;
        let gap = match self.spacing {
            Spacing::Even => mean,
            // 1 - u, since u may be 0.
            Spacing::Exponential => -math::ln(1.0 - random.next_f64()) * mean,
        };
        nanos(gap)
    }

    /// Returns the instance that the `n`th call goes to.
    pub(super) fn instance(&self, n: u64, instances: usize, random: &mut Seeded) -> usize {
        if instances == 1 {
            return 0;
        }
        match self.spacing {
            Spacing::Even => usize::try_from(n % instances as u64).unwrap_or(0),
            Spacing::Exponential => below(instances, random),
        }
    }
}

/// Draws a whole number below `n`.
pub(super) fn below(n: usize, random: &mut Seeded) -> usize {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let drawn = (random.next_f64() * n as f64) as usize;
    drawn.min(n - 1)
}

/// Converts a number of nanoseconds; at least 1, so that time moves on.
pub(super) fn nanos(nanos: f64) -> u64 {
    // The cast saturates.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let whole = nanos as u64;
    whole.max(1)
}
