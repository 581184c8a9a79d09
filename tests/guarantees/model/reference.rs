//! The model: the whole history of a breaker as lists, and every question
//! answered by reading them from the start. Written from the documented
//! behaviour; it shares no code and no idea with the breaker.

use std::time::{Duration, SystemTime};

use fluxgate::{OnCancel, Reason, RuleKind, State};

use super::{
    overload::Attention,
    questions::trailing,
    settings::{Settings, nanos},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Success,
    Failure,
    Ignored,
    Alive,
    Overloaded,
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
    /// The wait that was told, which settings may have shortened since.
    pub(crate) told: Option<u64>,
    /// For `Open`: whether the retry policy said how long to wait, and not an operator.
    pub(crate) by_policy: bool,
    /// Until when the dependency said that it is down.
    pub(crate) asked: Option<u64>,
    /// For `Open`: what no change of settings makes shorter.
    pub(crate) least: u64,
    /// The first record that may be in the window.
    pub(crate) window_from: usize,
    pub(crate) records: Vec<Recorded>,
    /// How many records there were when an answer last ended the streak.
    pub(crate) answered: Option<usize>,
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
    /// Whether it is a probe of an open circuit whose wait is not over.
    pub(crate) early: bool,
    /// When it ended, if it did, and how.
    pub(crate) ended: Option<u64>,
    /// How long it took, by its own account if it gave one.
    pub(crate) took: u64,
    pub(crate) ending: Option<Ending>,
    /// Whether the period had ended before.
    pub(crate) late: bool,
    /// How often settings had changed when it began, and the ages that calls in flight are
    /// counted by.
    pub(crate) revision: usize,
    pub(crate) list: usize,
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
    pub(crate) throttled: u64,
    pub(crate) passed_over: u64,
    pub(crate) early_probes: u64,
    pub(crate) ignored: u64,
    pub(crate) alive: u64,
    pub(crate) overloaded: u64,
    /// Recorded as failures.
    pub(crate) failed: u64,
    pub(crate) cancelled: u64,
    pub(crate) panicked: u64,
    pub(crate) late: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Reference {
    pub(crate) settings: Settings,
    /// Those of the code.
    pub(crate) code: Settings,
    /// How often settings changed, and how often the ages did that calls in flight are
    /// counted by.
    pub(crate) revision: usize,
    pub(crate) list: usize,
    pub(crate) now: u64,
    pub(crate) wall: SystemTime,
    /// The last one is the present.
    pub(crate) periods: Vec<Period>,
    pub(crate) calls: Vec<Call>,
    pub(crate) counts: Counts,
    /// How many random numbers were drawn.
    pub(crate) drawn: usize,
    /// When the calls in flight were last looked at.
    pub(crate) looked_at: u64,
    /// The answer of `Retry::Gated`.
    pub(crate) gate: bool,
    /// The early probe that keeps others out while it is in flight.
    pub(crate) early: Option<usize>,
    /// The last time of attention.
    pub(crate) attention: Option<Attention>,
    /// When the overloads were since the last other answer.
    pub(crate) overloads: Vec<u64>,
}

impl Reference {
    pub(crate) fn new(settings: Settings, wall: SystemTime) -> Self {
        let initial_state = settings.initial_state;
        let mut reference = Self {
            code: settings.clone(),
            revision: 0,
            list: 0,
            settings,
            now: 0,
            wall,
            periods: vec![Period {
                state: State::Closed,
                entered: 0,
                changed_at: wall,
                reason: None,
                wait: None,
                told: None,
                by_policy: false,
                asked: None,
                least: 0,
                window_from: 0,
                records: Vec::new(),
                answered: None,
            }],
            calls: Vec::new(),
            counts: Counts::default(),
            drawn: 0,
            looked_at: 0,
            gate: true,
            early: None,
            attention: None,
            overloads: Vec::new(),
        };
        if initial_state != State::Closed {
            reference.enter(initial_state, None);
        }
        reference
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
        // What it was asked for lengthens the wait, within bounds.
        let asked = self.present().asked.unwrap_or(0).saturating_sub(self.now);
        let asked = asked.min(self.longest());
        self.periods.push(Period {
            state,
            entered: self.now,
            changed_at: self.wall,
            reason,
            wait: None,
            told: None,
            by_policy: true,
            asked: None,
            least: asked,
            window_from: 0,
            records: Vec::new(),
            answered: None,
        });
        if state == State::Open {
            let wait = self.draw_wait().map(|wait| wait.max(asked));
            let period = self.periods.last_mut().expect("just pushed");
            (period.wait, period.told) = (wait, wait);
        }
    }

    /// An operator opens it for this long.
    pub(crate) fn open_for(&mut self, wait: u64) {
        self.periods.push(Period {
            state: State::Open,
            entered: self.now,
            changed_at: self.wall,
            reason: None,
            wait: Some(wait),
            told: Some(wait),
            by_policy: false,
            asked: None,
            least: wait,
            window_from: 0,
            records: Vec::new(),
            answered: None,
        });
    }

    /// The call's number, or why not. Whether it is throttled is the breaker's choice.
    pub(crate) fn admit(&mut self, is_throttled: bool) -> Result<usize, Rejection> {
        let admitted = self.try_admit(is_throttled);
        if let Err(rejection) = &admitted {
            self.counts.rejected.push(rejection.state);
        }
        admitted
    }

    /// The same for a call that goes elsewhere if it is not admitted.
    pub(crate) fn pick(&mut self, is_throttled: bool) -> Result<usize, Rejection> {
        let admitted = self.try_admit(is_throttled);
        self.counts.passed_over += u64::from(admitted.is_err());
        admitted
    }

    /// The same for a call that has nowhere else to go, and may be an early probe.
    pub(crate) fn fail_over(&mut self, is_throttled: bool) -> Result<usize, Rejection> {
        let admitted = self.try_admit(is_throttled);
        if admitted.is_ok() || !self.takes_early() {
            self.counts.passed_over += u64::from(admitted.is_err());
            return admitted;
        }
        self.counts.early_probes += 1;
        let call = self.begin(true);
        self.calls[call].early = true;
        self.early = Some(call);
        Ok(call)
    }

    /// The same, and what does not admit the call counts nothing.
    pub(crate) fn try_admit(&mut self, is_throttled: bool) -> Result<usize, Rejection> {
        if let Some(rejection) = self.throttle(is_throttled) {
            return Err(rejection);
        }
        self.look();
        let probe = match self.state() {
            State::Closed | State::MetricsOnly | State::Disabled => false,
            State::ForcedOpen => return Err(self.refusal(None)),
            State::Open => {
                let remaining = self.remaining();
                if remaining != Some(0) {
                    return Err(self.refusal(remaining));
                }
                if !self.is_ready() {
                    return Err(self.refusal(None));
                }
                self.enter(State::HalfOpen, None);
                self.probe()?
            }
            State::HalfOpen => self.probe()?,
        };
        Ok(self.begin(probe))
    }

    fn begin(&mut self, probe: bool) -> usize {
        self.calls.push(Call {
            period: self.periods.len() - 1,
            began: self.now,
            probe,
            early: false,
            ended: None,
            took: 0,
            ending: None,
            late: false,
            revision: self.revision,
            list: self.list,
        });
        self.calls.len() - 1
    }

    fn probe(&mut self) -> Result<bool, Rejection> {
        if self.probes_in_flight() >= self.settings.probes as usize || !self.draw_permit() {
            return Err(self.refusal(None));
        }
        Ok(true)
    }

    fn refusal(&self, retry_after: Option<u64>) -> Rejection {
        let Period { state, reason, .. } = *self.present();
        Rejection {
            state,
            retry_after: retry_after.map(nanos),
            reason,
        }
    }

    pub(crate) fn settle(&mut self, call: usize, ending: Ending) {
        let took = self.now - self.calls[call].began;
        self.settle_after(call, ending, took);
    }

    /// The same for a call that says how long it took.
    pub(crate) fn settle_after(&mut self, call: usize, ending: Ending, took: u64) {
        self.calls[call].ended = Some(self.now);
        self.calls[call].took = took;
        self.calls[call].ending = Some(ending);
        self.calls[call].late = self.calls[call].period != self.periods.len() - 1;
        let Call {
            period,
            took: elapsed,
            late,
            early,
            probe,
            ..
        } = self.calls[call];
        if self.early == Some(call) {
            self.early = None;
        }
        if self.periods[period].state == State::Disabled {
            return;
        }
        match ending {
            Ending::Ignored => self.counts.ignored += 1,
            Ending::Alive => self.counts.alive += 1,
            Ending::Overloaded => self.counts.overloaded += 1,
            Ending::Cancelled => self.counts.cancelled += 1,
            Ending::Panicked => self.counts.panicked += 1,
            Ending::Success | Ending::Failure => {}
        }
        let ending = match ending {
            Ending::Overloaded if !late => match self.count_overload(probe) {
                Some(ending) => ending,
                None => return self.look_after(call),
            },
            Ending::Success | Ending::Failure | Ending::Alive | Ending::Panicked
                if !late && !probe =>
            {
                self.count_answer();
                ending
            }
            ending => ending,
        };
        // Of a call that began under other settings nothing is known but its outcome.
        let is_timed = self.calls[call].revision == self.revision;
        let slow = |least: u64| is_timed && elapsed >= least;
        let ending = match ending {
            Ending::Success | Ending::Alive
                if self.settings.slow_probes_fail
                    && probe
                    && self.settings.tripper.slowest_allowed().is_some_and(slow) =>
            {
                // An answer stays counted as one.
                if ending == Ending::Success {
                    self.calls[call].ending = Some(Ending::Failure);
                }
                Ending::Failure
            }
            ending => ending,
        };
        if early {
            return self.settle_early(call, ending);
        }
        let failed = match ending {
            Ending::Success => false,
            Ending::Failure | Ending::Overloaded | Ending::Panicked => true,
            Ending::Alive if self.calls[call].probe => false,
            Ending::Alive if late => {
                self.counts.late += 1;
                return;
            }
            Ending::Alive => {
                self.streak_ends();
                return self.look_after(call);
            }
            Ending::Ignored => return self.look_after(call),
            Ending::Cancelled => match self.settings.on_cancel {
                OnCancel::Fail => true,
                OnCancel::FailAfter(least) if is_timed && nanos(elapsed) >= least => true,
                _ => return self.look_after(call),
            },
        };
        if late {
            self.counts.late += 1;
            return;
        }
        self.record(failed, if is_timed { elapsed } else { 0 });
    }

    /// Nothing comes of an early probe unless it passes, and before the wait is over.
    fn settle_early(&mut self, call: usize, ending: Ending) {
        let passed = matches!(ending, Ending::Success | Ending::Alive);
        let late = self.calls[call].late || self.remaining() == Some(0);
        self.calls[call].late = passed && late;
        if !passed {
            return;
        }
        if late {
            self.counts.late += 1;
            return;
        }
        self.enter(State::HalfOpen, None);
        let is_timed = self.calls[call].revision == self.revision;
        let took = if is_timed { self.calls[call].took } else { 0 };
        self.record(false, took);
    }

    fn record(&mut self, failed: bool, elapsed: u64) {
        self.counts.failed += u64::from(failed);
        let at = self.now;
        let duration = if self.measures() { elapsed } else { 0 };
        let period = self.periods.last_mut().expect("there is always a period");
        period.records.push(Recorded {
            at,
            failed,
            duration,
        });
        self.judge(failed);
    }

    fn streak_ends(&mut self) {
        let period = self.periods.last_mut().expect("there is always a period");
        period.answered = Some(period.records.len());
    }

    /// The dependency says how long it will be down, as the call fails.
    pub(crate) fn ask(&mut self, call: usize, wait: u64) {
        let period = self.calls[call].period;
        self.periods[period].asked = Some(self.now + wait);
    }

    /// Calls that hang may open the circuit before any ends: asked when one of
    /// them came of an age that a rule names.
    fn look(&mut self) {
        let came_of_age = self.came_of_age();
        self.looked_at = self.now;
        if came_of_age && self.trips() {
            self.open();
        }
    }

    /// A call ended that is not recorded.
    fn look_after(&mut self, call: usize) {
        let Call { period, probe, .. } = self.calls[call];
        if probe || self.periods[period].state == State::Closed {
            self.look();
        }
    }

    /// What the call just recorded leads to.
    fn judge(&mut self, failed: bool) {
        self.looked_at = self.now;
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
}
