//! The source of random numbers for jitter and admission.

use std::hash::{BuildHasher, RandomState};

use crate::clock::SystemClock;

/// The seed of every breaker while a test has frozen the time, until the test chooses
/// another.
pub(crate) const SEED: u64 = 0;

/// A source of uniform random numbers, for
/// [`Builder::random`](crate::Builder::random).
///
/// Closures `FnMut() -> f64` are sources: a test may feed a fixed sequence.
pub trait Random: Send {
    /// Returns a number in `[0, 1)`.
    fn next_f64(&mut self) -> f64;
}

impl<F: FnMut() -> f64 + Send> Random for F {
    fn next_f64(&mut self) -> f64 {
        self()
    }
}

/// The default source: `SplitMix64` (Steele, Lea and Flood, "Fast splittable
/// pseudorandom number generators", 2014). Not for secrets.
///
/// ```
/// use fluxgate::random::{Random, Seeded};
///
/// let (mut a, mut b) = (Seeded::new(7), Seeded::new(7));
/// assert_eq!(a.next_f64(), b.next_f64());
/// ```
#[derive(Clone, Debug)]
pub struct Seeded(u64);

impl Seeded {
    /// Creates a generator. The same seed gives the same numbers in every
    /// release of one major version.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns a generator with a seed that differs between breakers and between
    /// processes; in a test that froze the time, the same one every time.
    pub(crate) fn for_breaker() -> Self {
        if SystemClock::is_replaced() {
            Self::new(SEED)
        } else {
            Self(RandomState::new().hash_one(0_u8))
        }
    }
}

impl Random for Seeded {
    fn next_f64(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(STEP);
        mixed(self.0)
    }
}

const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// Returns the `n`th number, from 0 on, that [`Seeded`] draws from this seed, without
/// those before it.
#[inline]
pub(crate) fn nth(seed: u64, n: u64) -> f64 {
    mixed(seed.wrapping_add(STEP.wrapping_mul(n.wrapping_add(1))))
}

#[inline]
fn mixed(mut z: u64) -> f64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^= z >> 31;
    // The 53 bits an f64 can hold, scaled by 2^-53.
    (z >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_can_be_drawn_alone() {
        let mut seeded = Seeded::new(42);
        for n in 0..100 {
            assert_eq!(nth(42, n).to_bits(), seeded.next_f64().to_bits());
        }
    }
}
