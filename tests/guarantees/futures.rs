//! Cancellation: futures that are dropped, aborted, timed out, or left without
//! a runtime.

use std::{
    future::{pending, poll_fn, ready},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    sync::mpsc,
    task::Poll,
    time::Duration,
};

use fluxgate::{
    CallError, CircuitBreaker, OnCancel, State, clock::ManualClock, tripper::FailureStreak,
};
use tokio::{task::JoinSet, time::timeout};

use crate::kit::{Error, SECOND, builder, make_due, poll, succeed};

/// A future that is dropped as soon as it has been polled once.
fn cancel(breaker: &CircuitBreaker) {
    let mut future = pin!(breaker.call_async(pending::<Result<(), Error>>()));
    assert!(poll(future.as_mut()).is_pending());
}

#[test]
fn a_future_that_is_never_polled_is_no_call() {
    let clock = ManualClock::new();
    let breaker = builder(&clock).on_cancel(OnCancel::Fail).build().unwrap();
    make_due(&breaker, &clock);
    drop(breaker.call_async(pending::<Result<(), Error>>()));
    let info = breaker.info();
    assert_eq!((info.state, info.cancelled), (State::Open, 0));
}

#[test]
fn a_call_is_admitted_when_first_polled() {
    let clock = ManualClock::new();
    let breaker = builder(&clock).build().unwrap();
    let mut early = pin!(breaker.call_async(ready(Ok::<_, Error>(1))));
    breaker.force_open();
    assert!(matches!(
        poll(early.as_mut()),
        std::task::Poll::Ready(Err(Error::Rejected(_)))
    ));
}

#[test]
fn on_cancel_decides_about_dropped_calls() {
    let rows = [
        (OnCancel::Ignore, 0, State::Closed),
        (OnCancel::Ignore, 3600, State::Closed),
        (OnCancel::Fail, 0, State::Open),
        (OnCancel::FailAfter(5 * SECOND), 4, State::Closed),
        (OnCancel::FailAfter(5 * SECOND), 5, State::Open),
        (
            OnCancel::FailAfter(Duration::from_nanos(1)),
            0,
            State::Closed,
        ),
        (OnCancel::FailAfter(Duration::MAX), 3600, State::Closed),
    ];
    for (on_cancel, ran, state) in rows {
        let clock = ManualClock::new();
        let breaker = builder(&clock).on_cancel(on_cancel).build().unwrap();
        let mut future = Box::pin(breaker.call_async(pending::<Result<(), Error>>()));
        assert!(poll(future.as_mut()).is_pending());
        clock.advance(SECOND * ran);
        drop(future);
        assert_eq!(breaker.state(), state, "{on_cancel:?} after {ran} s");
        assert_eq!(breaker.info().cancelled, 1);
    }
}

#[test]
fn a_cancelled_probe_neither_closes_nor_opens() {
    let clock = ManualClock::new();
    let breaker = builder(&clock).build().unwrap();
    make_due(&breaker, &clock);
    for _ in 0..100 {
        cancel(&breaker);
        assert_eq!(breaker.state(), State::HalfOpen);
    }
    succeed(&breaker);
    assert_eq!(breaker.state(), State::Closed);
}

#[tokio::test]
async fn the_branch_that_loses_a_select_is_cancelled() {
    let breaker = builder(&ManualClock::new()).build().unwrap();
    tokio::select! {
        biased;
        _ = breaker.call_async(pending::<Result<(), Error>>()) => unreachable!(),
        () = ready(()) => {}
    }
    assert_eq!(breaker.info().cancelled, 1);
    assert_eq!(breaker.info().metrics.total_count, 0);
}

#[tokio::test(start_paused = true)]
async fn timeout_around_the_call_can_open_circuit() {
    let clock = ManualClock::new();
    let breaker = builder(&clock)
        .on_cancel(OnCancel::FailAfter(5 * SECOND))
        .build()
        .unwrap();
    let hangs = async {
        clock.advance(5 * SECOND);
        pending::<Result<(), Error>>().await
    };
    assert!(
        timeout(5 * SECOND, breaker.call_async(hangs))
            .await
            .is_err()
    );
    assert_eq!(breaker.state(), State::Open);
}

#[tokio::test]
async fn an_aborted_task_gives_its_slot_back() {
    let clock = ManualClock::new();
    let breaker = builder(&clock).max_half_open_calls(3).build().unwrap();
    make_due(&breaker, &clock);
    let mut tasks = JoinSet::new();
    for _ in 0..3 {
        let breaker = breaker.clone();
        tasks.spawn(async move { breaker.call_async(pending::<Result<(), Error>>()).await });
    }
    tokio::task::yield_now().await;
    assert_eq!(breaker.info().probes_in_flight, 3);
    tasks.abort_all();
    while let Some(joined) = tasks.join_next().await {
        assert!(joined.unwrap_err().is_cancelled());
    }
    let info = breaker.info();
    assert_eq!((info.probes_in_flight, info.cancelled), (0, 3));
    assert_eq!(info.state, State::HalfOpen);
}

#[test]
fn runtime_shutdown_cancels_its_calls() {
    let clock = ManualClock::new();
    let breaker = builder(&clock).max_half_open_calls(4).build().unwrap();
    make_due(&breaker, &clock);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    let (started, waiting) = mpsc::channel();
    for _ in 0..4 {
        let (breaker, started) = (breaker.clone(), started.clone());
        runtime.spawn(async move {
            let call = async {
                started.send(()).unwrap();
                pending::<Result<(), Error>>().await
            };
            breaker.call_async(call).await
        });
    }
    (0..4).for_each(|_| waiting.recv().unwrap());
    assert_eq!(breaker.info().probes_in_flight, 4);
    drop(runtime);
    assert_eq!(breaker.info().probes_in_flight, 0);
    succeed(&breaker);
    assert_eq!(breaker.state(), State::Closed);
}

#[tokio::test]
async fn a_dropped_fallback_counts_as_nothing() {
    let breaker = builder(&ManualClock::new()).build().unwrap();
    {
        let down = ready(Err::<(), _>(Error::Down));
        let fallback = |_: CallError<Error>| pending::<Result<(), Error>>();
        let mut future = pin!(breaker.call_with_fallback_async(down, fallback));
        assert!(poll(future.as_mut()).is_pending());
        assert_eq!(
            breaker.state(),
            State::Open,
            "the failure is counted by now"
        );
    }
    assert_eq!(breaker.info().cancelled, 0);
}

#[test]
fn future_may_change_threads_between_polls() {
    let breaker = builder(&ManualClock::new()).build().unwrap();
    let mut polls = 0;
    let call = std::future::poll_fn(move |_| {
        polls += 1;
        if polls < 3 {
            std::task::Poll::Pending
        } else {
            std::task::Poll::Ready(Ok::<_, Error>(polls))
        }
    });
    let mut future = Box::pin(breaker.call_async(call));
    assert!(poll(future.as_mut()).is_pending());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            assert!(poll(future.as_mut()).is_pending());
            assert!(poll(future.as_mut()).is_ready());
        });
    });
    assert_eq!(breaker.info().metrics.total_count, 1);
}

#[test]
fn call_adds_40_bytes_to_its_future() {
    let breaker = builder(&ManualClock::new()).build().unwrap();
    for size in [0, 1, 100] {
        let bytes = vec![0_u8; size];
        let inner = async move { Ok::<_, Error>(bytes.len()) };
        let before = size_of_val(&inner);
        let added = size_of_val(&breaker.call_async(inner)) - before;
        assert!(added <= 40, "{added} bytes");
    }
}

#[test]
#[cfg(target_pointer_width = "64")]
fn future_is_as_large_as_documented() {
    let breaker = builder(&ManualClock::new()).build().unwrap();
    let future = pending::<Result<(), Error>>();
    let plain = size_of_val(&future);
    assert_eq!(size_of_val(&breaker.call_async(future)), plain + 40);
}

/// Polls a future that is over once more: a panic that says so.
fn poll_again<F: Future>(future: Pin<&mut F>) {
    let panic = catch_unwind(AssertUnwindSafe(|| poll(future).is_ready())).unwrap_err();
    let said = panic.downcast_ref::<&str>().copied().unwrap_or_default();
    assert!(said.contains("polled after it was ready"), "{said}");
}

#[test]
fn future_polled_after_its_end_is_no_call() {
    /// Fails, or panics, at the last of so many polls.
    fn down(polls: usize, panics: bool) -> impl Future<Output = Result<(), Error>> {
        let mut left = polls;
        poll_fn(move |_| {
            left -= 1;
            match left {
                0 if panics => panic!("down"),
                0 => Poll::Ready(Err(Error::Down)),
                _ => Poll::Pending,
            }
        })
    }

    for (polls, panics) in [(1, false), (2, false), (1, true), (2, true)] {
        let clock = ManualClock::new();
        let breaker = builder(&clock)
            .tripper(FailureStreak::new(2))
            .on_cancel(OnCancel::Fail)
            .build()
            .unwrap();
        let mut future = Box::pin(breaker.call_async(down(polls, panics)));
        for _ in 1..polls {
            assert!(poll(future.as_mut()).is_pending());
        }
        let last = catch_unwind(AssertUnwindSafe(|| poll(future.as_mut()).is_ready()));
        assert_eq!(last.is_err(), panics);
        let info = breaker.info();
        assert_eq!((info.state, info.metrics.failure_count), (State::Closed, 1));
        poll_again(future.as_mut());
        poll_again(future.as_mut());
        drop(future);
        assert_eq!(breaker.info(), info);
    }
}

#[test]
fn rejected_future_polled_again_takes_no_probe() {
    let clock = ManualClock::new();
    let breaker = builder(&clock).build().unwrap();
    breaker.force_open();
    let mut future = pin!(breaker.call_async(ready(Ok::<_, Error>(1))));
    assert!(poll(future.as_mut()).is_ready());
    breaker.reset();
    make_due(&breaker, &clock);
    let info = breaker.info();
    poll_again(future.as_mut());
    assert_eq!(breaker.info(), info);
}
