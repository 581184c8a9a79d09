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

#[cfg(feature = "fleet")]
use super::fleet::Net;
use super::{
    Change, Dependency, Figures, PhaseResult, Policy, Run, Scenario,
    dependency::{CallAnswer, Running},
    result::Column,
};
use crate::{
    CallNotPermitted, CircuitBreaker, ConfigError, Guard, Outcome, Reason, RejectionKind, RuleKind,
    Signal, State,
    clock::Clock,
    random::{Random, Seeded},
    util::duration::nanos,
};

/// Into how many slices of time a run is cut at most for pictures.
const COLUMNS: u64 = 240;

/// Returns the width of a slice in nanoseconds, a round one: steady calls fall evenly into
/// whole seconds and tenths, and unevenly into others.
fn column_width(lasts: u64) -> u64 {
    let least = lasts.div_ceil(COLUMNS).max(1);
    let mut unit = 1_000_000_000;
    while unit > least {
        unit /= 10;
    }
    least.next_multiple_of(unit)
}

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

/// What is known of one caller.
struct Instance {
    state: State,
    /// Whether the dependency was down when the present opening began.
    opened_while_down: bool,
    figures: Figures,
}

/// A call on its way.
struct RunningCall<'a> {
    guard: Guard<'a>,
    instance: usize,
    answer: CallAnswer,
}

/// What is on the other side of the breakers at the moment.
pub(super) trait World {
    /// Returns whether no call of this instance is answered.
    fn is_down(&self, instance: usize) -> bool;

    /// Takes the call that arrived. Returns the answer, and after how many nanoseconds
    /// it comes.
    fn take(&mut self, instance: usize, now: u64) -> (CallAnswer, u64);

    /// Returns whether the call that arrived, and was refused, would have been
    /// answered.
    fn would_answer(&mut self, instance: usize, now: u64) -> bool;
}

/// The dependency of a phase.
struct InPhase<'a> {
    dependency: &'a Dependency,
    running: &'a mut Running,
    chance: &'a mut Seeded,
    /// Decides what refused calls would have got, so that asking changes nothing.
    hypothetical: &'a mut Seeded,
}

impl World for InPhase<'_> {
    fn is_down(&self, instance: usize) -> bool {
        self.dependency.is_down_for(instance)
    }

    fn take(&mut self, instance: usize, now: u64) -> (CallAnswer, u64) {
        self.running
            .take(self.dependency, instance, now, self.chance)
    }

    fn would_answer(&mut self, instance: usize, now: u64) -> bool {
        self.running
            .would_answer(self.dependency, instance, now, self.hypothetical)
    }
}

pub(super) fn run(
    scenario: &Scenario,
    policy: &impl Policy,
    watch: &mut dyn FnMut(f64),
) -> Result<Run, ConfigError> {
    run_with(scenario, policy, watch, |_| ())
}

/// Runs a scenario, and shows the simulation at its end.
pub(super) fn run_with(
    scenario: &Scenario,
    policy: &impl Policy,
    watch: &mut dyn FnMut(f64),
    end: impl FnOnce(&mut Simulation<'_>),
) -> Result<Run, ConfigError> {
    let mut seeds = Seeded::new(scenario.seed);
    let mut instances = scenario.instances;
    #[cfg(feature = "fleet")]
    if let Some(network) = &scenario.network {
        instances += network.bystanders;
    }
    let fleet = Fleet::build(policy, instances, &mut seeds)?;
    instances = scenario.instances;
    let mut arrivals = fork(&mut seeds);
    let mut chance = fork(&mut seeds);
    let mut hypothetical = fork(&mut seeds);
    let mut running = Running::new();
    let lasts = nanos(scenario.lasts());
    let mut simulation = Simulation::new(&fleet, lasts, watch);
    #[cfg(feature = "fleet")]
    if let Some(network) = &scenario.network {
        simulation.net = Some(Net::new(network.clone(), &fleet.breakers, &mut seeds));
    }
    let mut phases = Vec::with_capacity(scenario.phases.len());
    let mut start = 0_u64;
    for phase in &scenario.phases {
        let end = start.saturating_add(nanos(phase.lasts));
        let load = phase.load.unwrap_or(scenario.load);
        let mut world = InPhase {
            dependency: &phase.dependency,
            running: &mut running,
            chance: &mut chance,
            hypothetical: &mut hypothetical,
        };
        let mut n = 0;
        let mut arrival = start.saturating_add(load.gap(&mut arrivals));
        while arrival < end {
            let instance = load.instance(n, instances, &mut arrivals);
            simulation.arrive(instance, &mut world, arrival);
            n += 1;
            arrival = arrival.saturating_add(load.gap(&mut arrivals));
        }
        simulation.settle_until(end, &world);
        let down = (0..instances).all(|instance| world.is_down(instance));
        phases.push(simulation.finish_phase(&phase.name, down, start, end));
        start = end;
    }
    end(&mut simulation);
    Ok(simulation.finish(phases))
}

/// The breakers of all instances, and what they told.
pub(super) struct Fleet {
    clock: SimClock,
    breakers: Vec<CircuitBreaker>,
    heard: Vec<Heard>,
    rule: String,
}

impl Fleet {
    pub(super) fn build(
        policy: &impl Policy,
        instances: usize,
        seeds: &mut Seeded,
    ) -> Result<Self, ConfigError> {
        let mut fleet = Self {
            clock: SimClock(Arc::new(AtomicU64::new(0))),
            breakers: Vec::with_capacity(instances),
            heard: Vec::with_capacity(instances),
            rule: String::new(),
        };
        for _ in 0..instances {
            let heard = Heard::default();
            let told = Arc::clone(&heard);
            let listener = move |signal: &Signal| {
                told.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(signal.clone());
            };
            let breaker =
                policy
                    .builder()?
                    .build_detached(fleet.clock.clone(), fork(seeds), listener)?;
            fleet.breakers.push(breaker);
            fleet.heard.push(heard);
        }
        if let Some(first) = fleet.breakers.first() {
            fleet.rule = first.info().settings.tripper;
        }
        Ok(fleet)
    }
}

/// Returns a generator that shares nothing with the others that come from this one.
pub(super) fn fork(seeds: &mut Seeded) -> Seeded {
    Seeded::new(seeds.next_f64().to_bits())
}

/// Moves calls and time.
pub(super) struct Simulation<'a> {
    fleet: &'a Fleet,
    instances: Vec<Instance>,
    in_flight: Vec<Option<RunningCall<'a>>>,
    free: Vec<usize>,
    /// When calls end, in order; calls that end together by their sequence.
    due: BinaryHeap<Reverse<(u64, u64, usize)>>,
    sequence: u64,
    changes: Vec<Change>,
    lasts: u64,
    columns: Vec<Column>,
    column_width: u64,
    column: usize,
    /// The figures of the present phase.
    phase: Figures,
    /// What the breakers share.
    #[cfg(feature = "fleet")]
    pub(super) net: Option<Net>,
    /// Is told which share of the columns is past.
    watch: &'a mut dyn FnMut(f64),
}

impl<'a> Simulation<'a> {
    pub(super) fn new(fleet: &'a Fleet, lasts: u64, watch: &'a mut dyn FnMut(f64)) -> Self {
        let instances = fleet.breakers.iter().map(|_| Instance {
            state: State::Closed,
            opened_while_down: false,
            figures: Figures::default(),
        });
        let column_width = column_width(lasts);
        let columns = usize::try_from(lasts.div_ceil(column_width).max(1)).unwrap_or(1);
        Self {
            fleet,
            instances: instances.collect(),
            in_flight: Vec::new(),
            free: Vec::new(),
            due: BinaryHeap::new(),
            sequence: 0,
            changes: Vec::new(),
            lasts,
            columns: vec![Column::default(); columns],
            column_width,
            column: 0,
            phase: Figures::default(),
            #[cfg(feature = "fleet")]
            net: None,
            watch,
        }
    }

    fn advance(&mut self, now: u64) {
        self.sample_until(now);
        self.fleet.clock.set(now);
    }

    /// Samples the rules at the ends of the columns that end before `now`.
    fn sample_until(&mut self, now: u64) {
        while self.column < self.columns.len()
            && now >= (self.column as u64 + 1).saturating_mul(self.column_width)
        {
            // An open circuit asks its rule nothing.
            let asking = self.fleet.breakers.iter().zip(&self.instances);
            let asking = asking.filter(|(_, instance)| instance.state != State::Open);
            let nearest = asking
                .map(|(breaker, _)| breaker.core.pressure())
                .reduce(f64::max);
            self.columns[self.column].press(nearest);
            self.column += 1;
            (self.watch)(self.column as f64 / self.columns.len() as f64);
        }
    }

    /// Lets a call arrive at an instance.
    pub(super) fn arrive(&mut self, number: usize, world: &mut impl World, now: u64) {
        self.settle_until(now, world);
        let column = usize::try_from(now / self.column_width)
            .unwrap_or(0)
            .min(self.columns.len() - 1);
        let down = world.is_down(number);
        let admitted = self.fleet.breakers[number].acquire();
        self.follow(number, down, now);
        self.tell_agent(number, world, now);
        let mut seen = Figures {
            offered: 1,
            ..Figures::default()
        };
        match admitted {
            Ok(guard) => {
                seen.probes = u64::from(self.instances[number].state == State::HalfOpen);
                seen.reached_while_down = u64::from(down);
                let (answer, took) = world.take(number, now);
                match answer {
                    CallAnswer::Good | CallAnswer::Alive | CallAnswer::Ignored => seen.answered = 1,
                    CallAnswer::Failed | CallAnswer::Cancelled => seen.failed = 1,
                    CallAnswer::Overloaded | CallAnswer::OverloadedFor(_) => seen.overloaded = 1,
                }
                let call = RunningCall {
                    guard,
                    instance: number,
                    answer,
                };
                self.send(call, now.saturating_add(took));
            }
            Err(rejection) => {
                let answered = world.would_answer(number, now);
                self.reject(number, &rejection, answered, &mut seen);
            }
        }
        self.phase.add(&seen);
        self.columns[column].figures.add(&seen);
        self.instances[number].figures.add(&seen);
    }

    /// Counts a rejected call, and whether it would have been answered.
    fn reject(
        &self,
        number: usize,
        rejection: &CallNotPermitted,
        answered: bool,
        seen: &mut Figures,
    ) {
        let throttled = rejection.kind() == RejectionKind::Throttled;
        if throttled {
            seen.throttled = 1;
        } else {
            seen.refused = 1;
        }
        // No opening throttles.
        if answered && !throttled && self.instances[number].opened_while_down {
            seen.refused_after_recovery = 1;
        } else if answered {
            seen.wrongly_refused = 1;
        }
    }

    fn send(&mut self, call: RunningCall<'a>, ends: u64) {
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

    /// Ends the calls that end until `now`, and moves the clock there.
    pub(super) fn settle_until(&mut self, now: u64, world: &impl World) {
        loop {
            let next = self.due.peek().map(|Reverse((ends, _, _))| *ends);
            self.share_until(next.unwrap_or(now).min(now), world);
            let Some(&Reverse((ends, _, slot))) = self.due.peek() else {
                break;
            };
            if ends > now {
                break;
            }
            self.due.pop();
            self.free.push(slot);
            self.advance(ends);
            let Some(call) = self.in_flight[slot].take() else {
                continue;
            };
            let RunningCall {
                guard,
                instance,
                answer,
            } = call;
            match answer {
                CallAnswer::Good => guard.record(Outcome::Success),
                CallAnswer::Failed => guard.record(Outcome::Failure),
                CallAnswer::Overloaded => guard.record(Outcome::Overloaded),
                CallAnswer::OverloadedFor(wait) => guard.record(Outcome::OverloadedFor(wait)),
                CallAnswer::Alive => guard.record(Outcome::Alive),
                CallAnswer::Ignored => guard.record(Outcome::Ignored),
                CallAnswer::Cancelled => drop(guard),
            }
            self.follow(instance, world.is_down(instance), ends);
            self.tell_agent(instance, world, ends);
        }
        self.advance(now);
    }

    /// Processes the fleet's events until `now`.
    #[cfg(feature = "fleet")]
    fn share_until(&mut self, now: u64, world: &impl World) {
        while let Some(net) = &mut self.net
            && let Some(at) = net.next().filter(|at| *at <= now)
        {
            self.advance(at);
            let touched = self
                .net
                .as_mut()
                .and_then(|net| net.step(&self.fleet.breakers));
            if let Some(instance) = touched {
                self.follow(instance, world.is_down(instance), at);
                self.tell_agent(instance, world, at);
            }
        }
    }

    #[cfg(not(feature = "fleet"))]
    #[allow(
        clippy::unused_self,
        reason = "the feature `fleet` has one that uses it"
    )]
    fn share_until(&self, _now: u64, _world: &impl World) {}

    /// Lets the agent of an instance know what its breaker noted.
    #[cfg(feature = "fleet")]
    fn tell_agent(&mut self, instance: usize, world: &impl World, now: u64) {
        if let Some(net) = &mut self.net
            && net.noted(instance, now)
        {
            self.follow(instance, world.is_down(instance), now);
        }
    }

    #[cfg(not(feature = "fleet"))]
    #[allow(
        clippy::unused_self,
        reason = "the feature `fleet` has one that uses it"
    )]
    fn tell_agent(&self, _instance: usize, _world: &impl World, _now: u64) {}

    /// Takes note of the transitions that an operation on a breaker caused.
    fn follow(&mut self, number: usize, down: bool, now: u64) {
        let instance = &mut self.instances[number];
        let state = self.fleet.breakers[number].state();
        if state == instance.state {
            return;
        }
        instance.state = state;
        let heard = std::mem::take(
            &mut *self.fleet.heard[number]
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        for signal in heard {
            if signal.would_have_opened {
                continue;
            }
            match signal.new_state {
                State::Open => {
                    self.phase.openings += 1;
                    instance.figures.openings += 1;
                    // With what fired it, which the next sample no longer sees.
                    let column = self.column.min(self.columns.len() - 1);
                    self.columns[column].press(signal.reason.as_ref().and_then(fired));
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

    /// Returns the whole run.
    pub(super) fn finish(mut self, phases: Vec<PhaseResult>) -> Run {
        self.sample_until(u64::MAX);
        let figures = self.instances.into_iter().map(|instance| instance.figures);
        Run {
            lasts: Duration::from_nanos(self.lasts),
            instances: self.fleet.breakers.len(),
            rule: self.fleet.rule.clone(),
            phases,
            per_instance: figures.collect(),
            changes: self.changes,
            #[cfg(feature = "fleet")]
            votes: self.net.map_or_else(Vec::new, |net| net.votes),
            columns: self.columns,
            column_width: Duration::from_nanos(self.column_width),
        }
    }

    /// Returns what happened since the phase before ended.
    pub(super) fn finish_phase(
        &mut self,
        name: &str,
        down: bool,
        start: u64,
        end: u64,
    ) -> PhaseResult {
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
            name: name.to_owned(),
            start: Duration::from_nanos(start),
            end: Duration::from_nanos(end),
            down,
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

/// Returns how far above its threshold the rule was that opened a circuit; `None` if it
/// was none, but a failing probe.
fn fired(reason: &Reason) -> Option<f64> {
    if reason.rule == RuleKind::ReopenAfter {
        return None;
    }
    // A rule with the threshold 0 fires at anything.
    Some((reason.measured / reason.threshold).max(1.0))
}
