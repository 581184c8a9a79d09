//! How the cost of a call grows.

use std::{future::Future, hint::black_box, sync::Arc, time::Duration};

use fluxgate::{
    Builder, CircuitBreaker,
    tripper::{FailureRate, FailureStreak, MinRequests, Rule},
    window::{CountWindow, TimeWindow},
};

use crate::{
    peer::{self, Batch, Peer},
    peers::{
        ours::{self, Handle},
        recloser,
    },
    runtime::RUNTIME,
    service::{Traffic, fetch_async},
    suite::{Case, Curve, Role, Subject, Suite},
};

const BARE: Subject = Subject::new("no breaker", Role::Floor);
const HEALTHY: Subject = Subject::new("fluxgate, healthy", Role::Ours);
const MIXED: Subject = Subject::new("fluxgate, 1 in 4 fails", Role::Ours);
const RECLOSER: Subject = Subject::new("recloser, 1 in 4 fails", Role::ExactPeer);
const RECLOSER_HEALTHY: Subject = Subject::new("recloser, healthy", Role::ExactPeer);

fn traffic(subject: Subject) -> Traffic {
    if subject == MIXED || subject == RECLOSER {
        Traffic::OneInFourFails
    } else {
        Traffic::Healthy
    }
}

fn build(builder: Builder) -> Handle {
    Handle(builder.build().expect("the settings are allowed"))
}

/// A loop over a breaker that has seen `calls` calls.
fn filled(peer: impl Peer, traffic: Traffic, calls: u64) -> Batch {
    let batch = peer::looped(peer, traffic);
    batch(calls);
    batch
}

pub fn add(suite: &mut Suite) {
    windows(suite);
    leaves(suite);
    tasks(suite);
    breakers(suite);
}

fn windows(suite: &mut Suite) {
    for size in [10, 100, 1000, 10_000, 100_000, 1_000_000] {
        let case = Case::Growth(Curve::Window, size);
        for subject in [HEALTHY, MIXED] {
            suite.add(case, subject, move || {
                let breaker = ours::plain()
                    .window(CountWindow::new(size))
                    .tripper(MinRequests::new(10) & FailureRate::new(0.5));
                filled(build(breaker), traffic(subject), 2 * size)
            });
        }
        suite.add(case, RECLOSER, move || {
            let peer = recloser::with_window(usize::try_from(size).unwrap_or(usize::MAX));
            filled(peer, Traffic::OneInFourFails, 2 * size)
        });

        let case = Case::Growth(Curve::TimeWindow, size);
        for subject in [HEALTHY, MIXED] {
            suite.add(case, subject, move || {
                let day = Duration::from_hours(24);
                let breaker = ours::plain().window(TimeWindow::new(day).slots(60));
                filled(build(breaker), traffic(subject), size)
            });
        }
    }
}

/// Leaves of which none fires, so that all of them are asked.
fn rule(leaves: u64) -> Rule {
    let leaf = |n| FailureStreak::new(1000 + n);
    (1..leaves).fold(leaf(0).into(), |rule: Rule, n| rule | leaf(n))
}

fn leaves(suite: &mut Suite) {
    for leaves in [1, 3, 10, 30] {
        for subject in [HEALTHY, MIXED] {
            suite.add(Case::Growth(Curve::Leaves, leaves), subject, move || {
                let breaker = ours::plain().tripper(rule(leaves));
                filled(build(breaker), traffic(subject), 1000)
            });
        }
    }
}

/// After so many calls a task lets the others run.
const STRETCH: u64 = 1024;

/// Tasks that share a breaker. A batch of n calls has n on each core, so that
/// the time is the time of one call on one core.
fn tasked<F, R>(tasks: u64, traffic: Traffic, call: F) -> Batch
where
    F: Fn(u64) -> R + Clone + Send + Sync + 'static,
    R: Future<Output: Send> + Send,
{
    Box::new(move |calls| {
        let share = calls * tasks.min(2) / tasks;
        let task = || {
            let call = call.clone();
            RUNTIME.spawn(async move {
                for n in 0..share {
                    black_box(call(traffic.request(black_box(n))).await);
                    if n % STRETCH == STRETCH - 1 {
                        tokio::task::yield_now().await;
                    }
                }
            })
        };
        let running: Vec<_> = (0..tasks).map(|_| task()).collect();
        for task in running {
            RUNTIME.block_on(task).expect("no task panics");
        }
    })
}

fn tasks(suite: &mut Suite) {
    for tasks in [1, 2, 4, 8, 16, 32, 64] {
        let case = Case::Growth(Curve::Tasks, tasks);
        suite.add(case, BARE, move || {
            tasked(tasks, Traffic::Healthy, fetch_async)
        });
        for subject in [HEALTHY, MIXED] {
            suite.add(case, subject, move || {
                let Handle(breaker) = ours::handle();
                let breaker: &CircuitBreaker = Box::leak(Box::new(breaker));
                tasked(tasks, traffic(subject), |request| {
                    breaker.call_async(fetch_async(request))
                })
            });
        }
        suite.add(case, RECLOSER_HEALTHY, move || {
            let breaker = recloser::asynchronous();
            tasked(tasks, Traffic::Healthy, move |request| {
                breaker.call(fetch_async(request))
            })
        });
    }
}

#[derive(Clone)]
struct InTurn {
    breakers: Arc<[CircuitBreaker]>,
    next: usize,
}

impl Peer for InTurn {
    type Error = crate::service::ApiError;

    #[inline]
    fn get(&mut self, request: u64) -> Result<u64, Self::Error> {
        let breaker = &self.breakers[self.next];
        self.next += 1;
        if self.next == self.breakers.len() {
            self.next = 0;
        }
        breaker.call(|| crate::service::fetch(request))
    }

    fn is_rejection(error: &Self::Error) -> bool {
        Handle::is_rejection(error)
    }
}

fn breakers(suite: &mut Suite) {
    for count in [1, 10, 100, 1000, 10_000] {
        for subject in [HEALTHY, MIXED] {
            suite.add(Case::Growth(Curve::Breakers, count), subject, move || {
                let breakers = (0..count).map(|_| ours::handle().0).collect();
                let peer = InTurn { breakers, next: 0 };
                filled(peer, traffic(subject), 200 * count)
            });
        }
    }
}
