//! The present opening, published for rejections that take no lock.
//!
//! A seqlock without a counter of its own: the sequence is the generation in the state
//! word.
//!
//! *Writer*, under the lock: stores the fields with `Release`, then stores the word that
//! says `Open` with `Release`. *Reader*: loads the word with `Acquire`, loads the fields,
//! then fences with `Acquire` and loads the word again; accepts if the generation is the
//! same.
//!
//! *Invariant*: accepted fields are all of the opening whose generation the first load
//! saw. They are not older, because that load synchronizes with the store of the word,
//! which comes after the fields. They are not newer: suppose that one is of an opening
//! with the generation `n`, later than `g`, the reader's. Its store comes after the word
//! of the generation `n - 1` was stored, by this writer or by an earlier holder of the
//! lock; the fence makes that store visible to the second load, which therefore sees
//! `n - 1` or later. Two openings are never adjacent generations, so `n - 1 > g`, and the
//! reader does not accept.
//!
//! *What would break it*: a transition from open to open that raises the generation by
//! one. Then `n - 1 = g`, and a reader could accept a mixture of two openings. A command
//! that opens an open circuit therefore leaves a generation out, and stores its word,
//! half-open, before the fields.

use std::time::Duration;

use crate::{
    State,
    engine::state_word::StateWord,
    tripper::Cause,
    util::{
        duration::nanos,
        sync::{AtomicU64, Ordering, fence},
    },
};

/// When an open circuit may be probed, and why it opened.
#[derive(Debug)]
pub(crate) struct OpeningSeqLock {
    due: AtomicU64,
    measured: AtomicU64,
    cause: AtomicU64,
}

/// What was read from [`OpeningSeqLock`], or stands for it: why a call is refused.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refusal {
    /// In nanoseconds: when the circuit may be probed, and then how long until.
    time: u64,
    measured: f64,
    /// Leaf of the rule in the lowest 16 bits, then 3 for the state, 13 for the number
    /// of the settings that the leaf is of, and 32 for the number of calls. For a
    /// permit's refusal `measured` is the milliseconds since half-open began, and the
    /// number of calls is 1.
    packed: u64,
}

const NEVER: u64 = u64::MAX;
/// In place of a leaf: no cause is known.
const NO_LEAF: u64 = 0xFFFF;
const STATE: u32 = 16;
const STATES: u64 = 0b111;
const RULE: u32 = 19;
const CALLS: u32 = 32;
/// After so many changes of the settings their numbers begin anew.
pub(crate) const RULES: u16 = 1 << (CALLS - RULE);

impl OpeningSeqLock {
    pub(crate) fn new() -> Self {
        Self {
            due: AtomicU64::new(NEVER),
            measured: AtomicU64::new(0),
            cause: AtomicU64::new((State::Open as u64) << STATE | NO_LEAF),
        }
    }

    /// Publishes an opening, by the settings with the number `rule`.
    pub(crate) fn store(
        &self,
        now: Duration,
        wait: Option<Duration>,
        cause: Option<Cause>,
        rule: u16,
    ) {
        let (measured, packed) = match cause {
            Some(Cause {
                leaf,
                measured,
                calls,
            }) => {
                let calls = calls.min(u64::MAX >> CALLS);
                (measured, calls << CALLS | u64::from(leaf))
            }
            None => (0.0, NO_LEAF),
        };
        let packed = packed | u64::from(rule % RULES) << RULE;
        self.store_due(now, wait);
        self.measured.store(measured.to_bits(), Ordering::Release);
        self.cause
            .store(packed | (State::Open as u64) << STATE, Ordering::Release);
    }

    /// Publishes another time for the present opening, under the lock. A reader sees the
    /// one or the other, and both are of this opening: nothing else of it changes.
    pub(crate) fn store_due(&self, now: Duration, wait: Option<Duration>) {
        // The end of all time comes before never.
        let due = wait.map_or(NEVER, |wait| nanos(now.saturating_add(wait)).min(NEVER - 1));
        self.due.store(due, Ordering::Release);
    }

    /// Reads the opening of the period of `word`; `None` if that period is over.
    /// `present` loads the word again, which may be relaxed.
    #[inline]
    pub(crate) fn read(
        &self,
        word: StateWord,
        present: impl FnOnce() -> StateWord,
    ) -> Option<Refusal> {
        let refusal = self.load();
        // Partner: the `Release` stores in `store`.
        fence(Ordering::Acquire);
        present().same_period(word).then_some(refusal)
    }

    /// Returns the fields as they are: whole under the lock, and in
    /// [`read`](Self::read) if the period is still the same.
    #[inline]
    pub(crate) fn load(&self) -> Refusal {
        Refusal {
            time: self.due.load(Ordering::Relaxed),
            measured: f64::from_bits(self.measured.load(Ordering::Relaxed)),
            packed: self.cause.load(Ordering::Relaxed),
        }
    }
}

impl Refusal {
    /// Makes the refusal of a state that has no opening.
    pub(crate) fn by(state: State) -> Self {
        Self {
            time: NEVER,
            measured: 0.0,
            packed: (state as u64) << STATE | NO_LEAF,
        }
    }

    /// By the permit of a half-open circuit, so long after that state began.
    pub(crate) fn by_permit(elapsed: Duration) -> Self {
        let by_state = Self::by(State::HalfOpen);
        Self {
            measured: elapsed.as_millis() as f64,
            packed: by_state.packed | 1 << CALLS,
            ..by_state
        }
    }

    /// Returns the refusal of a call in the closed state, by the share that was
    /// refused then, and how long the dependency asked to wait.
    pub(crate) fn throttled(share: f64, wait: Option<Duration>) -> Self {
        Self {
            time: wait.map_or(NEVER, |wait| nanos(wait).min(NEVER - 1)),
            measured: share,
            ..Self::by(State::Closed)
        }
    }

    /// Returns the share of the calls that was refused, if the throttle refused this
    /// one.
    pub(crate) fn share(&self) -> Option<f64> {
        (self.state() == State::Closed).then_some(self.measured)
    }

    /// Returns how long the circuit had been half-open when its permit refused the call, in
    /// whole milliseconds; `None` if it was not the permit.
    pub(crate) fn permit_asked_after(&self) -> Option<Duration> {
        let by_permit = self.packed >> CALLS > 0 && self.state() == State::HalfOpen;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        by_permit.then(|| Duration::from_millis(self.measured as u64))
    }

    /// From the time of the next attempt to the wait until then.
    #[inline]
    pub(crate) fn at(mut self, now: Duration) -> Self {
        if self.time != NEVER {
            self.time = self.time.saturating_sub(nanos(now));
        }
        self
    }

    /// A circuit that is due but refuses, since its retry policy is not ready,
    /// has no known next attempt.
    pub(crate) fn unless_due(mut self) -> Self {
        if self.time == 0 {
            self.time = NEVER;
        }
        self
    }

    /// Returns whether the circuit may be probed now.
    #[inline]
    pub(crate) fn is_due(&self) -> bool {
        self.time == 0
    }

    pub(crate) fn state(&self) -> State {
        match self.packed >> STATE & STATES {
            state if state == State::Closed as u64 => State::Closed,
            state if state == State::HalfOpen as u64 => State::HalfOpen,
            state if state == State::ForcedOpen as u64 => State::ForcedOpen,
            _ => State::Open,
        }
    }

    /// Returns how long until the circuit may be probed; `None` if unknown.
    pub(crate) fn wait(&self) -> Option<Duration> {
        (self.time != NEVER).then(|| Duration::from_nanos(self.time))
    }

    /// Returns the number of the settings that the cause is of.
    #[allow(clippy::cast_possible_truncation, reason = "of 13 bits")]
    pub(crate) fn rule(&self) -> u16 {
        (self.packed >> RULE) as u16 % RULES
    }

    pub(crate) fn cause(&self) -> Option<Cause> {
        let leaf = self.packed & NO_LEAF;
        (leaf != NO_LEAF).then_some(Cause {
            leaf: leaf as u16,
            measured: self.measured,
            calls: self.packed >> CALLS,
        })
    }
}

#[cfg(all(test, not(fluxgate_loom)))]
mod tests {
    use super::*;

    #[test]
    fn what_is_published_comes_back_whole() {
        let second = Duration::from_secs(1);
        let published = OpeningSeqLock::new();
        for (leaf, measured, calls, read) in [
            (0, 0.5, 100, 100),
            (7, 1e300, (1 << 32) - 1, (1 << 32) - 1),
            (Cause::REOPEN_AFTER, 3.0, 0, 0),
            // As many as there is room for.
            (1, 0.0, u64::MAX, (1 << 32) - 1),
        ] {
            let cause = Cause {
                leaf,
                measured,
                calls,
            };
            published.store(second, Some(second), Some(cause), RULES - 1);
            let refusal = published.load().at(Duration::ZERO);
            assert_eq!(refusal.rule(), RULES - 1);
            assert_eq!(refusal.state(), State::Open);
            assert_eq!(refusal.wait(), Some(2 * second));
            let cause = refusal.cause().expect("there is one");
            assert_eq!((cause.leaf, cause.calls), (leaf, read));
            assert_eq!(cause.measured.to_bits(), measured.to_bits());
        }
        published.store(second, None, None, 0);
        let refusal = published.load().at(second);
        assert!(refusal.cause().is_none() && refusal.wait().is_none());
    }

    #[test]
    fn permit_refusal_keeps_its_time() {
        for millis in [0, 1, 90_000, (1 << 53) - 1] {
            let elapsed = Duration::from_millis(millis);
            let refusal = Refusal::by_permit(elapsed);
            assert_eq!(refusal.state(), State::HalfOpen);
            assert_eq!(refusal.permit_asked_after(), Some(elapsed));
            assert!(refusal.wait().is_none() && refusal.cause().is_none());
        }
        let longest = Refusal::by_permit(Duration::MAX).permit_asked_after();
        assert_eq!(longest, Some(Duration::from_millis(u64::MAX)));
        assert_eq!(Refusal::by(State::HalfOpen).permit_asked_after(), None);
    }

    #[test]
    fn refusal_by_state_has_no_wait_and_no_cause() {
        for state in [State::Open, State::HalfOpen, State::ForcedOpen] {
            let refusal = Refusal::by(state).at(Duration::MAX);
            assert_eq!(refusal.state(), state);
            assert!(refusal.wait().is_none() && refusal.cause().is_none());
        }
    }
}
