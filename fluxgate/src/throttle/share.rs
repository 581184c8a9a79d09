//! Which share of the calls is refused: a function of what was counted.

/// What a window held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Calls that were throttled, overloaded or answered otherwise.
    pub(crate) offered: u64,
    /// The calls among them that were answered otherwise than by overload.
    pub(crate) accepted: u64,
}

/// Returns the share of calls to refuse, from 0 to `1 - floor`.
///
/// As many calls are let through as make `k` times the accepted ones. The share is
/// zero while fewer than `min` calls were offered.
#[inline]
pub(crate) fn share(counts: Counts, k: f64, min: u64, floor: f64) -> f64 {
    let Counts { offered, accepted } = counts;
    if offered < min {
        return 0.0;
    }
    let offered = offered as f64;
    let share = (offered - k * accepted as f64) / (offered + 1.0);
    share.clamp(0.0, 1.0 - floor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(offered: u64, accepted: u64) -> f64 {
        share(Counts { offered, accepted }, 1.5, 20, 0.01)
    }

    #[test]
    fn share_is_what_k_leaves_over() {
        assert_eq!(of(19, 0), 0.0, "fewer than `min`");
        assert_eq!(of(300, 200), 0.0);
        assert_eq!(of(300, 300), 0.0);
        assert_eq!(of(299, 100), (299.0 - 150.0) / 300.0);
        assert_eq!(of(1_000_000, 0), 0.99, "the floor");
    }
}
