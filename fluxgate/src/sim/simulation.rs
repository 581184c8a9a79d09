//! The discrete events: arrivals, completions, and the clock that both move.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use super::{
    Change, Figures, PhaseResult, Policy, Run, Scenario,
    dependency::{Answer, Running},
    result::Column,
    scenario::Phase,
};
use crate::{
    CircuitBreaker, ConfigError, Guard, Outcome, Signal, State,
    clock::Clock,
    random::{Random, Seeded},
    util::duration::nanos,
};

/// How many slices of time a run is cut into for pictures.
const COLUMNS: u64 = 240;

/// The time of a run. One thread moves it, so the orderings carry nothing.
#[derive(Clone)]
struct SimClock(Arc<AtomicU64>);

impl SimClock {
    fn set(&self, nanos: u64) {
        self.0.store(nanos, Ordering::Relaxed);
    }
}

impl Clock for SimClock {
    fn now(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }

    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + self.now()
    }
}

type Heard = Arc<Mutex<Vec<Signal>>>;

/// One caller: its breaker, and what is known of it.
struct Instance {
    breaker: CircuitBreaker,
    heard: Heard,
    state: State,
    /// Whether the dependency was down when the present opening began.
    opened_while_down: bool,
    figures: Figures,
}

/// A call on its way.
struct InFlight<'a> {
    guard: Guard<'a>,
    instance: usize,
    answer: Answer,
}

pub(super) fn run(scenario: &Scenario, policy: &impl Policy) -> Result<Run, ConfigError> {
    let clock = SimClock(Arc::new(AtomicU64::new(0)));
    let mut seeds = Seeded::new(scenario.seed);
    let mut rule = String::new();
    let mut instances = Vec::with_capacity(scenario.instances);
    for number in 0..scenario.instances {
        let heard = Heard::default();
        let told = Arc::clone(&heard);
        let listener = move |signal: &Signal| {
            told.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(signal.clone());
        };
        let breaker = policy
            .builder()
            .build_detached(clock.clone(), fork(&mut seeds), listener)?;
        if number == 0 {
            rule = breaker.info().settings.tripper;
        }
        instances.push((breaker, heard));
    }
    let breakers: Vec<CircuitBreaker> = instances
        .iter()
        .map(|(breaker, _)| breaker.clone())
        .collect();
    let instances = instances
        .into_iter()
        .map(|(breaker, heard)| Instance {
            breaker,
            heard,
            state: State::Closed,
            opened_while_down: false,
            figures: Figures::default(),
        })
        .collect();
    let lasts = nanos(scenario.lasts());
    let mut simulation = Simulation {
        clock,
        instances,
        arrivals: fork(&mut seeds),
        chance: fork(&mut seeds),
        hypothetical: fork(&mut seeds),
        dependency: Running::new(),
        in_flight: Vec::new(),
        free: Vec::new(),
        due: BinaryHeap::new(),
        sequence: 0,
        changes: Vec::new(),
        columns: vec![Column::default(); usize::try_from(COLUMNS).unwrap_or(1)],
        column_width: (lasts / COLUMNS).max(1),
        column: 0,
        phase: Figures::default(),
    };
    let mut phases = Vec::with_capacity(scenario.phases.len());
    let mut start = 0;
    for phase in &scenario.phases {
        let end = start + nanos(phase.lasts);
        let load = phase.load.unwrap_or(scenario.load);
        simulation.phase(&breakers, phase, load, start, end);
        phases.push(simulation.finish_phase(phase, start, end));
        start = end;
    }
    simulation.sample_until(u64::MAX);
    drop(simulation.in_flight);
    Ok(Run {
        lasts: Duration::from_nanos(lasts),
        instances: scenario.instances,
        rule,
        phases,
        per_instance: simulation
            .instances
            .into_iter()
            .map(|instance| instance.figures)
            .collect(),
        changes: simulation.changes,
        columns: simulation.columns,
    })
}

/// Returns a generator that shares nothing with the others that come from this one.
fn fork(seeds: &mut Seeded) -> Seeded {
    Seeded::new(seeds.next_f64().to_bits())
}

struct Simulation<'a> {
    clock: SimClock,
    instances: Vec<Instance>,
    arrivals: Seeded,
    chance: Seeded,
    /// Decides what refused calls would have got, so that asking changes nothing.
    hypothetical: Seeded,
    dependency: Running,
    in_flight: Vec<Option<InFlight<'a>>>,
    free: Vec<usize>,
    /// When calls end, in order; calls that end together by their sequence.
    due: BinaryHeap<Reverse<(u64, u64, usize)>>,
    sequence: u64,
    changes: Vec<Change>,
    columns: Vec<Column>,
    column_width: u64,
    column: usize,
    /// The figures of the present phase.
    phase: Figures,
}

impl<'a> Simulation<'a> {
    fn phase(
        &mut self,
        breakers: &'a [CircuitBreaker],
        phase: &Phase,
        load: super::Load,
        start: u64,
        end: u64,
    ) {
        let mut n = 0;
        let mut arrival = start.saturating_add(load.gap(&mut self.arrivals));
        while arrival < end {
            self.complete_until(arrival, phase);
            self.advance(arrival);
            let instance = load.instance(n, breakers.len(), &mut self.arrivals);
            self.arrive(&breakers[instance], instance, phase, arrival);
            n += 1;
            arrival = arrival.saturating_add(load.gap(&mut self.arrivals));
        }
        self.complete_until(end, phase);
        self.advance(end);
    }

    fn advance(&mut self, now: u64) {
        self.sample_until(now);
        self.clock.set(now);
    }

    /// Samples the rules at the ends of the columns that end before `now`.
    fn sample_until(&mut self, now: u64) {
        while self.column < self.columns.len()
            && now >= (self.column as u64 + 1).saturating_mul(self.column_width)
        {
            let pressure = self
                .instances
                .iter()
                .map(|instance| instance.breaker.core.pressure())
                .fold(0.0, f64::max);
            self.columns[self.column].pressure = pressure;
            self.column += 1;
        }
    }

    fn arrive(&mut self, breaker: &'a CircuitBreaker, number: usize, phase: &Phase, now: u64) {
        let column = usize::try_from(now / self.column_width)
            .unwrap_or(0)
            .min(self.columns.len() - 1);
        let down = phase.dependency.is_down_for(number);
        let admitted = breaker.acquire();
        self.follow(number, down, now);
        let mut seen = Figures {
            offered: 1,
            ..Figures::default()
        };
        match admitted {
            Ok(guard) => {
                seen.probes = u64::from(self.instances[number].state == State::HalfOpen);
                seen.reached_while_down = u64::from(down);
                let (answer, took) =
                    self.dependency
                        .take(&phase.dependency, number, now, &mut self.chance);
                match answer {
                    Answer::Good => seen.answered = 1,
                    Answer::Failed => seen.failed = 1,
                    Answer::Overloaded => seen.overloaded = 1,
                }
                self.send(
                    InFlight {
                        guard,
                        instance: number,
                        answer,
                    },
                    now.saturating_add(took),
                );
            }
            Err(_) => {
                seen.refused = 1;
                let answered = self.dependency.would_answer(
                    &phase.dependency,
                    number,
                    now,
                    &mut self.hypothetical,
                );
                if answered && self.instances[number].opened_while_down {
                    seen.refused_after_recovery = 1;
                } else if answered {
                    seen.wrongly_refused = 1;
                }
            }
        }
        self.phase.add(&seen);
        self.columns[column].figures.add(&seen);
        self.instances[number].figures.add(&seen);
    }

    fn send(&mut self, call: InFlight<'a>, ends: u64) {
        let slot = if let Some(slot) = self.free.pop() {
            self.in_flight[slot] = Some(call);
            slot
        } else {
            self.in_flight.push(Some(call));
            self.in_flight.len() - 1
        };
        self.due.push(Reverse((ends, self.sequence, slot)));
        self.sequence += 1;
    }

    fn complete_until(&mut self, now: u64, phase: &Phase) {
        while let Some(&Reverse((ends, _, slot))) = self.due.peek() {
            if ends > now {
                return;
            }
            self.due.pop();
            self.free.push(slot);
            self.advance(ends);
            let Some(call) = self.in_flight[slot].take() else {
                continue;
            };
            let InFlight {
                guard,
                instance,
                answer,
            } = call;
            guard.record(match answer {
                Answer::Good => Outcome::Success,
                Answer::Failed => Outcome::Failure,
                Answer::Overloaded => Outcome::Overloaded,
            });
            let down = phase.dependency.is_down_for(instance);
            self.follow(instance, down, ends);
        }
    }

    /// Takes note of the transitions that an operation on a breaker caused.
    fn follow(&mut self, number: usize, down: bool, now: u64) {
        let instance = &mut self.instances[number];
        let state = instance.breaker.state();
        if state == instance.state {
            return;
        }
        instance.state = state;
        let heard = std::mem::take(
            &mut *instance
                .heard
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        for signal in heard {
            match signal.new_state {
                State::Open => {
                    self.phase.openings += 1;
                    instance.figures.openings += 1;
                    // A circuit that reopens goes on with the opening that began.
                    if signal.old_state == State::Closed {
                        instance.opened_while_down = down;
                    } else {
                        instance.opened_while_down |= down;
                    }
                }
                State::Closed => {
                    self.phase.closings += 1;
                    instance.figures.closings += 1;
                }
                _ => {}
            }
            self.changes.push(Change {
                at: Duration::from_nanos(now),
                instance: number,
                old_state: signal.old_state,
                new_state: signal.new_state,
                reason: signal.reason,
            });
        }
    }

    fn finish_phase(&mut self, phase: &Phase, start: u64, end: u64) -> PhaseResult {
        let since = |at: Duration| at.saturating_sub(Duration::from_nanos(start));
        let count = self.instances.len();
        // States at the start, then on through the phase.
        let mut states = vec![State::Closed; count];
        let mut open_since: Vec<Option<u64>> = vec![None; count];
        let mut open_for = 0_u128;
        let mut began_closed = true;
        let mut opened_after = None;
        let mut closed_after = None;
        let mut entered = false;
        for change in &self.changes {
            let at = nanos(change.at);
            if at >= start && !entered {
                entered = true;
                began_closed = states.iter().all(|state| *state == State::Closed);
            }
            let is_open = change.new_state == State::Open;
            if let Some(opened) = open_since[change.instance].take() {
                open_for += u128::from(at.max(start) - opened.clamp(start, at.max(start)));
            }
            if is_open {
                open_since[change.instance] = Some(at);
            }
            states[change.instance] = change.new_state;
            if at < start {
                continue;
            }
            if is_open && opened_after.is_none() {
                opened_after = Some(since(change.at));
            }
            let all_closed = states.iter().all(|state| *state == State::Closed);
            if !began_closed && all_closed && closed_after.is_none() {
                closed_after = Some(since(change.at));
            }
        }
        for opened in open_since.into_iter().flatten() {
            open_for += u128::from(end - opened.clamp(start, end));
        }
        let whole = u128::from(end - start) * count as u128;
        PhaseResult {
            name: phase.name.clone(),
            start: Duration::from_nanos(start),
            end: Duration::from_nanos(end),
            down: (0..count).all(|instance| phase.dependency.is_down_for(instance)),
            figures: std::mem::take(&mut self.phase),
            opened_after,
            closed_after,
            open_share: if whole == 0 {
                0.0
            } else {
                open_for as f64 / whole as f64
            },
        }
    }
}
