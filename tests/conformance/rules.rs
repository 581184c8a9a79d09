//! The original's policies, as plain formulas over seconds.

use fluxgate::State;

use crate::{
    errors::Kind,
    format::{Config, Permit, Retry, Tracker, Tripper, Window},
};

/// A configuration with every default written out.
pub(crate) struct Settings {
    pub(crate) window: Window,
    pub(crate) tripper: Tripper,
    pub(crate) retry: Retry,
    pub(crate) permit: Permit,
    pub(crate) tracker: Tracker,
}

impl Settings {
    pub(crate) fn of(config: &Config) -> Self {
        let retry = match config.retry {
            None => Retry::Cooldown {
                duration: 60.0,
                jitter_ratio: Some(0.0),
            },
            Some(Retry::Cooldown {
                duration,
                jitter_ratio,
            }) => Retry::Cooldown {
                duration,
                jitter_ratio: jitter_ratio.or(Some(0.0)),
            },
            Some(Retry::Backoff {
                initial,
                multiplier,
                max_duration,
                jitter_ratio,
            }) => Retry::Backoff {
                initial,
                multiplier: multiplier.or(Some(2.0)),
                max_duration: max_duration.or(Some(300.0)),
                jitter_ratio: jitter_ratio.or(Some(0.0)),
            },
            Some(other) => other,
        };
        Self {
            window: config.window.unwrap_or(Window::Count(100)),
            tripper: config.tripper.clone().unwrap_or_else(|| {
                let rate = Tripper::FailureRate(0.5);
                Tripper::And(Box::new((Tripper::MinRequests(100), rate)))
            }),
            retry,
            permit: config.permit.unwrap_or(Permit::RampUp {
                initial: 0.1,
                r#final: 1.0,
                duration: 60.0,
            }),
            tracker: config.tracker.clone().unwrap_or(Tracker::All),
        }
    }
}

/// What a tripper looks at.
pub(crate) struct Sight {
    pub(crate) state: State,
    pub(crate) streak: u64,
    pub(crate) total: u64,
    pub(crate) failures: u64,
    pub(crate) durations: Vec<f64>,
}

impl Tripper {
    pub(crate) fn fires(&self, seen: &Sight) -> bool {
        let reaches =
            |part: u64, ratio: f64| seen.total > 0 && part as f64 / seen.total as f64 >= ratio;
        match self {
            Self::Closed => seen.state == State::Closed,
            Self::HalfOpened => seen.state == State::HalfOpen,
            Self::MinRequests(count) => seen.total >= *count,
            Self::FailureRate(ratio) => reaches(seen.failures, *ratio),
            Self::SlowRate { ratio, threshold } => reaches(seen.slow(*threshold), *ratio),
            Self::AvgLatency(threshold) => {
                seen.total > 0 && seen.total_duration() / seen.total as f64 >= *threshold
            }
            Self::FailureStreak(count) => seen.streak >= *count,
            Self::And(both) => both.0.fires(seen) && both.1.fires(seen),
            Self::Or(both) => both.0.fires(seen) || both.1.fires(seen),
        }
    }

    /// The thresholds of all slow rates, ascending, each once.
    pub(crate) fn slow_thresholds(&self) -> Vec<f64> {
        let mut thresholds = match self {
            Self::SlowRate { threshold, .. } => vec![*threshold],
            Self::And(both) | Self::Or(both) => {
                [both.0.slow_thresholds(), both.1.slow_thresholds()].concat()
            }
            _ => Vec::new(),
        };
        thresholds.sort_by(f64::total_cmp);
        thresholds.dedup();
        thresholds
    }
}

impl Sight {
    pub(crate) fn total_duration(&self) -> f64 {
        self.durations.iter().sum()
    }

    pub(crate) fn slow(&self, threshold: f64) -> u64 {
        let is_slow = |duration: &&f64| **duration >= threshold;
        self.durations.iter().filter(is_slow).count() as u64
    }
}

impl Retry {
    /// The wait before jitter and its jitter ratio; `None` for ever. A power
    /// beyond the range of f64 gives an infinite `power`.
    pub(crate) fn wait(&self, reopens: u64) -> Option<Wait> {
        let (seconds, power, jitter_ratio) = match *self {
            Self::Never => return None,
            // Whatever a clock that was set back says.
            Self::Always => (f64::NEG_INFINITY, 1.0, None),
            Self::Cooldown {
                duration,
                jitter_ratio,
            } => (duration, 1.0, jitter_ratio),
            Self::Backoff {
                initial,
                multiplier,
                max_duration,
                jitter_ratio,
            } => {
                let power = multiplier.unwrap_or(2.0).powf(reopens as f64);
                let longest = max_duration.unwrap_or(300.0);
                ((initial * power).min(longest), power, jitter_ratio)
            }
        };
        Some(Wait {
            seconds,
            overflows: power.is_infinite(),
            jitter_ratio: jitter_ratio.unwrap_or(0.0),
        })
    }
}

pub(crate) struct Wait {
    pub(crate) seconds: f64,
    pub(crate) overflows: bool,
    pub(crate) jitter_ratio: f64,
}

impl Wait {
    pub(crate) fn jittered(&self, draw: impl FnOnce() -> f64) -> f64 {
        if self.jitter_ratio > 0.0 {
            let spread = -self.jitter_ratio + 2.0 * self.jitter_ratio * draw();
            self.seconds * (1.0 + spread)
        } else {
            self.seconds
        }
    }
}

impl Permit {
    pub(crate) fn admits(&self, elapsed: f64, draw: impl FnOnce() -> f64) -> bool {
        match *self {
            Self::All => true,
            Self::Random(ratio) => draw() < ratio,
            Self::RampUp {
                initial,
                r#final,
                duration,
            } => {
                let ratio = if elapsed >= duration {
                    r#final
                } else {
                    initial + (r#final - initial) * (elapsed / duration)
                };
                draw() < ratio
            }
        }
    }
}

impl Tracker {
    pub(crate) fn matches(&self, kind: Kind) -> bool {
        match self {
            Self::All => true,
            Self::TypeOf(kinds) => kinds.contains(&kind),
            Self::Not(inner) => !inner.matches(kind),
            Self::And(both) => both.0.matches(kind) && both.1.matches(kind),
            Self::Or(both) => both.0.matches(kind) || both.1.matches(kind),
        }
    }
}
