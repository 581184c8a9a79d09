//! G9: one type for sync and async code; which types cross threads and panics.

use std::{
    future::ready,
    panic::{RefUnwindSafe, UnwindSafe},
};

use fluxgate::{
    Builder, CallError, CallNotPermitted, CircuitBreaker, Classified, ConfigError, Fault, Guard,
    Info, Metrics, Name, OnCancel, Outcome, Reason, RuleKind, Signal, State, StaticBreaker,
    WeakBreaker,
    clock::{ManualClock, SystemClock},
    permit,
    random::Seeded,
    retry, testing, tracker, tripper, window,
};

use crate::kit::{Error, builder, poll, tracked};

fn all<T: Send + Sync + Unpin + UnwindSafe + RefUnwindSafe>() {}
fn all_of<T: Send + Sync + Unpin + UnwindSafe + RefUnwindSafe>(_: &T) {}
fn threads<T: Send + Sync + Unpin>() {}
fn send<T: Send + Unpin>() {}
fn send_of(_: &impl Send) {}

/// Does not compile if the type has the trait.
macro_rules! lacks {
    ($type:ty: $trait:path) => {
        const _: fn() = || {
            trait Ambiguous<A> {
                fn either() {}
            }
            impl<T: ?Sized> Ambiguous<()> for T {}
            struct Has;
            impl<T: ?Sized + $trait> Ambiguous<Has> for T {}
            let _ = <$type as Ambiguous<_>>::either;
        };
    };
}

#[test]
fn g9_handles_cross_threads_and_panics() {
    all::<CircuitBreaker>();
    all::<WeakBreaker>();
    all::<StaticBreaker>();
    all::<Guard<'static>>();
    all::<Classified<'static, tracker::All>>();
    all::<CallError<Error>>();
    all::<CallNotPermitted>();
    all::<ConfigError>();
    all::<Fault>();
    all::<Info>();
    all::<Metrics>();
    all::<Name>();
    all::<OnCancel>();
    all::<Outcome>();
    all::<Reason>();
    all::<RuleKind>();
    all::<Signal>();
    all::<State>();
}

#[test]
fn g9_settings_cross_threads() {
    send::<Builder>();
    threads::<window::AnyWindow>();
    threads::<tripper::Rule>();
    all::<window::CountWindow>();
    all::<window::TimeWindow>();
    all::<window::Record>();
    all::<window::Totals>();
    all::<tripper::MinRequests>();
    all::<tripper::FailureRate>();
    all::<tripper::AvgLatency>();
    all::<tripper::SlowRate>();
    all::<tripper::FailureStreak>();
    all::<tripper::Needs>();
    all::<retry::Cooldown>();
    all::<retry::Backoff>();
    threads::<retry::Custom>();
    all::<permit::Random>();
    all::<permit::RampUp>();
    threads::<permit::Custom>();
    all::<tracker::TypeOf<std::io::Error>>();
    all::<SystemClock>();
    all::<ManualClock>();
    all::<Seeded>();
}

// A test that stops the time must end on the thread it began on.
lacks!(testing::Frozen: Send);

#[test]
fn g9_futures_of_calls_are_what_the_calls_are() {
    let breaker = builder(&ManualClock::new()).build().unwrap();
    all_of(&breaker.call_async(ready(Ok::<_, Error>(()))));
    all_of(
        &breaker
            .with_tracker(tracked)
            .call_async(ready(Ok::<_, Error>(()))),
    );
    let fallback = |_: CallError<Error>| ready(Ok::<_, Error>(()));
    let sends = breaker.call_with_fallback_async(ready(Err(Error::Down)), fallback);
    send_of(&sends);
}

#[test]
fn g9_sync_and_async_share_one_breaker() {
    let breaker = builder(&ManualClock::new()).build().unwrap();
    assert_eq!(breaker.call(|| Ok::<_, Error>(1)), Ok(1));
    let mut future = Box::pin(breaker.call_async(async { Ok::<_, Error>(2) }));
    assert_eq!(poll(future.as_mut()), std::task::Poll::Ready(Ok(2)));
    assert_eq!(breaker.info().metrics.total_count, 2);
}
