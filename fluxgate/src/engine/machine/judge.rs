//! Recording and judging: what a call that ended does to the window and the streaks, and
//! the state that leads to.

#[cfg(feature = "fleet")]
use std::num::NonZeroU64;
use std::{sync::Arc, time::Duration};

use super::{Machine, Next};
use crate::{
    State,
    engine::config::Config,
    tripper::{Cause, Context, ages::InFlightAges, context::Running},
    util::duration::nanos,
    window::{Record, Totals},
};

/// How a call ended, as far as it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ending {
    pub(crate) failed: bool,
    /// How long it took; zero when nothing measures.
    pub(crate) nanos: u64,
}

/// What a tripper has to be shown to decide whether the breaker goes to a state:
/// a copy, so that it can be asked without the lock.
pub(crate) struct Question {
    target: State,
    state: State,
    streak: u64,
    totals: Totals,
    running: Option<InFlightAges>,
}

impl Question {
    /// Asks the tripper. Returns the transition that its answer leads to.
    pub(crate) fn ask(&self, config: &Config) -> Option<Next> {
        let seen = Context {
            state: self.state,
            streak: self.streak,
            totals: &self.totals,
            thresholds: &config.thresholds,
            durations: config.durations,
            running: self.running.as_ref().map(Running::Counted),
        };
        let fires = config.tripper.fires(&seen);
        (fires == (self.target == State::Open)).then(|| Next {
            cause: fires.then(|| config.tripper.cause(&seen)).flatten(),
            ..self.target.into()
        })
    }
}

impl Machine {
    /// Records a call of the present generation. The state it leads to, if any.
    #[inline]
    pub(crate) fn record(
        &mut self,
        config: &Arc<Config>,
        ending: Ending,
        now: Duration,
    ) -> Option<Next> {
        let record = Record::new(ending.failed, ending.nanos, &config.thresholds);
        self.window.record(record, now, &mut self.totals);
        self.went_into(config, ending.failed, now)
    }

    /// Judges after a call went into the window. Returns the state that leads to, if any.
    // Else the frame of a second call is paid for each record.
    #[inline(always)]
    #[allow(clippy::inline_always)]
    pub(crate) fn went_into(
        &mut self,
        config: &Arc<Config>,
        failed: bool,
        now: Duration,
    ) -> Option<Next> {
        if let Some(running) = &mut self.running {
            running.age(nanos(now));
        }
        let below = self.recording.min_to_trip.is_below(&self.totals);
        self.recorded(config, failed, below)
    }

    /// Records a call of which nothing is kept but its outcome, and no rule asks
    /// when it was.
    #[inline(always)]
    #[allow(clippy::inline_always)]
    pub(crate) fn record_outcome(&mut self, config: &Arc<Config>, failed: bool) -> Option<Next> {
        match self.window.as_count() {
            Some(window) => {
                window.record_outcome(failed, &mut self.totals);
                let min_to_trip = &self.recording.min_to_trip;
                let below = min_to_trip.is_below_outcomes(&self.totals);
                self.recorded(config, failed, below)
            }
            None => self.record_untimed(config, failed),
        }
    }

    /// Records as [`record_outcome`](Self::record_outcome) does, in a window that is no
    /// `CountWindow`.
    #[cold]
    #[inline(never)]
    fn record_untimed(&mut self, config: &Arc<Config>, failed: bool) -> Option<Next> {
        self.record(config, Ending { failed, nanos: 0 }, Duration::ZERO)
    }

    /// Counts a call that was recorded. Returns the state that leads to, if any: none
    /// while the window is full and its totals are `below` every threshold.
    #[inline]
    fn recorded(&mut self, config: &Arc<Config>, failed: bool, below: bool) -> Option<Next> {
        self.streak = if failed {
            self.streak.saturating_add(1)
        } else {
            0
        };
        self.failed += u64::from(failed);
        if below && self.state == State::Closed && self.window.is_full() {
            None
        } else {
            self.judge(config, failed)
        }
    }

    #[inline(never)]
    fn judge(&mut self, config: &Arc<Config>, failed: bool) -> Option<Next> {
        match self.state {
            State::Closed => {
                let next = self.tripped(config, State::Closed);
                #[cfg(feature = "fleet")]
                if next.is_none() && config.suspect.is_some() {
                    return self.suspects(config);
                }
                next
            }
            State::HalfOpen => self.judge_probe(config, failed),
            State::MetricsOnly => self.would_trip(config),
            _ => None,
        }
    }

    #[cold]
    fn judge_probe(&mut self, config: &Config, failed: bool) -> Option<Next> {
        self.silent = 0;
        let probed = if failed {
            &mut self.probed.failed
        } else {
            &mut self.probed.succeeded
        };
        *probed = probed.saturating_add(1);
        if failed {
            self.recovered = 0;
            return self.reopened(config);
        }
        self.recovered = self.recovered.saturating_add(1);
        if self.recovered < config.close_after {
            None
        } else if config.own_tripper {
            Some(Next {
                asks: true,
                ..State::Closed.into()
            })
        } else {
            let healthy = self.tripped(config, State::HalfOpen).is_none();
            healthy.then_some(State::Closed.into())
        }
    }

    fn reopened(&self, config: &Config) -> Option<Next> {
        #[cfg(feature = "fleet")]
        let limit = if self.is_leased() {
            Some(NonZeroU64::MIN)
        } else {
            config.reopen_after
        };
        #[cfg(not(feature = "fleet"))]
        let limit = config.reopen_after;
        match limit {
            Some(limit) if self.streak >= limit.get() => Some(Next {
                cause: Some(Cause {
                    leaf: Cause::REOPEN_AFTER,
                    measured: self.streak as f64,
                    calls: self.totals.calls(),
                }),
                ..State::Open.into()
            }),
            _ => self.tripped(config, State::HalfOpen),
        }
    }

    /// Returns what the tripper looks at, as if in this state.
    #[inline]
    pub(crate) fn context<'a>(&'a self, config: &'a Config, state: State) -> Context<'a> {
        Context {
            state,
            streak: self.streak,
            totals: &self.totals,
            thresholds: &config.thresholds,
            durations: config.durations,
            running: self.running.as_deref().map(Running::Counted),
        }
    }

    /// Returns how near the tripper is to firing: 1 fires.
    #[cfg(feature = "sim")]
    pub(crate) fn pressure(&mut self, config: &Config, now: Duration) -> f64 {
        self.window.expire(now, &mut self.totals);
        config.tripper.pressure(&self.context(config, self.state))
    }

    /// Returns `Open`, if the tripper fires in this state or has to be asked.
    pub(super) fn tripped(&self, config: &Config, state: State) -> Option<Next> {
        if config.own_tripper {
            return Some(Next {
                asks: true,
                ..State::Open.into()
            });
        }
        let seen = self.context(config, state);
        config.tripper.fires(&seen).then(|| Next {
            cause: config.tripper.cause(&seen),
            ..State::Open.into()
        })
    }

    /// Returns what the tripper is to be shown before the breaker goes to `target`.
    #[allow(clippy::unnecessary_box_returns, reason = "large, and rarely made")]
    pub(crate) fn question(&self, target: State) -> Box<Question> {
        Box::new(Question {
            target,
            state: match self.state {
                // It is judged as if it were closed.
                State::MetricsOnly => State::Closed,
                state => state,
            },
            streak: self.streak,
            totals: self.totals.clone(),
            running: self.running.as_ref().map(|running| running.ages()),
        })
    }

    /// Looks at the calls in flight. The state that leads to, if any.
    pub(crate) fn check_in_flight(&mut self, config: &Config, now: Duration) -> Option<Next> {
        let grown = self.running.as_mut()?.age(nanos(now));
        if !grown || self.state != State::Closed {
            return None;
        }
        self.window.expire(now, &mut self.totals);
        self.tripped(config, State::Closed)
    }
}
