//! Which values numbers may have.

/// Which values a number may have. The functions of `bounds` in the runtime say
/// the same; a test compares them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Range {
    /// At least 1.
    Count,
    /// At least 1, and within 32 bits.
    Count32,
    WindowSize,
    /// From 1 to 1 000 000: parts of a time window.
    Slots,
    /// At least 1, and as many as fit in memory.
    Keys,
    /// The same, or none.
    Labels,
    /// Above 0, at most 1.
    Ratio,
    /// From 0 to 1.
    Probability,
    /// At least 0, below 1.
    JitterRatio,
    /// Above 1, finite.
    Multiplier,
    /// At least 1.1, finite.
    ThrottleK,
    /// Part of a pair that is checked together.
    Ramp,
}

impl Range {
    pub(crate) fn holds(self, value: f64) -> bool {
        match self {
            Self::Count | Self::Count32 | Self::WindowSize | Self::Slots | Self::Keys => {
                value >= 1.0
            }
            Self::Labels => value >= 0.0,
            Self::Ratio => value > 0.0 && value <= 1.0,
            Self::Probability => (0.0..=1.0).contains(&value),
            Self::JitterRatio => (0.0..1.0).contains(&value),
            Self::Multiplier => value > 1.0 && value < f64::INFINITY,
            Self::ThrottleK => value >= 1.1 && value < f64::INFINITY,
            Self::Ramp => true,
        }
    }

    pub(super) fn least(self) -> u64 {
        u64::from(self != Self::Labels)
    }

    pub(super) fn most(self) -> u64 {
        match self {
            Self::Count32 | Self::WindowSize => u64::from(u32::MAX),
            Self::Slots => 1_000_000,
            _ => u64::MAX,
        }
    }

    /// What a whole number counts.
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Keys | Self::Labels => "a number of keys",
            Self::Slots => "a number of slots",
            _ => "a number of calls",
        }
    }

    /// The rest of "the ratio of `FailureRate` …".
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Count | Self::Keys => "must be at least 1",
            Self::Slots => "must be from 1 to 1000000",
            Self::Labels => "must be at least 0",
            Self::Count32 => "must be from 1 to 4294967295",
            Self::WindowSize => "must be from 1 to 4294967295 calls",
            Self::Ratio => "must be greater than 0 and at most 1",
            Self::Probability => "must be from 0 to 1",
            Self::JitterRatio => "must be at least 0 and less than 1",
            Self::Multiplier => "must be greater than 1 and finite",
            Self::ThrottleK => "must be finite and at least 1.1",
            Self::Ramp => "must be a number",
        }
    }

    /// The function of `bounds` that decides about constants.
    pub(crate) fn limit(self) -> Option<&'static str> {
        Some(match self {
            Self::Count | Self::Keys => "count",
            Self::Slots => "slots",
            Self::Count32 | Self::WindowSize => "window_size",
            Self::Ratio => "ratio",
            Self::Probability => "probability",
            Self::JitterRatio => "jitter_ratio",
            Self::Multiplier => "multiplier",
            Self::ThrottleK => "throttle_k",
            Self::Labels | Self::Ramp => return None,
        })
    }
}
