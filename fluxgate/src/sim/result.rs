//! What came of a run, in numbers.

use std::{fmt, time::Duration};

use super::axis;
use crate::{Reason, State};

/// What happened to the calls of a phase, or of a whole run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Figures {
    /// Calls that arrived.
    pub offered: u64,
    /// Calls that the dependency answered: the goodput.
    pub answered: u64,
    /// Calls that reached the dependency and failed, or that their callers gave up.
    pub failed: u64,
    /// Calls that reached the dependency, which refused them as too many.
    pub overloaded: u64,
    /// Calls that an open or half-open circuit rejected.
    pub refused: u64,
    /// Calls that a [throttle](crate::throttle) rejected, with the circuit closed.
    pub throttled: u64,
    /// Calls that ran as probes of a half-open circuit.
    pub probes: u64,
    /// Calls that reached a dependency which answered no call of their instance.
    pub reached_while_down: u64,
    /// Rejected calls that would have been answered, by a throttle or by an opening that
    /// began while the dependency was up.
    pub wrongly_refused: u64,
    /// Rejected calls that would have been answered, by an opening that began while
    /// the dependency was down: the price of waiting before a probe.
    pub refused_after_recovery: u64,
    /// How often a circuit opened.
    pub openings: u64,
    /// How often a circuit closed again.
    pub closings: u64,
}

impl Figures {
    pub(super) fn add(&mut self, other: &Self) {
        self.offered += other.offered;
        self.answered += other.answered;
        self.failed += other.failed;
        self.overloaded += other.overloaded;
        self.refused += other.refused;
        self.throttled += other.throttled;
        self.probes += other.probes;
        self.reached_while_down += other.reached_while_down;
        self.wrongly_refused += other.wrongly_refused;
        self.refused_after_recovery += other.refused_after_recovery;
        self.openings += other.openings;
        self.closings += other.closings;
    }
}

/// What happened in one phase.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PhaseResult {
    /// Its name, empty if it has none.
    pub name: String,
    /// When it began, since the start of the run.
    pub start: Duration,
    /// When it ended.
    pub end: Duration,
    /// Whether the dependency answered no call of any instance.
    pub down: bool,
    /// The calls that arrived in it.
    pub figures: Figures,
    /// From its start to the first opening in it.
    pub opened_after: Option<Duration>,
    /// From its start until every circuit was closed, if one was not when it began.
    pub closed_after: Option<Duration>,
    /// The share of the time that circuits were open, over all instances.
    pub open_share: f64,
}

/// One transition of one instance.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Change {
    /// Since the start of the run.
    pub at: Duration,
    /// The number of the instance, from 0.
    pub instance: usize,
    /// The state it left.
    pub old_state: State,
    /// The state it entered.
    pub new_state: State,
    /// Why it opened, for an opening.
    pub reason: Option<Reason>,
}

/// A slice of time, for pictures.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Column {
    pub(super) figures: Figures,
    /// How near the rule of the nearest instance is to firing: 1 fires. `None` while all
    /// circuits are open, and no rule is asked.
    pub(super) pressure: Option<f64>,
}

impl Column {
    /// Raises the pressure to one that was measured.
    pub(super) fn press(&mut self, measured: Option<f64>) {
        self.pressure = match (self.pressure, measured) {
            (Some(before), Some(now)) => Some(before.max(now)),
            (before, now) => before.or(now),
        };
    }
}

/// The result of a scenario for one policy.
#[derive(Clone, Debug)]
pub struct Run {
    pub(super) lasts: Duration,
    pub(super) instances: usize,
    pub(super) rule: String,
    pub(super) phases: Vec<PhaseResult>,
    pub(super) per_instance: Vec<Figures>,
    pub(super) changes: Vec<Change>,
    /// The votes of a fleet: when, and of which instance.
    #[cfg(feature = "fleet")]
    pub(super) votes: Vec<(Duration, usize)>,
    pub(super) columns: Vec<Column>,
    /// How long each column lasts; the last one ends with the run.
    pub(super) column_width: Duration,
}

impl Run {
    /// Returns the figures of the whole run.
    #[must_use]
    pub fn total(&self) -> Figures {
        let mut total = Figures::default();
        for phase in &self.phases {
            total.add(&phase.figures);
        }
        total
    }

    /// Returns what happened in each phase.
    #[must_use]
    pub fn phases(&self) -> &[PhaseResult] {
        &self.phases
    }

    /// Returns the figures of each instance.
    #[must_use]
    pub fn per_instance(&self) -> &[Figures] {
        &self.per_instance
    }

    /// Returns every transition, in order.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Returns how long the run was.
    #[must_use]
    pub fn lasts(&self) -> Duration {
        self.lasts
    }

    /// Returns the time from the first phase in which the dependency was down to the
    /// first opening at or after its start.
    #[must_use]
    pub fn opened_after(&self) -> Option<Duration> {
        let down = self.phases.iter().find(|phase| phase.down)?;
        let opened = self
            .changes
            .iter()
            .find(|change| change.at >= down.start && change.new_state == State::Open)?;
        Some(opened.at.saturating_sub(down.start))
    }

    /// Returns the time from the end of the last phase in which the dependency was
    /// down to the moment when every circuit was closed again for good.
    #[must_use]
    pub fn closed_after(&self) -> Option<Duration> {
        let down = self.phases.iter().rfind(|phase| phase.down)?;
        let mut states = vec![State::Closed; self.instances];
        let mut closed_at = None;
        for change in &self.changes {
            states[change.instance] = change.new_state;
            let closed = states.iter().all(|state| *state == State::Closed);
            closed_at = closed.then_some(change.at);
        }
        if self.changes.is_empty() {
            closed_at = Some(down.end);
        }
        Some(closed_at?.saturating_sub(down.end))
    }

    /// Returns how many calls reached the dependency while it was down.
    #[must_use]
    pub fn reached_while_down(&self) -> u64 {
        self.total().reached_while_down
    }

    /// Returns how many calls would have been answered, and were rejected by a throttle or
    /// by an opening that began while the dependency was up.
    #[must_use]
    pub fn wrongly_refused(&self) -> u64 {
        self.total().wrongly_refused
    }

    /// Returns the answered calls a second, over the whole run.
    #[must_use]
    pub fn goodput(&self) -> f64 {
        per_second(self.total().answered, self.lasts)
    }

    /// Returns the share of the time that circuits were open, over all instances: the
    /// duty cycle.
    #[must_use]
    pub fn open_share(&self) -> f64 {
        let weighted: f64 = self
            .phases
            .iter()
            .map(|phase| phase.open_share * phase.end.saturating_sub(phase.start).as_secs_f64())
            .sum();
        if self.lasts.is_zero() {
            return 0.0;
        }
        weighted / self.lasts.as_secs_f64()
    }
}

impl Run {
    /// Returns what matters most in one line, as the title of a picture.
    pub(super) fn headline(&self) -> String {
        let total = self.total();
        let count = axis::grouped;
        let mut parts = Vec::new();
        if self.phases.iter().any(|phase| phase.down) {
            parts.push(match self.opened_after() {
                Some(time) => format!("opened after {}", axis::short(time)),
                None => "did not open".to_owned(),
            });
            parts.push(match self.closed_after() {
                _ if total.openings == 0 => String::new(),
                Some(time) => format!("closed {} after the outage", axis::short(time)),
                None => "was not closed at the end".to_owned(),
            });
            parts.push(format!(
                "{} calls reached it meanwhile",
                count(total.reached_while_down)
            ));
        } else {
            parts.push(match total.openings {
                0 => "did not open".to_owned(),
                1 => "opened once".to_owned(),
                times => format!("opened {} times", count(times)),
            });
            parts.push(format!("{} calls answered", count(total.answered)));
        }
        if total.throttled > 0 {
            parts.push(format!("{} throttled", count(total.throttled)));
        }
        parts.push(match total.wrongly_refused {
            0 => "none refused wrongly".to_owned(),
            calls => format!("{} refused wrongly", count(calls)),
        });
        parts.retain(|part| !part.is_empty());
        let line = parts.join(" · ");
        // As a sentence begins.
        line[..1].to_uppercase() + &line[1..]
    }
}

fn per_second(calls: u64, lasts: Duration) -> f64 {
    if lasts.is_zero() {
        0.0
    } else {
        calls as f64 / lasts.as_secs_f64()
    }
}

impl fmt::Display for Run {
    /// Writes the figures in a few lines.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.total();
        writeln!(
            f,
            "offered {}, answered {}, failed {}, overloaded {}, refused {}, throttled {}",
            total.offered,
            total.answered,
            total.failed,
            total.overloaded,
            total.refused,
            total.throttled
        )?;
        f.write_str(&self.headline())
    }
}
