//! A breaker's throttle: how long attention lasts, and which calls it refuses.
//!
//! Nothing here takes a lock, reads a clock or runs code of the user's: time is a
//! parameter, and the seed is handed in. No decision depends on the order in which
//! the words here are seen, so their accesses are relaxed.

use std::time::Duration;

use super::{
    Adaptive,
    counter::Counter,
    settings::SharedSettings,
    share::{Counts, share},
    unanswered::Unanswered,
};
use crate::{
    info::throttle::ThrottleInfo,
    random,
    util::duration::nanos,
    util::sync::{AtomicU64, Ordering::Relaxed},
};

/// A call is let through if none was for so long.
const SECOND: u64 = 1_000_000_000;

/// How a call ended, as far as a throttle counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    /// The dependency refused it for want of capacity.
    Overload,
    /// It was answered otherwise.
    Other,
}

pub(crate) struct Throttle {
    settings: SharedSettings,
    counter: Counter,
    /// When attention ends.
    ends: AtomicU64,
    /// How far ahead `ends` can be. If it is further, the clock has jumped back.
    longest: AtomicU64,
    /// Until when the last overload asked callers to wait.
    asked: AtomicU64,
    unanswered: Unanswered,
    /// When the last call was let through by a decision.
    passed: AtomicU64,
    seed: AtomicU64,
    /// How many random numbers were drawn from the seed.
    drawn: AtomicU64,
}

impl Throttle {
    pub(crate) fn new(settings: Adaptive) -> Self {
        Self {
            counter: Counter::new(nanos(settings.window)),
            settings: SharedSettings::new(settings),
            unanswered: Unanswered::default(),
            ends: AtomicU64::new(0),
            longest: AtomicU64::new(0),
            asked: AtomicU64::new(0),
            passed: AtomicU64::new(0),
            seed: AtomicU64::new(0),
            drawn: AtomicU64::new(0),
        }
    }

    /// Makes a throttle that is off until its settings are [set](Self::set).
    #[cfg(feature = "settings")]
    pub(crate) fn new_off(settings: Adaptive) -> Self {
        let throttle = Self::new(settings);
        throttle.settings.set(None);
        throttle
    }

    /// Returns the settings; `None` if there is no throttle any more.
    pub(crate) fn settings(&self) -> Option<Adaptive> {
        self.settings.get()
    }

    /// Returns whether there is a throttle.
    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        self.settings.window() > 0
    }

    /// Puts other settings in place, or none. With another window calls are counted from
    /// nothing. The caller holds the breaker's lock.
    #[cfg(feature = "settings")]
    pub(crate) fn set(&self, settings: Option<Adaptive>, now: u64) {
        let before = self.settings.window();
        self.settings.set(settings);
        let window = self.settings.window();
        if window > 0 && window != before {
            self.counter.resize(window, now);
            self.longest.fetch_max(window.saturating_mul(2), Relaxed);
        }
    }

    /// Begins a time of attention: counts from nothing, and draws from a new seed.
    pub(crate) fn begin(&self, now: u64, seed: u64) {
        self.counter.restart(now);
        self.unanswered.clear();
        self.passed.store(now, Relaxed);
        self.seed.store(seed, Relaxed);
        self.drawn.store(0, Relaxed);
        self.asked.store(0, Relaxed);
        // A window more, lest a clock that differs a little between two threads is
        // taken for one that has jumped.
        let window = self.settings.window();
        self.longest.store(window.saturating_mul(2), Relaxed);
        self.ends.store(now.saturating_add(window), Relaxed);
    }

    /// Lets attention last for a whole window from now.
    pub(crate) fn extend(&self, now: u64) {
        self.ends
            .fetch_max(now.saturating_add(self.settings.window()), Relaxed);
    }

    /// Takes note that the dependency asked its callers to wait, and lets attention
    /// last until then.
    pub(crate) fn ask(&self, now: u64, wait: Duration) {
        let wait = nanos(wait);
        let until = now.saturating_add(wait);
        self.asked.store(until, Relaxed);
        self.longest
            .fetch_max(wait.saturating_add(self.settings.window()), Relaxed);
        self.ends.fetch_max(until, Relaxed);
    }

    /// Returns whether attention is over: its end has come, or is so far ahead that the
    /// clock has jumped back.
    #[inline]
    pub(crate) fn is_over(&self, now: u64) -> bool {
        let left = self.ends.load(Relaxed).saturating_sub(now);
        left == 0 || left > self.longest.load(Relaxed)
    }

    /// Forgets everything, between two tests.
    pub(crate) fn clear(&self) {
        self.counter.restart(0);
        self.unanswered.clear();
        self.ends.store(0, Relaxed);
        self.asked.store(0, Relaxed);
    }

    #[inline]
    pub(crate) fn count(&self, counted: Counted, now: u64) {
        self.counter.add(counted == Counted::Other, now);
        match counted {
            Counted::Overload => self.unanswered.add(now),
            Counted::Other => self.unanswered.clear(),
        }
    }

    /// Decides about a call. Returns the share if it is refused.
    #[inline]
    pub(crate) fn refuses(&self, now: u64) -> Option<f64> {
        let present = self.counter.present(now);
        let share = self.share(present.counts());
        if share <= 0.0 {
            return None;
        }
        if self.draw() >= share || self.is_floor(now) {
            self.passed.store(now, Relaxed);
            return None;
        }
        present.add(false);
        Some(share)
    }

    fn share(&self, counts: Counts) -> f64 {
        let settings = self.settings.get();
        settings.map_or(0.0, |Adaptive { k, min, floor, .. }| {
            share(counts, k, min, floor)
        })
    }

    /// Draws a number from 0 to below 1. Each number of the sequence goes to one
    /// call.
    fn draw(&self) -> f64 {
        let n = self.drawn.fetch_add(1, Relaxed);
        random::nth(self.seed.load(Relaxed), n)
    }

    /// Returns whether this is the one call of its second.
    fn is_floor(&self, now: u64) -> bool {
        let passed = self.passed.load(Relaxed);
        now.saturating_sub(passed) >= SECOND
            && self
                .passed
                .compare_exchange(passed, now, Relaxed, Relaxed)
                .is_ok()
    }

    /// Returns whether nothing but overload came back for a whole window or longer,
    /// and often enough: the dependency is not too busy, it is gone.
    ///
    /// What is counted goes back to the last other answer, and not just a window:
    /// while nearly all calls are throttled, a window may hold fewer than `min`.
    pub(crate) fn is_dead(&self, now: u64) -> bool {
        let settings = self.settings.get();
        settings.is_some_and(|Adaptive { window, min, .. }| {
            self.unanswered.lasts(now, nanos(window), min)
        })
    }

    /// Returns how long the dependency still asks its callers to wait.
    pub(crate) fn wait(&self, now: u64) -> Option<Duration> {
        let wait = self.asked.load(Relaxed).saturating_sub(now);
        (wait > 0).then(|| Duration::from_nanos(wait))
    }

    /// Returns what an operator reads; nothing is counted without attention.
    pub(crate) fn info(&self, now: u64, has_attention: bool) -> ThrottleInfo {
        if !has_attention || !self.is_on() || self.is_over(now) {
            return ThrottleInfo::default();
        }
        let counts = self.counter.counts(now);
        ThrottleInfo {
            share: self.share(counts),
            offered: counts.offered,
            accepted: counts.accepted,
        }
    }
}

#[cfg(all(test, not(fluxgate_loom)))]
mod tests {
    use super::*;

    fn attentive(k: f64) -> Throttle {
        let throttle = Throttle::new(Adaptive::new(k));
        throttle.begin(0, 7);
        throttle
    }

    /// The refusals of many decisions at one share lie within four standard
    /// deviations of their mean, for several seeds.
    #[test]
    fn refusals_are_as_many_as_the_share_says() {
        const CALLS: u64 = 20_000;
        for seed in 0..20 {
            for accepted in [10, 300, 500, 600] {
                let throttle = Throttle::new(Adaptive::new(1.5));
                throttle.begin(0, seed);
                let share = throttle.share(Counts {
                    offered: 1000,
                    accepted,
                });
                let refused = (0..CALLS).filter(|_| throttle.draw() < share).count() as f64;
                let mean = share * CALLS as f64;
                let sigma = (mean * (1.0 - share)).sqrt();
                assert!(
                    (refused - mean).abs() <= 4.0 * sigma,
                    "{refused}, not {mean}"
                );
            }
        }
    }

    #[test]
    fn one_seed_gives_one_sequence() {
        let draws = |seed| {
            let throttle = Throttle::new(Adaptive::new(1.5));
            throttle.begin(0, seed);
            (0..100)
                .map(|_| throttle.draw().to_bits())
                .collect::<Vec<_>>()
        };
        assert_eq!(draws(3), draws(3));
        assert_ne!(draws(3), draws(4));
    }

    #[test]
    fn one_call_a_second_passes() {
        let throttle = attentive(1.5);
        for _ in 0..1000 {
            throttle.count(Counted::Overload, 0);
        }
        let mut passed = Vec::new();
        for millis in 0..5_000_u64 {
            let now = millis * 1_000_000;
            // As if chance were always against the call.
            if throttle.is_floor(now) {
                passed.push(millis);
            }
        }
        assert_eq!(passed, [1000, 2000, 3000, 4000]);
    }

    #[test]
    fn attention_lasts_a_window_or_as_asked() {
        let throttle = attentive(1.5);
        assert!(!throttle.is_over(10 * SECOND - 1) && throttle.is_over(10 * SECOND));
        throttle.ask(SECOND, Duration::from_secs(60));
        assert_eq!(throttle.wait(SECOND), Some(Duration::from_secs(60)));
        assert!(!throttle.is_over(61 * SECOND - 1) && throttle.is_over(61 * SECOND));
        assert_eq!(throttle.wait(61 * SECOND), None);
    }

    /// A clock that jumps back by more than a window ends attention, and the next one
    /// lasts no longer than any other.
    #[test]
    fn attention_ends_when_the_clock_jumps_back() {
        let hour = 3600 * SECOND;
        let throttle = Throttle::new(Adaptive::new(1.5));
        throttle.begin(hour, 7);
        throttle.count(Counted::Other, hour);
        assert!(!throttle.is_over(hour - SECOND), "two threads may differ");
        assert!(throttle.is_over(SECOND));
        throttle.begin(SECOND, 8);
        throttle.count(Counted::Overload, SECOND);
        let counts = |now| throttle.counter.counts(now).offered;
        assert_eq!((counts(SECOND), counts(12 * SECOND)), (1, 0));
        assert!(!throttle.is_over(11 * SECOND - 1) && throttle.is_over(11 * SECOND));
        // What was asked for is not told in another time of attention.
        throttle.begin(hour, 9);
        throttle.ask(hour, Duration::from_secs(60));
        throttle.begin(SECOND, 10);
        assert_eq!(throttle.wait(SECOND), None);
    }

    #[test]
    fn times_at_the_end_of_64_bits_are_no_trouble() {
        for now in [u64::MAX - 1, u64::MAX] {
            let throttle = Throttle::new(Adaptive::new(1.5));
            throttle.begin(now, 7);
            throttle.ask(now, Duration::MAX);
            for _ in 0..100 {
                throttle.count(Counted::Overload, now);
                throttle.refuses(now);
            }
            assert!(throttle.info(now, true).offered <= 200);
            throttle.count(Counted::Other, 0);
            throttle.is_dead(now);
        }
    }

    #[test]
    fn only_a_whole_window_of_overload_is_death() {
        let throttle = attentive(1.5);
        for tenth in 0..120 {
            let now = tenth * SECOND / 10;
            throttle.count(Counted::Overload, now);
            assert_eq!(throttle.is_dead(now), tenth >= 100, "{tenth}");
        }
        throttle.count(Counted::Other, 12 * SECOND);
        assert!(!throttle.is_dead(12 * SECOND));
    }
}
