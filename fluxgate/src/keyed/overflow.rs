//! The keys that have no breaker of their own.

/// Why a key shares the overflow breaker.
#[derive(Clone, Copy)]
pub(super) enum OverflowReason {
    NoRoom,
    TooLong,
    EqualHashes,
    NotBuilt,
}

impl OverflowReason {
    pub(super) const ALL: [Self; 4] = [
        Self::NoRoom,
        Self::TooLong,
        Self::EqualHashes,
        Self::NotBuilt,
    ];

    pub(super) fn text(self) -> &'static str {
        match self {
            Self::NoRoom => "all `max_keys` breakers are in use, open or failing",
            Self::TooLong => "the key is longer than 1024 bytes",
            Self::EqualHashes => "too many keys have one hash; mend the `Hash` of the key",
            Self::NotBuilt => {
                "its breaker can't be made: the settings panic, or ask for a breaker of the same set"
            }
        }
    }
}
