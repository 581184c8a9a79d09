//! The model's throttle: all that ended while attention lasted, as a list. Which of
//! the calls it refuses is chance, so the breaker's answer is looked at, and may be any
//! that the share and the floor allow.

use fluxgate::{Info, State};

use super::{
    reference::{Ending, Reference, Rejection},
    settings::{Throttle, nanos, ratio},
};

const SECOND: u64 = 1_000_000_000;
/// A row of overloads began at most so long before it is said to have begun.
const PRECISION: u64 = 1 << 20;

/// A time of attention.
#[derive(Clone, Debug)]
pub(crate) struct Attention {
    ends: u64,
    /// When each call was counted, and whether it was answered.
    seen: Vec<(u64, bool)>,
    passed: u64,
    asked: u64,
}

impl Throttle {
    /// Returns whether a call that was counted at `at` still counts at `now`. Times are
    /// cut into slots, of which the window has twelve or more.
    fn counts(&self, at: u64, now: u64) -> bool {
        let mut slot = 1;
        while slot * 2 <= self.window / 12 {
            slot *= 2;
        }
        at / slot + self.window.div_ceil(slot) > now / slot
    }
}

impl Reference {
    fn attention(&mut self) -> Option<&mut Attention> {
        let now = self.now;
        self.attention.as_mut().filter(|it| now < it.ends)
    }

    /// Returns offered and accepted calls, and the share.
    fn throttle_counts(&self) -> (u64, u64, f64) {
        let (Some(throttle), Some(attention)) = (&self.settings.throttle, &self.attention) else {
            return (0, 0, 0.0);
        };
        if self.now >= attention.ends {
            return (0, 0, 0.0);
        }
        let counted = attention.seen.iter();
        let counted = counted.filter(|(at, _)| throttle.counts(*at, self.now));
        let offered = counted.clone().count() as u64;
        let accepted = counted.filter(|(_, answered)| *answered).count() as u64;
        if offered < throttle.min {
            return (offered, accepted, 0.0);
        }
        let k = ratio(throttle.k);
        let share = (offered as f64 - k * accepted as f64) / (offered + 1) as f64;
        (
            offered,
            accepted,
            share.clamp(0.0, 1.0 - ratio(throttle.floor)),
        )
    }

    /// Looks at what the breaker did with a call. Returns the rejection if it was
    /// throttled.
    pub(crate) fn throttle(&mut self, is_throttled: bool) -> Option<Rejection> {
        let (.., share) = self.throttle_counts();
        let (now, is_closed) = (self.now, self.state() == State::Closed);
        if share <= 0.0 || !is_closed {
            assert!(!is_throttled, "throttled, and the share is {share}");
            return None;
        }
        let attention = self.attention().expect("there is a share");
        if !is_throttled {
            attention.passed = now;
            return None;
        }
        assert!(now - attention.passed < SECOND, "one call a second passes");
        attention.seen.push((now, false));
        let wait = attention.asked.saturating_sub(now);
        self.counts.throttled += 1;
        Some(Rejection {
            state: State::Closed,
            retry_after: (wait > 0).then(|| nanos(wait)),
            reason: None,
        })
    }

    /// Counts a call of the present period, no probe, that was answered.
    pub(crate) fn count_answer(&mut self) {
        let now = self.now;
        if let Some(attention) = self.attention() {
            attention.seen.push((now, true));
            self.overloads.clear();
        }
    }

    /// A call of the present period met overload. Returns whether it is a failure, or
    /// `None` if it is nothing.
    pub(crate) fn count_overload(&mut self, probe: bool) -> Option<Ending> {
        let Some(throttle) = self.settings.throttle.clone() else {
            return Some(Ending::Overloaded);
        };
        self.attend(throttle.window);
        if probe {
            return Some(Ending::Alive);
        }
        let now = self.now;
        let attention = self.attention().expect("it has begun");
        attention.seen.push((now, false));
        self.overloads.push(now);
        self.is_dead().then_some(Ending::Overloaded)
    }

    /// Returns whether nothing else came back for a whole window.
    fn is_dead(&mut self) -> bool {
        let Throttle { window, min, .. } = self.settings.throttle.clone().expect("there is one");
        let now = self.now;
        let row = self.overloads.len() as u64;
        let since = self.overloads.first().map_or(now, |at| at - at % PRECISION);
        row >= min && now - since >= window
    }

    fn attend(&mut self, window: u64) {
        let now = self.now;
        if let Some(attention) = self.attention() {
            attention.ends = attention.ends.max(now + window);
            return;
        }
        self.overloads.clear();
        self.drawn += 1;
        self.attention = Some(Attention {
            ends: now + window,
            seen: Vec::new(),
            passed: now,
            asked: 0,
        });
    }

    /// An overload comes with a wait.
    pub(crate) fn ask_callers(&mut self, call: usize, wait: u64) {
        let Some(throttle) = self.settings.throttle.clone() else {
            return self.ask(call, wait);
        };
        let period = self.calls[call].period;
        let is_late = period != self.periods.len() - 1;
        if is_late || self.periods[period].state == State::Disabled {
            return;
        }
        if self.attention().is_none() {
            self.attend(throttle.window);
        }
        let until = self.now + wait.min(self.longest());
        let attention = self.attention().expect("it has begun");
        attention.asked = until;
        attention.ends = attention.ends.max(until);
        if self.is_dead() {
            self.ask(call, wait);
        }
    }
}

pub(crate) fn same_throttle(info: &Info, model: &Reference) {
    assert_eq!(info.throttled, model.counts.throttled, "throttled");
    let Some(throttle) = info.throttle else {
        assert!(model.settings.throttle.is_none());
        return;
    };
    let (offered, accepted, share) = model.throttle_counts();
    assert_eq!((throttle.offered, throttle.accepted), (offered, accepted));
    assert!((throttle.share - share).abs() < 1e-12, "{throttle:?}");
}
