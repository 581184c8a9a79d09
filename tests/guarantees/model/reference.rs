//! The model: the whole history of a breaker as lists, and every question
//! answered by reading them from the start. Written from the documented
//! behaviour; it shares no code and no idea with the breaker.

use std::time::{Duration, SystemTime};

use fluxgate::{OnCancel, Reason, RuleKind, State};

use super::settings::{Permit, Retry, Settings, nanos};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Success,
    Failure,
    Ignored,
    Cancelled,
    Panicked,
}

/// Between two transitions.
#[derive(Clone, Debug)]
pub(crate) struct Period {
    pub(crate) state: State,
    pub(crate) entered: u64,
    pub(crate) changed_at: SystemTime,
    /// For `Open`: why, and how long to wait, `None` for ever.
    pub(crate) reason: Option<Why>,
    pub(crate) wait: Option<u64>,
    pub(crate) records: Vec<Recorded>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Recorded {
    pub(crate) at: u64,
    pub(crate) failed: bool,
    pub(crate) duration: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) period: usize,
    pub(crate) began: u64,
    pub(crate) probe: bool,
    /// When it ended, if it did, and how.
    pub(crate) ended: Option<u64>,
    pub(crate) ending: Option<Ending>,
    /// Whether the period had ended before.
    pub(crate) late: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rejection {
    pub(crate) state: State,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) reason: Option<Why>,
}

/// Why it opened: the rule, what it measured, the threshold, calls in the window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Why(
    pub(crate) RuleKind,
    pub(crate) f64,
    pub(crate) f64,
    pub(crate) u64,
);

impl From<Reason> for Why {
    fn from(reason: Reason) -> Self {
        Self(reason.rule, reason.measured, reason.threshold, reason.calls)
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    /// By which state.
    pub(crate) rejected: Vec<State>,
    pub(crate) ignored: u64,
    pub(crate) cancelled: u64,
    pub(crate) panicked: u64,
    pub(crate) late: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Reference {
    pub(crate) settings: Settings,
    pub(crate) now: u64,
    pub(crate) wall: SystemTime,
    /// The last one is the present.
    pub(crate) periods: Vec<Period>,
    pub(crate) calls: Vec<Call>,
    pub(crate) counts: Counts,
    /// How many random numbers were drawn.
    pub(crate) drawn: usize,
    /// The answer of `Retry::Gated`.
    pub(crate) gate: bool,
}

/// What both sides draw, in eighths, over and over.
pub(crate) const DRAWS: [u64; 12] = [3, 0, 7, 2, 5, 1, 6, 4, 0, 7, 1, 3];

impl Reference {
    pub(crate) fn new(settings: Settings, wall: SystemTime) -> Self {
        Self {
            settings,
            now: 0,
            wall,
            periods: vec![Period {
                state: State::Closed,
                entered: 0,
                changed_at: wall,
                reason: None,
                wait: None,
                records: Vec::new(),
            }],
            calls: Vec::new(),
            counts: Counts::default(),
            drawn: 0,
            gate: true,
        }
    }

    pub(crate) fn present(&self) -> &Period {
        self.periods.last().expect("there is always a period")
    }

    pub(crate) fn state(&self) -> State {
        self.present().state
    }

    pub(crate) fn advance(&mut self, by: u64) {
        self.now += by;
        self.wall += nanos(by);
    }

    pub(crate) fn enter(&mut self, state: State, reason: Option<Why>) {
        self.periods.push(Period {
            state,
            entered: self.now,
            changed_at: self.wall,
            reason,
            wait: None,
            records: Vec::new(),
        });
        if state == State::Open {
            let wait = self.draw_wait();
            self.periods.last_mut().expect("just pushed").wait = wait;
        }
    }

    /// The call's number, or why not.
    pub(crate) fn admit(&mut self) -> Result<usize, Rejection> {
        let probe = match self.state() {
            State::Closed | State::MetricsOnly | State::Disabled => false,
            State::ForcedOpen => return Err(self.reject(None)),
            State::Open => {
                let remaining = self.remaining();
                if remaining != Some(0) {
                    return Err(self.reject(remaining));
                }
                if !self.gate && matches!(self.settings.retry, Retry::Gated(_)) {
                    return Err(self.reject(None));
                }
                self.enter(State::HalfOpen, None);
                self.probe()?
            }
            State::HalfOpen => self.probe()?,
        };
        self.calls.push(Call {
            period: self.periods.len() - 1,
            began: self.now,
            probe,
            ended: None,
            ending: None,
            late: false,
        });
        Ok(self.calls.len() - 1)
    }

    fn probe(&mut self) -> Result<bool, Rejection> {
        if self.probes_in_flight() >= self.settings.probes as usize || !self.draw_permit() {
            return Err(self.reject(None));
        }
        Ok(true)
    }

    fn reject(&mut self, retry_after: Option<u64>) -> Rejection {
        let Period { state, reason, .. } = *self.present();
        self.counts.rejected.push(state);
        Rejection {
            state,
            retry_after: retry_after.map(nanos),
            reason,
        }
    }

    pub(crate) fn settle(&mut self, call: usize, ending: Ending) {
        self.calls[call].ended = Some(self.now);
        self.calls[call].ending = Some(ending);
        self.calls[call].late = self.calls[call].period != self.periods.len() - 1;
        let Call {
            period,
            began,
            late,
            ..
        } = self.calls[call];
        if self.periods[period].state == State::Disabled {
            return;
        }
        let elapsed = self.now - began;
        match ending {
            Ending::Ignored => self.counts.ignored += 1,
            Ending::Cancelled => self.counts.cancelled += 1,
            Ending::Panicked => self.counts.panicked += 1,
            Ending::Success | Ending::Failure => {}
        }
        let failed = match ending {
            Ending::Success => false,
            Ending::Failure | Ending::Panicked => true,
            Ending::Ignored => return,
            Ending::Cancelled => match self.settings.on_cancel {
                OnCancel::Fail => true,
                OnCancel::FailAfter(least) if nanos(elapsed) >= least => true,
                _ => return,
            },
        };
        if late {
            self.counts.late += 1;
            return;
        }
        let at = self.now;
        let duration = if self.measures() { elapsed } else { 0 };
        let records = &mut self.periods[period].records;
        records.push(Recorded {
            at,
            failed,
            duration,
        });
        self.judge(failed);
    }

    /// What the call just recorded leads to.
    fn judge(&mut self, failed: bool) {
        let trips = self.trips();
        match (self.state(), failed) {
            (State::Closed, _) if trips => self.open(),
            (State::HalfOpen, false) => {
                let in_a_row = trailing(&self.present().records, false);
                if in_a_row >= self.settings.close_after && !trips {
                    self.enter(State::Closed, None);
                }
            }
            (State::HalfOpen, true) => {
                let in_a_row = trailing(&self.present().records, true);
                match self.settings.reopen_after {
                    Some(limit) if in_a_row >= limit => {
                        let reason = self.reopened(in_a_row, limit);
                        self.enter(State::Open, Some(reason));
                    }
                    _ if trips => self.open(),
                    _ => {}
                }
            }
            _ => {}
        }
    }

    fn open(&mut self) {
        let reason = self.reason();
        self.enter(State::Open, Some(reason));
    }

    /// Until the next probe; `None` is never.
    pub(crate) fn remaining(&self) -> Option<u64> {
        let Period { entered, wait, .. } = *self.present();
        Some((entered + wait?).saturating_sub(self.now))
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
            let own = trailing(&period.records, true);
            streak += own;
            let starts_anew = matches!(period.state, State::Closed | State::HalfOpen);
            if starts_anew || own < period.records.len() as u64 {
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

    fn draw(&mut self) -> u64 {
        self.drawn += 1;
        DRAWS[(self.drawn - 1) % DRAWS.len()]
    }

    fn draw_wait(&mut self) -> Option<u64> {
        let (wait, jitter) = match self.settings.retry {
            Retry::Never => return None,
            Retry::Always => (0, 0),
            Retry::Gated(duration) => (duration, 0),
            Retry::Cooldown(duration, jitter) => (duration, jitter),
            Retry::Backoff(initial, doubled, longest, jitter) => {
                let (mut over, mut under) = (initial, 1);
                for _ in 0..self.reopens() {
                    if over >= longest * under {
                        break;
                    }
                    over *= doubled;
                    under *= 2;
                }
                (over.div_ceil(under).min(longest), jitter)
            }
        };
        if jitter == 0 {
            return Some(wait);
        }
        // wait * (1 - jitter + 2 * jitter * draw), in fractions of 16ths.
        let factor = 16 - 4 * jitter + jitter * self.draw();
        Some((wait * factor).div_ceil(16))
    }

    fn draw_permit(&mut self) -> bool {
        let elapsed = self.now - self.present().entered;
        match self.settings.permit {
            Permit::All => true,
            Permit::From(least) => elapsed >= least,
            Permit::Random(eighths) => self.draw() < eighths,
            Permit::RampUp(initial, last, duration) => {
                let draw = self.draw();
                if elapsed >= duration {
                    draw < last
                } else {
                    // draw < initial + (last - initial) * elapsed / duration
                    draw < initial || (draw - initial) * duration < (last - initial) * elapsed
                }
            }
        }
    }
}

/// How many records at the end agree.
pub(crate) fn trailing(records: &[Recorded], failed: bool) -> u64 {
    let agrees = |record: &&Recorded| record.failed == failed;
    records.iter().rev().take_while(agrees).count() as u64
}
