//! What can be asked of the model at any time.

use fluxgate::State;

use super::{
    reference::{Call, Period, Recorded, Reference},
    settings::Retry,
};

impl Reference {
    /// Until the next probe; `None` is never.
    pub(crate) fn remaining(&self) -> Option<u64> {
        let Period { entered, wait, .. } = *self.present();
        Some((entered + wait?).saturating_sub(self.now))
    }

    /// Whether a call would be admitted, chance and the user's rules aside.
    pub(crate) fn is_permitted(&self) -> bool {
        match self.state() {
            State::Closed | State::MetricsOnly | State::Disabled => true,
            State::ForcedOpen => false,
            State::Open => self.remaining() == Some(0) && self.is_ready(),
            State::HalfOpen => self.has_slot(),
        }
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.gate || !matches!(self.settings.retry, Retry::Gated(_))
    }

    pub(crate) fn has_slot(&self) -> bool {
        self.probes_in_flight() < self.settings.probes as usize
    }

    /// Whether a call that nothing admits may be an early probe.
    pub(crate) fn takes_early(&self) -> bool {
        let lease = self.settings.lease;
        let second = 1_000_000_000;
        let mut probes = self.calls.iter().filter(|call| call.early);
        let one_is_in_flight = self
            .early
            .is_some_and(|call| self.now - self.calls[call].began < lease);
        let period = self.present();
        period.state == State::Open
            && period.by_policy
            && self.remaining().is_some_and(|remaining| remaining > 0)
            && !one_is_in_flight
            && probes.all(|call| self.now - call.began >= second)
            && self.has_slot()
    }

    /// From half-open to open since the last time it was closed.
    pub(crate) fn reopens(&self) -> u64 {
        let mut reopens = 0;
        for i in (1..self.periods.len()).rev() {
            match (self.periods[i - 1].state, self.periods[i].state) {
                (_, State::Closed) => break,
                (State::HalfOpen, State::Open) => reopens += 1,
                _ => {}
            }
        }
        reopens
    }

    /// Recorded failures in a row, back to the last entry of closed or
    /// half-open.
    pub(crate) fn streak(&self) -> u64 {
        let mut streak = 0;
        for period in self.periods.iter().rev() {
            let since = period.answered.unwrap_or(0);
            let own = trailing(&period.records[since..], true);
            streak += own;
            let starts_anew = matches!(period.state, State::Closed | State::HalfOpen);
            if starts_anew || period.answered.is_some() || own < period.records.len() as u64 {
                break;
            }
        }
        streak
    }

    pub(crate) fn probes_in_flight(&self) -> usize {
        let lease = self.settings.lease;
        let holds =
            |call: &&Call| call.probe && call.ended.is_none() && self.now - call.began < lease;
        self.calls.iter().filter(holds).count()
    }

    pub(crate) fn lost_probes(&self) -> u64 {
        let lease = self.settings.lease;
        let is_lost =
            |call: &&Call| call.probe && call.ended.unwrap_or(self.now) - call.began >= lease;
        self.calls.iter().filter(is_lost).count() as u64
    }
}

/// How many records at the end agree.
pub(crate) fn trailing(records: &[Recorded], failed: bool) -> u64 {
    let agrees = |record: &&Recorded| record.failed == failed;
    records.iter().rev().take_while(agrees).count() as u64
}
