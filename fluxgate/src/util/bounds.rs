//! The values each setting allows: asked by `build()`, and by the attribute
//! while compiling. NaN fails every comparison and so is never allowed.

use std::time::Duration;

/// `flight_recorder`: [0, 1024].
#[must_use]
pub const fn transitions(transitions: u64) -> bool {
    transitions <= 1024
}

/// Ratios of rules: (0, 1].
#[must_use]
pub const fn ratio(value: f64) -> bool {
    value > 0.0 && value <= 1.0
}

/// The ratio of `Random`: [0, 1].
#[must_use]
pub const fn probability(value: f64) -> bool {
    value >= 0.0 && value <= 1.0
}

/// `jitter_ratio`: [0, 1).
#[must_use]
pub const fn jitter_ratio(value: f64) -> bool {
    value >= 0.0 && value < 1.0
}

/// The ratios of `RampUp`: 0 < initial ≤ final ≤ 1.
#[must_use]
pub const fn ramp(initial: f64, r#final: f64) -> bool {
    initial > 0.0 && initial <= r#final && r#final <= 1.0
}

/// `multiplier`: finite and above 1.
#[must_use]
pub const fn multiplier(value: f64) -> bool {
    value > 1.0 && value < f64::INFINITY
}

/// The `k` of a throttle: finite, and at least 1.1.
#[must_use]
pub const fn throttle_k(value: f64) -> bool {
    value >= 1.1 && value < f64::INFINITY
}

/// The window of a throttle: from 2 s to 2 min.
#[must_use]
pub const fn throttle_window(value: Duration) -> bool {
    // Comparisons of durations are not for constants.
    let nanos = value.as_nanos();
    nanos >= 2_000_000_000 && nanos <= 120_000_000_000
}

/// Counts: at least 1.
#[must_use]
pub const fn count(value: u64) -> bool {
    value >= 1
}

/// Durations: above zero.
#[must_use]
pub const fn duration(value: Duration) -> bool {
    !value.is_zero()
}

/// The size of a `CountWindow`: 1 to 2^32 - 1 outcomes.
#[must_use]
pub const fn window_size(value: u64) -> bool {
    value >= 1 && value <= u32::MAX as u64
}

/// A whole number of any type as the one that settings have. What is below zero
/// is refused as 0 is.
#[must_use]
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 0 and the largest u64 by then"
)]
pub const fn whole(value: i128) -> u64 {
    if value < 0 {
        0
    } else if value > u64::MAX as i128 {
        u64::MAX
    } else {
        value as u64
    }
}

/// The slots of a `TimeWindow`: 1 to 1 000 000.
#[must_use]
pub const fn slots(value: u64) -> bool {
    value >= 1 && value <= 1_000_000
}
