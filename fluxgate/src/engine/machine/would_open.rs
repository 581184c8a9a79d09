//! What would have opened the circuit, were it not only measuring.

use std::time::Duration;

use super::{Machine, Next};
use crate::engine::config::Config;

/// The openings that `MetricsOnly` kept from happening.
#[derive(Default)]
pub(super) struct WouldOpen {
    /// Whether the rule fired when it was last looked at.
    fires: bool,
    /// When the last opening of this period was told.
    told_at: Option<Duration>,
    /// How many there were, over all periods.
    count: u64,
}

/// At most once in this time an opening is told: a rate that wavers about its threshold
/// would be told again and again.
const SPACING: Duration = Duration::from_secs(60);

impl WouldOpen {
    pub(super) fn start_period(&mut self) {
        self.fires = false;
        self.told_at = None;
    }
}

impl Machine {
    /// A call was recorded in `MetricsOnly`. Returns `Open` if the rule begins to fire, or
    /// has to be asked.
    #[cold]
    pub(super) fn would_trip(&mut self, config: &Config) -> Option<Next> {
        let next = self.tripped(config, crate::State::Closed);
        if next.is_some_and(|next| next.asks) || self.begins_to_fire(next.is_some()) {
            next
        } else {
            None
        }
    }

    /// Takes note of whether the rule fires. Returns whether it begins to.
    pub(crate) fn begins_to_fire(&mut self, fires: bool) -> bool {
        if !fires && self.would_open.is_none() {
            return false;
        }
        let would_open = self.would_open.get_or_insert_default();
        let did = std::mem::replace(&mut would_open.fires, fires);
        fires && !did
    }

    /// Counts an opening that does not happen, unless one was told a short while ago.
    /// Returns whether it is to be told.
    pub(crate) fn would_open(&mut self, now: Duration) -> bool {
        let would_open = self.would_open.get_or_insert_default();
        let told_at = would_open.told_at;
        if told_at.is_some_and(|told_at| now.saturating_sub(told_at) < SPACING) {
            return false;
        }
        would_open.told_at = Some(now);
        would_open.count += 1;
        true
    }

    /// Returns how many openings did not happen.
    pub(crate) fn would_have_opened(&self) -> u64 {
        let would_open = self.would_open.as_ref();
        would_open.map_or(0, |would_open| would_open.count)
    }
}
