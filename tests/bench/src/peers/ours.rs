//! fluxgate.

use std::{future::Future, hint::black_box, time::Duration};

use fluxgate::{
    Builder, CircuitBreaker, StaticBreaker, choose,
    retry::Cooldown,
    tripper::{AvgLatency, FailureRate, MinRequests, SlowRate},
    window::TimeWindow,
};

use super::WAIT;
use crate::{
    peer::{self, AsyncPeer, Batch, Peer},
    service::{ApiError, Traffic, fetch, fetch_async},
    suite::{Case, Role, Subject, Suite},
};

pub const NAME: &str = "fluxgate";
pub const SUBJECT: Subject = Subject::new(NAME, Role::Ours);

/// A breaker in a static, as the attribute makes it.
#[derive(Clone, Copy)]
pub struct Static(&'static StaticBreaker);

impl Static {
    /// `build` runs at the first call.
    pub fn new(build: fn() -> Builder) -> Self {
        Self(Box::leak(Box::new(StaticBreaker::new(build))))
    }
}

impl Peer for Static {
    type Error = ApiError;

    #[inline]
    fn get(&mut self, request: u64) -> Result<u64, ApiError> {
        self.0.call(|| fetch(request))
    }

    fn is_rejection(error: &ApiError) -> bool {
        matches!(error, ApiError::Unavailable { .. })
    }
}

impl AsyncPeer for Static {
    type Error = ApiError;

    #[inline]
    fn get(&mut self, request: u64) -> impl Future<Output = Result<u64, ApiError>> {
        self.0.call_async(fetch_async(request))
    }

    fn is_rejection(error: &ApiError) -> bool {
        <Self as Peer>::is_rejection(error)
    }
}

/// A breaker of which rejections hold a handle.
#[derive(Clone)]
pub struct Handle(pub CircuitBreaker);

impl Peer for Handle {
    type Error = ApiError;

    #[inline]
    fn get(&mut self, request: u64) -> Result<u64, ApiError> {
        self.0.call(|| fetch(request))
    }

    fn is_rejection(error: &ApiError) -> bool {
        <Static as Peer>::is_rejection(error)
    }
}

/// `CountWindow(100)`, `MinRequests(100) & FailureRate(0.5)`, no listeners.
pub fn plain() -> Builder {
    CircuitBreaker::builder("bench").retry(Cooldown::new(WAIT))
}

/// Calls slower than a second, which none is.
pub fn slow_rate() -> Builder {
    let slow = SlowRate::new(0.5, Duration::from_secs(1));
    plain().tripper(MinRequests::new(100) & (FailureRate::new(0.5) | slow))
}

pub fn avg_latency() -> Builder {
    let slow = AvgLatency::new(Duration::from_secs(1));
    plain().tripper(MinRequests::new(100) & (FailureRate::new(0.5) | slow))
}

/// A minute in slots of a second.
pub fn time_window() -> Builder {
    plain().window(TimeWindow::new(Duration::from_mins(1)))
}

/// The plain breaker, not in a static.
///
/// # Panics
///
/// Never: its settings are allowed.
pub fn handle() -> Handle {
    Handle(plain().build().expect("the settings are allowed"))
}

pub fn add(suite: &mut Suite) {
    suite
        .sync(SUBJECT, || Static::new(plain))
        .asynchronous(SUBJECT, || Static::new(plain));
    let outside = Subject::new("fluxgate, not in a static", Role::Ours);
    suite.open(outside, handle);

    for (name, build) in [
        ("fluxgate, SlowRate", slow_rate as fn() -> Builder),
        ("fluxgate, AvgLatency", avg_latency),
        ("fluxgate, TimeWindow", time_window),
    ] {
        suite.add(Case::Timed, Subject::new(name, Role::Ours), move || {
            peer::closed(Static::new(build), Traffic::Healthy)
        });
    }
    choosing(suite);
}

/// `pick` of so many healthy targets.
pub const PICK: Subject = Subject::new("pick among 5 healthy", Role::Ours);
pub const PICK_THIRD: Subject = Subject::new("pick the third of 3", Role::Ours);
pub const ASK_CLOSED: Subject = Subject::new("is_call_permitted, closed", Role::Ours);
pub const ASK_OPEN: Subject = Subject::new("is_call_permitted, open", Role::Ours);

fn choosing(suite: &mut Suite) {
    suite
        .add(Case::Choosing, PICK, || pick(targets(5)))
        .add(Case::Choosing, PICK_THIRD, || {
            let targets = targets(3);
            targets[..2].iter().for_each(CircuitBreaker::force_open);
            pick(targets)
        })
        .add(Case::Choosing, ASK_CLOSED, || ask(handle().0))
        .add(Case::Choosing, ASK_OPEN, || {
            let breaker = handle().0;
            breaker.open();
            ask(breaker)
        });
}

/// Closed, with windows full of successes.
fn targets(count: usize) -> Vec<CircuitBreaker> {
    let target = |_| {
        let breaker = handle().0;
        for n in 0..100 {
            let _ = breaker.call(|| fetch(Traffic::Healthy.request(n)));
        }
        breaker
    };
    (0..count).map(target).collect()
}

fn pick(targets: Vec<CircuitBreaker>) -> Batch {
    Box::new(move |calls| {
        for _ in 0..calls {
            if let Ok(chosen) = choose::pick(black_box(&targets)) {
                chosen.guard.success();
            }
        }
    })
}

fn ask(breaker: CircuitBreaker) -> Batch {
    Box::new(move |calls| {
        for _ in 0..calls {
            black_box(black_box(&breaker).is_call_permitted());
        }
    })
}
