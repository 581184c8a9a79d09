//! The original as a model: plain, slow, and without any code of this crate's.
//!
//! By the rules of the original it reproduces every recording, quirks included;
//! that is tested. By the rules of this crate it says what is to be expected
//! where a recording can't.

use fluxgate::State;

use crate::{
    format::{Call, Config, Control, Op, Step, Window},
    observed::{Observed, START},
    rules::{Settings, Sight},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rules {
    /// Those of the original's async breaker.
    Original,
    /// Those of this crate, which differ in that
    /// - an outcome counts in the generation that admitted the call, and not
    ///   whenever the state has the same name;
    /// - jitter is drawn once, as the circuit opens, and not by every call;
    /// - waits and windows go by the monotonic clock and not by the wall clock;
    /// - old slots leave a time window when it is looked at, and not only when
    ///   a record takes their place;
    /// - a failed call has a duration;
    /// - a power beyond the range of f64 is capped, and not an error.
    Ours,
}

/// What a random number is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Draw {
    Jitter,
    Admission,
}

/// Where the model takes random numbers from: by the number of the step.
pub(crate) type Source<'a> = &'a mut dyn FnMut(usize, Draw) -> f64;

/// Runs all steps.
pub(crate) fn replay(
    config: &Config,
    steps: &[Step],
    rules: Rules,
    source: Source<'_>,
) -> Vec<Observed> {
    let settings = Settings::of(config);
    let mut model = Model {
        thresholds: settings.tripper.slow_thresholds(),
        settings,
        rules,
        source,
        at: 0,
        now: 0.0,
        wall: START,
        state: State::Closed,
        generation: 0,
        entered: START,
        changed_at: START,
        reopens: 0,
        streak: 0,
        wait: None,
        records: Vec::new(),
        signals: Vec::new(),
        drawn: Vec::new(),
    };
    let mut seen = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        model.at = at;
        let result = model.act(&step.op);
        seen.push(model.observe(result));
    }
    seen
}

struct Model<'a> {
    settings: Settings,
    thresholds: Vec<f64>,
    rules: Rules,
    source: Source<'a>,
    /// The number of the step.
    at: usize,
    now: f64,
    wall: f64,
    state: State,
    generation: u64,
    /// By the clock that waits go by.
    entered: f64,
    changed_at: f64,
    reopens: u64,
    streak: u64,
    /// Until the first probe, drawn as the circuit opened.
    wait: Option<f64>,
    /// Since the last transition.
    records: Vec<Record>,
    signals: Vec<(State, State, f64)>,
    drawn: Vec<f64>,
}

struct Record {
    time: f64,
    failed: bool,
    duration: f64,
}

impl Model<'_> {
    fn act(&mut self, op: &Op) -> Option<String> {
        match op {
            Op::Advance { seconds } => self.advance(*seconds),
            Op::WallStep { seconds } => self.wall += seconds,
            Op::Control { op } => self.control(*op),
            Op::Call(call) => return Some(self.call(call)),
        }
        None
    }

    fn observe(&mut self, result: Option<String>) -> Observed {
        let sight = self.sight();
        let slow = |threshold: &f64| (*threshold, sight.slow(*threshold));
        Observed {
            result,
            state: self.state,
            reopens: self.reopens,
            changed_at: self.changed_at,
            total_count: sight.total,
            failure_count: sight.failures,
            total_duration: sight.total_duration(),
            slow_counts: self
                .thresholds
                .iter()
                .map(slow)
                .filter(|(_, count)| *count > 0)
                .collect(),
            signals: std::mem::take(&mut self.signals),
            drawn: std::mem::take(&mut self.drawn),
        }
    }

    fn call(&mut self, call: &Call) -> String {
        if self.state == State::Open {
            match self.is_due() {
                Ok(true) => self.enter(State::HalfOpen),
                Ok(false) => {}
                Err(Overflow) => return "raised:OverflowError".to_owned(),
            }
        }
        let admits = match self.state {
            State::Open | State::ForcedOpen => false,
            State::HalfOpen => self.admits(),
            State::Closed | State::MetricsOnly | State::Disabled => true,
        };
        if !admits {
            return format!("rejected:{}", self.state);
        }
        let admitted = (self.state, self.generation);
        for control in &call.inside {
            self.control(*control);
        }
        self.advance(call.duration);
        let counts = match self.rules {
            Rules::Original => self.state == admitted.0,
            Rules::Ours => self.generation == admitted.1,
        };
        if counts && self.state != State::Disabled {
            self.settle(call);
        }
        call.outcome.clone()
    }

    /// Records how a call ended, and goes where that leads.
    fn settle(&mut self, call: &Call) {
        let failed = match call.error() {
            Some(kind) if !self.settings.tracker.matches(kind) => return,
            error => error.is_some(),
        };
        self.streak = if failed { self.streak + 1 } else { 0 };
        self.records.push(Record {
            time: self.time(),
            failed,
            duration: match self.rules {
                Rules::Original if failed => 0.0,
                _ => call.duration,
            },
        });
        let fires = self.settings.tripper.fires(&self.sight());
        match (self.state, failed) {
            (State::Closed, _) | (State::HalfOpen, true) if fires => self.enter(State::Open),
            (State::HalfOpen, false) if !fires => self.enter(State::Closed),
            _ => {}
        }
    }

    fn control(&mut self, control: Control) {
        self.enter(match control {
            Control::Reset => State::Closed,
            Control::Disable => State::Disabled,
            Control::MetricsOnly => State::MetricsOnly,
            Control::ForceOpen => State::ForcedOpen,
        });
    }

    fn enter(&mut self, new: State) {
        let old = self.state;
        match new {
            State::Open if old == State::HalfOpen => self.reopens += 1,
            State::HalfOpen => self.streak = 0,
            State::Closed => (self.reopens, self.streak) = (0, 0),
            _ => {}
        }
        self.state = new;
        self.generation += 1;
        self.entered = self.time();
        self.changed_at = self.wall;
        self.records.clear();
        self.signals.push((old, new, self.changed_at));
        if new == State::Open && self.rules == Rules::Ours {
            self.wait = self.draw_wait().ok().flatten();
        }
    }

    fn is_due(&mut self) -> Result<bool, Overflow> {
        let wait = match self.rules {
            Rules::Original => self.draw_wait()?,
            Rules::Ours => self.wait,
        };
        Ok(wait.is_some_and(|wait| self.time() - self.entered >= wait))
    }

    fn draw_wait(&mut self) -> Result<Option<f64>, Overflow> {
        let Some(wait) = self.settings.retry.wait(self.reopens) else {
            return Ok(None);
        };
        if wait.overflows && self.rules == Rules::Original {
            return Err(Overflow);
        }
        Ok(Some(wait.jittered(|| self.draw(Draw::Jitter))))
    }

    fn admits(&mut self) -> bool {
        let elapsed = self.time() - self.entered;
        let permit = self.settings.permit;
        permit.admits(elapsed, || self.draw(Draw::Admission))
    }

    fn draw(&mut self, what: Draw) -> f64 {
        let number = (self.source)(self.at, what);
        self.drawn.push(number);
        number
    }

    fn advance(&mut self, seconds: f64) {
        self.now += seconds;
        self.wall += seconds;
    }

    /// The clock that waits and windows go by.
    fn time(&self) -> f64 {
        match self.rules {
            Rules::Original => self.wall,
            Rules::Ours => START + self.now,
        }
    }

    fn sight(&self) -> Sight {
        let held: Vec<_> = self.held().collect();
        Sight {
            state: self.state,
            streak: self.streak,
            total: held.len() as u64,
            failures: held.iter().filter(|record| record.failed).count() as u64,
            durations: held.iter().map(|record| record.duration).collect(),
        }
    }

    /// The records that are still in the window.
    fn held(&self) -> impl Iterator<Item = &Record> {
        let second = |record: &Record| record.time.floor();
        let last = self.records.len();
        self.records
            .iter()
            .enumerate()
            .filter_map(move |(i, record)| {
                let is_held = match (self.settings.window, self.rules) {
                    (Window::Count(size), _) => (last - i) as u64 <= size,
                    (Window::Time(size), Rules::Ours) => {
                        self.time().floor() - second(record) < size as f64
                    }
                    // Until another second takes its slot.
                    (Window::Time(size), Rules::Original) => {
                        self.records[i..].iter().all(|later| {
                            let apart = second(later) - second(record);
                            apart == 0.0 || apart.rem_euclid(size as f64) > 0.0
                        })
                    }
                };
                is_held.then_some(record)
            })
    }
}

/// Where the original raises an error.
struct Overflow;
