//! A dependency with a capacity, callers with a breaker each, and a clock that
//! jumps from one event to the next.

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

use fluxgate::{
    Builder, CircuitBreaker, Guard, Outcome, RejectionKind,
    clock::ManualClock,
    random::{Random, Seeded},
};

/// How the dependency fares in a phase.
#[derive(Clone, Copy)]
pub(crate) struct Phase {
    pub(crate) lasts: u64,
    pub(crate) offered: f64,
    /// Calls served a second; none are refused without it.
    pub(crate) capacity: Option<f64>,
    /// What a refusal costs, as a share of a call.
    pub(crate) refusal_costs: f64,
    /// What a refusal asks callers to wait.
    pub(crate) retry_after: Option<Duration>,
    /// The share of calls that fail, whatever the capacity.
    pub(crate) fails: f64,
    /// The share of calls that are dropped in the middle.
    pub(crate) cancelled: f64,
    /// The share of calls that meet an overload by chance.
    pub(crate) stray: f64,
}

pub(crate) const HEALTHY: Phase = Phase {
    lasts: 30,
    offered: 1000.0,
    capacity: None,
    refusal_costs: 0.0,
    retry_after: None,
    fails: 0.0,
    cancelled: 0.0,
    stray: 0.0,
};

/// What came of a second.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Figures {
    pub(crate) sent: u64,
    pub(crate) good: u64,
    pub(crate) throttled: u64,
    pub(crate) rejected: u64,
}

impl Figures {
    pub(crate) fn add(&mut self, other: Self) {
        self.sent += other.sent;
        self.good += other.good;
        self.throttled += other.throttled;
        self.rejected += other.rejected;
    }
}

/// Runs the phases, and returns the figures of each second.
pub(crate) fn run(
    clients: usize,
    seed: u64,
    policy: impl Fn(Builder) -> Builder,
    phases: &[Phase],
) -> Vec<Figures> {
    const TOOK: u64 = 20_000_000;
    let clock = ManualClock::new();
    let mut random = Seeded::new(seed);
    let breakers: Vec<CircuitBreaker> = (0..clients)
        .map(|client| {
            let builder = CircuitBreaker::builder(format!("client {client}"));
            policy(builder)
                .clock(clock.clone())
                .random(Seeded::new(seed * 1000 + client as u64))
                .build()
                .expect("sound settings")
        })
        .collect();
    let mut in_flight: Vec<Option<(Guard<'_>, Option<Outcome>, usize)>> = Vec::new();
    let mut ends: BinaryHeap<Reverse<(u64, usize)>> = BinaryHeap::new();
    let mut seconds = Vec::new();
    let mut now = 0_u64;
    let (mut budget, mut refilled) = (1.0_f64, 0_u64);
    let mut finish = 0_u64;
    for phase in phases {
        finish += phase.lasts * 1_000_000_000;
        let gap = (1e9 / phase.offered) as u64;
        seconds.resize((finish / 1_000_000_000) as usize, Figures::default());
        loop {
            // Half of the mean at least, so that arrivals are neither in step with the
            // clock nor in bursts that no queue would take.
            let at = now + gap / 2 + (random.next_f64() * gap as f64) as u64;
            let until = at.min(finish);
            while let Some(&Reverse((end, place))) = ends.peek().filter(|next| next.0.0 <= until) {
                ends.pop();
                clock.advance(Duration::from_nanos(end - now));
                now = end;
                let Some((guard, outcome, second)) = in_flight[place].take() else {
                    continue;
                };
                match outcome {
                    Some(outcome) => guard.record(outcome),
                    None => drop(guard),
                }
                seconds[second].good += u64::from(outcome == Some(Outcome::Success));
            }
            clock.advance(Duration::from_nanos(until - now));
            now = until;
            if now == finish {
                break;
            }
            let second = (now / 1_000_000_000) as usize;
            let client = (random.next_f64() * clients as f64) as usize;
            let guard = match breakers[client].acquire() {
                Ok(guard) => guard,
                Err(rejection) => {
                    seconds[second].rejected += 1;
                    let throttled = rejection.kind() == RejectionKind::Throttled;
                    seconds[second].throttled += u64::from(throttled);
                    continue;
                }
            };
            seconds[second].sent += 1;
            let mut outcome = Some(Outcome::Success);
            if let Some(capacity) = phase.capacity {
                budget += capacity * (now - refilled) as f64 / 1e9;
                budget = budget.min((capacity * 0.1).max(1.0));
                refilled = now;
                if budget < 1.0 {
                    budget = (budget - phase.refusal_costs).max(-capacity);
                    outcome = Some(match phase.retry_after {
                        Some(wait) => Outcome::OverloadedFor(wait),
                        None => Outcome::Overloaded,
                    });
                } else {
                    budget -= 1.0;
                }
            }
            if random.next_f64() < phase.fails {
                outcome = Some(Outcome::Failure);
            }
            if random.next_f64() < phase.stray {
                outcome = Some(Outcome::Overloaded);
            }
            if random.next_f64() < phase.cancelled {
                outcome = None;
            }
            ends.push(Reverse((now + TOOK, in_flight.len())));
            in_flight.push(Some((guard, outcome, second)));
        }
    }
    seconds
}

/// Returns the figures of these seconds together.
pub(crate) fn sum(seconds: &[Figures]) -> Figures {
    let mut sum = Figures::default();
    for second in seconds {
        sum.add(*second);
    }
    sum
}
