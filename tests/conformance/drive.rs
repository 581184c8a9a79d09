//! Puts a breaker through the steps of a scenario.

use std::{
    collections::VecDeque,
    future::{Future, poll_fn},
    pin::pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
    time::Duration,
};

use fluxgate::{
    CircuitBreaker, Info, Signal,
    clock::{Clock, ManualClock},
};

use crate::{
    breaker::configure,
    errors::{AnyTracker, Failure, tracker},
    expect::differs,
    format::{Call, Control, Op, Scenario, Tracker},
    observed::Observed,
    rules::Settings,
    scale::{Scale, wall_start},
};

#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    Call,
    CallAsync,
    /// `call`, and durations are kept only if a rule reads them.
    CallUntimed,
}

/// Drives a breaker, and compares it after every step. The number of steps.
///
/// # Errors
///
/// The first difference.
pub(crate) fn drive(scenario: &Scenario, expected: &[Observed], way: Way) -> Result<usize, String> {
    let rig = Rig::new(scenario, way)?;
    for (at, (step, expected)) in scenario.steps.iter().zip(expected).enumerate() {
        rig.feed.offer(&expected.drawn);
        let result = rig.act(&step.op);
        let seen = rig.observe(result, expected.total_duration);
        if seen != *expected {
            return Err(differs("the breaker", at, &seen, expected));
        }
    }
    Ok(scenario.steps.len())
}

/// A breaker with everything it touches.
struct Rig {
    breaker: CircuitBreaker,
    tracker: AnyTracker,
    way: Way,
    scale: Scale,
    clock: ManualClock,
    feed: Feed,
    signals: Arc<Mutex<Vec<Signal>>>,
    /// The slowness thresholds, here and as recorded.
    thresholds: Vec<(Duration, f64)>,
}

impl Rig {
    fn new(scenario: &Scenario, way: Way) -> Result<Self, String> {
        let scale = Scale::of(scenario);
        let clock = ManualClock::at(wall_start());
        let feed = Feed::default();
        let signals = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&signals);
        let mut draws = feed.clone();
        let builder = CircuitBreaker::builder(scenario.id.clone())
            .clock(clock.clone())
            .durations(!matches!(way, Way::CallUntimed))
            .random(move || draws.draw())
            .listener(move |signal: &Signal| {
                // The original has no word for what it keeps from happening.
                if !signal.would_have_opened {
                    heard.lock().unwrap().push(signal.clone());
                }
            });
        let breaker = configure(builder, &scenario.config, scale)
            .build()
            .map_err(|error| error.to_string())?;
        let written = scenario.config.tracker.as_ref().unwrap_or(&Tracker::All);
        Ok(Self {
            breaker,
            tracker: tracker(written).ok_or("`TypeOf` needs a type")?,
            way,
            scale,
            clock,
            feed,
            signals,
            thresholds: Settings::of(&scenario.config)
                .tripper
                .slow_thresholds()
                .into_iter()
                .map(|threshold| (scale.duration(threshold), threshold))
                .collect(),
        })
    }

    fn act(&self, op: &Op) -> Option<String> {
        match op {
            Op::Advance { seconds } => self.clock.advance(self.scale.duration(*seconds)),
            Op::WallStep { seconds } => {
                let wall = self.scale.step(self.clock.wall(), *seconds);
                self.clock.set_wall(wall);
            }
            Op::Control { op } => self.control(*op),
            Op::Call(call) => {
                let result = match self.way {
                    Way::Call | Way::CallUntimed => self.call(call),
                    Way::CallAsync => self.call_async(call),
                };
                return Some(match result {
                    Ok(()) => "ok".to_owned(),
                    Err(failure) => failure.to_string(),
                });
            }
        }
        None
    }

    fn control(&self, control: Control) {
        match control {
            Control::Reset => self.breaker.reset(),
            Control::Disable => self.breaker.disable(),
            Control::MetricsOnly => self.breaker.metrics_only(),
            Control::ForceOpen => self.breaker.force_open(),
        }
    }

    fn call(&self, call: &Call) -> Result<(), Failure> {
        let tracker = |error: &Failure| self.tracker.tracks(error);
        self.breaker.with_tracker(tracker).call(|| {
            self.begin(call);
            self.finish(call)
        })
    }

    fn call_async(&self, call: &Call) -> Result<(), Failure> {
        let tracker = |error: &Failure| self.tracker.tracks(error);
        let protected = async {
            self.begin(call);
            pending_once().await;
            self.finish(call)
        };
        let mut running = pin!(self.breaker.with_tracker(tracker).call_async(protected));
        let mut context = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(result) = running.as_mut().poll(&mut context) {
                return result;
            }
        }
    }

    /// The protected function, up to where an async one waits.
    fn begin(&self, call: &Call) {
        for control in &call.inside {
            self.control(*control);
        }
    }

    fn finish(&self, call: &Call) -> Result<(), Failure> {
        self.clock.advance(self.scale.duration(call.duration));
        match call.error() {
            Some(kind) => Err(Failure::Raised(kind)),
            None => Ok(()),
        }
    }

    /// The breaker after a step. A sum of durations it does not keep, `untimed`
    /// stands in for.
    fn observe(&self, result: Option<String>, untimed: f64) -> Observed {
        let Info {
            state,
            changed_at,
            reopens,
            metrics,
            probes_in_flight,
            cancelled,
            panicked,
            ..
        } = self.breaker.info();
        assert_eq!(self.breaker.state(), state);
        assert_eq!((probes_in_flight, cancelled, panicked), (0, 0, 0));
        let total_duration = match (metrics.total_duration, self.way) {
            (Some(kept), _) => self.scale.seconds(kept),
            (None, Way::CallUntimed) => untimed,
            (None, _) => f64::NAN,
        };
        let slow_counts = metrics.slow_counts.iter().filter(|(_, count)| *count > 0);
        let signals = std::mem::take(&mut *self.signals.lock().unwrap());
        Observed {
            result,
            state,
            reopens,
            changed_at: self.scale.wall_seconds(changed_at),
            total_count: metrics.total_count,
            failure_count: metrics.failure_count,
            total_duration,
            slow_counts: slow_counts
                .map(|(threshold, count)| (self.recorded(*threshold), *count))
                .collect(),
            signals: signals
                .iter()
                .map(|signal| {
                    let at = self.scale.wall_seconds(signal.timestamp);
                    (signal.old_state, signal.new_state, at)
                })
                .collect(),
            drawn: self.feed.drawn(),
        }
    }

    fn recorded(&self, threshold: Duration) -> f64 {
        let known = self.thresholds.iter().find(|(here, _)| *here == threshold);
        known.expect("a threshold of the rules").1
    }
}

async fn pending_once() {
    let mut ready = false;
    poll_fn(|_| {
        if std::mem::replace(&mut ready, true) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

/// Hands out the random numbers of one step.
#[derive(Clone, Debug, Default)]
struct Feed(Arc<Mutex<Numbers>>);

#[derive(Debug, Default)]
struct Numbers {
    offered: VecDeque<f64>,
    drawn: Vec<f64>,
}

impl Feed {
    fn offer(&self, numbers: &[f64]) {
        self.0.lock().unwrap().offered = numbers.iter().copied().collect();
    }

    /// One more than was offered is NaN, which equals nothing.
    fn draw(&mut self) -> f64 {
        let mut numbers = self.0.lock().unwrap();
        let next = numbers.offered.pop_front().unwrap_or(f64::NAN);
        numbers.drawn.push(next);
        next
    }

    fn drawn(&self) -> Vec<f64> {
        std::mem::take(&mut self.0.lock().unwrap().drawn)
    }
}
