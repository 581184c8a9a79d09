//! Which values counts and ratios may have. The functions of `bounds` in the
//! runtime say the same; a test compares them.

/// What a count counts, and how far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CountLimits {
    /// Calls: at least 1.
    Calls,
    /// Calls: at least 1, and within 32 bits.
    Calls32,
    /// Calls in a window: at least 1, and within 32 bits.
    WindowSize,
    /// Parts of a time window: from 1 to 1 000 000.
    Slots,
    /// Keys: at least 1, and as many as fit in memory.
    Keys,
    /// Keys with a name of their own: any number, also none.
    Labels,
    /// Transitions that are kept: up to 1024, also none.
    Transitions,
}

impl CountLimits {
    pub(super) fn least(self) -> u64 {
        u64::from(!matches!(self, Self::Labels | Self::Transitions))
    }

    pub(super) fn most(self) -> u64 {
        match self {
            Self::Calls32 | Self::WindowSize => u64::from(u32::MAX),
            Self::Slots => 1_000_000,
            Self::Transitions => 1024,
            Self::Calls | Self::Keys | Self::Labels => u64::MAX,
        }
    }

    /// Names what is counted.
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Calls | Self::Calls32 | Self::WindowSize => "a number of calls",
            Self::Slots => "a number of slots",
            Self::Keys | Self::Labels => "a number of keys",
            Self::Transitions => "a number of transitions",
        }
    }

    /// Completes "the count of `MinRequests` …".
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Calls | Self::Keys => "must be at least 1",
            Self::Calls32 => "must be from 1 to 4294967295",
            Self::WindowSize => "must be from 1 to 4294967295 calls",
            Self::Slots => "must be from 1 to 1000000",
            Self::Labels => "must be at least 0",
            Self::Transitions => "must be from 0 to 1024",
        }
    }

    /// Names the function of `bounds` that decides about constants.
    pub(crate) fn bound(self) -> Option<&'static str> {
        match self {
            Self::Calls | Self::Keys => Some("count"),
            Self::Calls32 | Self::WindowSize => Some("window_size"),
            Self::Slots => Some("slots"),
            Self::Labels => None,
            Self::Transitions => Some("transitions"),
        }
    }
}

/// Which part, or which factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RatioLimits {
    /// Above 0, at most 1.
    Share,
    /// From 0 to 1.
    Probability,
    /// At least 0, below 1.
    Jitter,
    /// Above 1, finite.
    Multiplier,
    /// At least 1.1, finite.
    ThrottleK,
}

impl RatioLimits {
    pub(crate) fn hold(self, value: f64) -> bool {
        match self {
            Self::Share => value > 0.0 && value <= 1.0,
            Self::Probability => (0.0..=1.0).contains(&value),
            Self::Jitter => (0.0..1.0).contains(&value),
            Self::Multiplier => value > 1.0 && value < f64::INFINITY,
            Self::ThrottleK => (1.1..f64::INFINITY).contains(&value),
        }
    }

    /// Returns whether it is a part of a whole, which some write in per cent.
    pub(super) fn is_part(self) -> bool {
        !matches!(self, Self::Multiplier | Self::ThrottleK)
    }

    /// Completes "the ratio of `FailureRate` …".
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Share => "must be greater than 0 and at most 1",
            Self::Probability => "must be from 0 to 1",
            Self::Jitter => "must be at least 0 and less than 1",
            Self::Multiplier => "must be greater than 1 and finite",
            Self::ThrottleK => "must be finite and at least 1.1",
        }
    }

    /// Says why there is a limit, after "but is 1.05".
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Share | Self::Probability | Self::Jitter | Self::Multiplier => "",
            Self::ThrottleK => {
                ": the calls let through are k times those accepted, and with less than a tenth of \
                 spare the throttle hardly notices that there is room again"
            }
        }
    }

    /// Names the function of `bounds` that decides about constants.
    pub(crate) fn bound(self) -> &'static str {
        match self {
            Self::Share => "ratio",
            Self::Probability => "probability",
            Self::Jitter => "jitter_ratio",
            Self::Multiplier => "multiplier",
            Self::ThrottleK => "throttle_k",
        }
    }
}
