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
    #[allow(clippy::float_cmp, reason = "the values are exact")]
    fn share_is_what_k_leaves_over() {
        assert_eq!(of(19, 0), 0.0, "fewer than `min`");
        assert_eq!(of(300, 200), 0.0);
        assert_eq!(of(300, 300), 0.0);
        assert_eq!(of(299, 100), (299.0 - 150.0) / 300.0);
        assert_eq!(of(1_000_000, 0), 0.99, "the floor");
    }

    /// For whatever was counted: a share of what is allowed, zero below `min` and
    /// while the accepted calls are many, and less when more is accepted.
    #[test]
    fn share_is_within_its_bounds() {
        let counts = [
            0,
            1,
            19,
            20,
            21,
            1000,
            u64::from(u32::MAX),
            u64::MAX / 2,
            u64::MAX,
        ];
        for offered in counts {
            for k in [1.1, 1.5, 2.0, 1e300, f64::MAX] {
                for floor in [0.0, 0.01, 0.999_999, 1.0 - f64::EPSILON] {
                    for min in [1, 20, u64::MAX] {
                        let mut before = 1.0_f64;
                        for accepted in counts {
                            let counts = Counts { offered, accepted };
                            let share = share(counts, k, min, floor);
                            assert!((0.0..=1.0 - floor).contains(&share), "{counts:?}");
                            assert!(share <= before, "{counts:?}");
                            if offered < min || k * accepted as f64 >= offered as f64 {
                                assert!(share <= 0.0, "{counts:?}");
                            }
                            before = share;
                        }
                    }
                }
            }
        }
    }

    /// Offered as many calls as ever, a dependency that serves `c` of them gets `k·c`
    /// at most: what is let through does not grow with what is offered.
    #[test]
    fn load_is_bounded_by_the_capacity() {
        for k in [1.1, 1.5, 2.0] {
            for accepted in [1, 50, 500, 5_000] {
                for times in [2, 10, 1000] {
                    let offered = accepted * times;
                    let share = share(Counts { offered, accepted }, k, 1, 0.0);
                    let sent = offered as f64 * (1.0 - share);
                    assert!(sent <= k * accepted as f64 + 1.0, "{sent} of {offered}");
                }
            }
        }
    }
}
