//! The model's windows and rules: filters over the list of records.

use std::{any::type_name, time::Duration};

use fluxgate::{RuleKind, State};

use super::{
    reference::{Call, Recorded, Reference, Why},
    settings::{EveryNth, Rule, Window, nanos, ratio},
};

impl Reference {
    /// The records that still count.
    pub(crate) fn window(&self) -> Vec<Recorded> {
        let records = &self.present().records[self.present().window_from..];
        match self.settings.window {
            Window::Count(size) => {
                let last = records.iter().rev().zip(0..size);
                last.map(|(record, _)| *record).collect()
            }
            Window::Time(duration, slots) => {
                // A slot leaves when its beginning is too old.
                let width = Window::width(duration, slots);
                let counts = |record: &&Recorded| {
                    let beginning = record.at / width * width;
                    self.now - beginning < duration
                };
                records.iter().filter(counts).copied().collect()
            }
        }
    }

    pub(crate) fn failures(&self) -> u64 {
        self.window().iter().filter(|record| record.failed).count() as u64
    }

    pub(crate) fn total_duration(&self) -> u64 {
        self.window().iter().map(|record| record.duration).sum()
    }

    pub(crate) fn slow(&self, threshold: u64) -> u64 {
        let is_slow = |record: &&Recorded| record.duration >= threshold;
        self.window().iter().filter(is_slow).count() as u64
    }

    /// Calls of this closed period that have run for `age` and not ended.
    fn running(&self, age: u64) -> u64 {
        let present = self.periods.len() - 1;
        let runs = |call: &&Call| {
            let is_listed = call.period == present && call.list == self.list;
            is_listed && call.ended.is_none() && self.now - call.began >= age
        };
        let closed = self.state() == State::Closed;
        self.calls
            .iter()
            .filter(|call| closed && runs(call))
            .count() as u64
    }

    /// Whether more calls have run for as long as a rule asks about than when
    /// they were last looked at.
    pub(crate) fn came_of_age(&self) -> bool {
        let mut came = false;
        let present = self.periods.len() - 1;
        self.settings.tripper.each(&mut |rule| {
            if let Rule::InFlight(_, age) = rule {
                came |= self.calls.iter().any(|call| {
                    let comes = call.began + age;
                    call.period == present
                        && call.list == self.list
                        && call.ended.is_none()
                        && (self.looked_at < comes && comes <= self.now)
                });
            }
        });
        came && self.state() == State::Closed
    }

    /// The ages that calls in flight are counted by, ascending, each once.
    pub(crate) fn ages(&self) -> Vec<u64> {
        let mut ages = Vec::new();
        self.settings.tripper.each(&mut |rule| {
            if let Rule::InFlight(_, age) = rule {
                ages.push(*age);
            }
        });
        ages.sort_unstable();
        ages.dedup();
        ages
    }

    /// Whether calls are timed: something reads it.
    pub(crate) fn measures(&self) -> bool {
        self.keeps_durations() || !self.thresholds().is_empty()
    }

    /// Whether the sum of durations is kept.
    pub(crate) fn keeps_durations(&self) -> bool {
        let mut keeps = self.settings.durations;
        self.settings.tripper.each(&mut |rule| {
            keeps |= match rule {
                Rule::AvgLatency(_) => true,
                Rule::Custom(rule) => !rule.counts_only,
                _ => false,
            };
        });
        keeps
    }

    /// The slowness thresholds of the rules, ascending, each once.
    pub(crate) fn thresholds(&self) -> Vec<u64> {
        let mut thresholds = Vec::new();
        self.settings.tripper.each(&mut |rule| {
            if let Rule::SlowRate(_, slow) = rule {
                thresholds.push(*slow);
            }
        });
        thresholds.sort_unstable();
        thresholds.dedup();
        thresholds
    }

    pub(crate) fn trips(&self) -> bool {
        self.fires(&self.settings.tripper)
    }

    fn fires(&self, rule: &Rule) -> bool {
        let calls = self.window().len() as u64;
        let reaches = |part: u64, eighths: u64| calls > 0 && part * 8 >= eighths * calls;
        match rule {
            Rule::Closed => self.state() == State::Closed,
            Rule::HalfOpened => self.state() == State::HalfOpen,
            Rule::MinRequests(count) => calls >= *count,
            Rule::FailureRate(eighths) => reaches(self.failures(), *eighths),
            Rule::AvgLatency(threshold) => calls > 0 && self.total_duration() >= threshold * calls,
            Rule::SlowRate(eighths, slow) => reaches(self.slow(*slow), *eighths),
            Rule::FailureStreak(count) => self.streak() >= *count,
            Rule::InFlight(count, age) => self.running(*age) >= *count,
            Rule::Custom(rule) => calls.is_multiple_of(rule.n) && self.failures() > 0,
            Rule::And(a, b) => self.fires(a) && self.fires(b),
            Rule::Or(a, b) => self.fires(a) || self.fires(b),
        }
    }

    /// Why the tripper fires.
    pub(crate) fn reason(&self) -> Why {
        self.reason_of(&self.settings.tripper)
    }

    fn reason_of(&self, rule: &Rule) -> Why {
        let calls = self.window().len() as u64;
        let per_call = |part: u64| part as f64 / calls as f64;
        let (rule, measured, threshold) = match rule {
            Rule::Closed | Rule::HalfOpened => (RuleKind::State, 1.0, 1.0),
            Rule::MinRequests(count) => (RuleKind::MinRequests, calls as f64, *count as f64),
            Rule::FailureRate(eighths) => (
                RuleKind::FailureRate,
                per_call(self.failures()),
                ratio(*eighths),
            ),
            Rule::AvgLatency(threshold) => (
                RuleKind::AvgLatency,
                Duration::from_nanos(self.total_duration() / calls).as_secs_f64(),
                nanos(*threshold).as_secs_f64(),
            ),
            Rule::SlowRate(eighths, slow) => (
                RuleKind::SlowRate { slow: nanos(*slow) },
                per_call(self.slow(*slow)),
                ratio(*eighths),
            ),
            Rule::FailureStreak(count) => {
                (RuleKind::FailureStreak, self.streak() as f64, *count as f64)
            }
            Rule::InFlight(count, age) => (
                RuleKind::InFlight {
                    older_than: nanos(*age),
                },
                self.running(*age) as f64,
                *count as f64,
            ),
            Rule::Custom(_) => (RuleKind::Custom(type_name::<EveryNth>()), 1.0, 1.0),
            // The first that looks at outcomes; of alternatives, the first that holds.
            Rule::And(a, b) => {
                let (a, b) = (self.reason_of(a), self.reason_of(b));
                let silent = |why: &Why| matches!(why.0, RuleKind::State | RuleKind::MinRequests);
                return if silent(&a) && !silent(&b) { b } else { a };
            }
            Rule::Or(a, b) => return self.reason_of(if self.fires(a) { a } else { b }),
        };
        Why(rule, measured, threshold, calls)
    }

    pub(crate) fn reopened(&self, in_a_row: u64, limit: u64) -> Why {
        let calls = self.window().len() as u64;
        Why(RuleKind::ReopenAfter, in_a_row as f64, limit as f64, calls)
    }
}

impl Window {
    /// How many slots there are: of a second in a window of whole seconds, else ten or
    /// more.
    pub(crate) fn slots(duration: u64, slots: Option<u64>) -> u64 {
        let seconds = duration / 1_000_000_000;
        let usual = if duration.is_multiple_of(1_000_000_000) {
            seconds
        } else {
            (seconds + 1).max(10)
        };
        slots.unwrap_or(usual)
    }

    /// How long a slot is.
    pub(crate) fn width(duration: u64, slots: Option<u64>) -> u64 {
        duration.div_ceil(Self::slots(duration, slots))
    }
}

impl Rule {
    /// The lowest threshold from which a call is slow.
    pub(crate) fn slowest_allowed(&self) -> Option<u64> {
        let mut least = None;
        self.each(&mut |rule| {
            if let Self::SlowRate(_, slow) = rule {
                least = Some(least.map_or(*slow, |least: u64| least.min(*slow)));
            }
        });
        least
    }

    fn each(&self, f: &mut impl FnMut(&Rule)) {
        f(self);
        if let Self::And(a, b) | Self::Or(a, b) = self {
            a.each(f);
            b.each(f);
        }
    }
}
