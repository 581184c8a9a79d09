//! What went wrong in other circuit breakers, one row each: where it was
//! reported or can be read, and that it does not happen here.
//!
//! `tests/peers` drives the Rust peers by rows of the same names.

use std::{
    future::pending,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, OnceLock},
    time::Duration,
};

use fluxgate::{
    CircuitBreaker, OnCancel, Signal, State, choose,
    clock::ManualClock,
    permit,
    random::Seeded,
    retry::{Backoff, Cooldown},
    tripper::{Closed, FailureRate, FailureStreak, MinRequests, SlowRate},
    window::{CountWindow, TimeWindow},
};

use crate::kit::{
    Error, Heard, LEASE, SECOND, WAIT, builder, fail, make_due, poll, succeed, tracked, unwind,
};

/// Each row becomes a test of its name.
macro_rules! rows {
    ($($(#[doc = $what:literal])* $name:ident [$($link:literal),+] $body:block)*) => {
        $($(#[doc = $what])* #[test] fn $name() $body)*

        const ROWS: &[(&str, &[&str])] = &[$((stringify!($name), &[$($link),+])),*];
    };
}

rows! {
    /// A probe whose future is dropped never reports, and half-open waits for it
    /// for ever.
    cancelled_probe_gives_its_slot_back [
        "https://github.com/monix/monix/issues/1080",
        "https://github.com/joshrotenberg/tower-resilience/pull/407"
    ] {
        let clock = ManualClock::new();
        let breaker = builder(&clock).build().unwrap();
        make_due(&breaker, &clock);
        {
            let mut probe = Box::pin(breaker.call_async(pending::<Result<(), Error>>()));
            assert!(poll(probe.as_mut()).is_pending());
            assert!(breaker.acquire().is_err(), "the one slot is taken");
        }
        succeed(&breaker);
        assert_eq!(breaker.state(), State::Closed);
    }

    /// A probe that ends with an error that does not count gives nothing back.
    ignored_probe_gives_its_slot_back [
        "https://github.com/resilience4j/resilience4j/issues/544",
        "https://github.com/App-vNext/Polly/issues/1979",
        "https://github.com/kubeflow/mcp-server/pull/222"
    ] {
        let clock = ManualClock::new();
        let breaker = builder(&clock).build().unwrap();
        make_due(&breaker, &clock);
        for _ in 0..10 {
            let untracked = || Err::<(), _>(Error::Untracked);
            assert_eq!(breaker.with_tracker(tracked).call(untracked), Err(Error::Untracked));
            assert_eq!(breaker.state(), State::HalfOpen);
        }
        succeed(&breaker);
        assert_eq!(breaker.state(), State::Closed);
    }

    /// Permission is asked for and the call is then never made.
    forgotten_permission_gives_its_slot_back [
        "https://github.com/resilience4j/resilience4j/issues/858",
        "https://github.com/alibaba/Sentinel/issues/1638",
        "https://github.com/alibaba/sentinel-golang/issues/196"
    ] {
        let clock = ManualClock::new();
        let breaker = builder(&clock).build().unwrap();
        make_due(&breaker, &clock);
        drop(breaker.acquire().unwrap());
        succeed(&breaker);
        assert_eq!(breaker.state(), State::Closed);
    }

    /// A probe that never ends holds the circuit half-open for ever.
    hung_probe_loses_its_slot [
        "https://github.com/diegosouzapw/OmniRoute/issues/13836",
        "https://github.com/getnora-io/nora/pull/607",
        "https://github.com/resilience4j/resilience4j/issues/935"
    ] {
        let clock = ManualClock::new();
        let breaker = builder(&clock).build().unwrap();
        make_due(&breaker, &clock);
        let mut hung = Box::pin(breaker.call_async(pending::<Result<(), Error>>()));
        assert!(poll(hung.as_mut()).is_pending());
        clock.advance(LEASE);
        succeed(&breaker);
        assert_eq!(breaker.state(), State::Closed);
        assert_eq!(breaker.info().lost_probes, 1);
    }

    /// A success of a call from before the circuit opened closes it.
    late_success_does_not_close [
        "https://github.com/App-vNext/Polly/issues/217",
        "https://github.com/dmexe/failsafe-rs/blob/005fce770f961b8548d59dc3424c50fa6a6d0147/src/state_machine.rs"
    ] {
        let clock = ManualClock::new();
        let breaker = builder(&clock).build().unwrap();
        let early = breaker.acquire().unwrap();
        make_due(&breaker, &clock);
        let probe = breaker.acquire().unwrap();
        early.success();
        assert_eq!(breaker.state(), State::HalfOpen);
        probe.failure();
        assert_eq!(breaker.state(), State::Open);
    }

    /// Failures that arrive together reset the timer that leads to half-open.
    late_failures_do_not_keep_it_open [
        "https://github.com/nodeshift/opossum/issues/385"
    ] {
        let clock = ManualClock::new();
        let breaker = builder(&clock).build().unwrap();
        let guards = [(); 3].map(|()| breaker.acquire().unwrap());
        for guard in guards {
            guard.failure();
            clock.advance(WAIT / 4);
        }
        clock.advance(WAIT / 4);
        succeed(&breaker);
        assert_eq!(breaker.state(), State::Closed);
    }

    /// Half-open lets everybody in, and the weak service is trampled down.
    half_open_takes_no_crowd [
        "https://github.com/resilience4j/resilience4j/issues/343",
        "https://github.com/App-vNext/Polly/issues/216",
        "https://github.com/nodeshift/opossum/issues/119",
        "https://github.com/antflydb/termite/pull/27",
        "https://github.com/lerouxrgd/recloser/blob/1e08c89cd5388244a07416b617d893e919d5c34b/src/recloser.rs"
    ] {
        let clock = ManualClock::new();
        let breaker = builder(&clock).max_half_open_calls(3).build().unwrap();
        make_due(&breaker, &clock);
        let probes: Vec<_> = (0..500).map(|_| breaker.acquire()).collect();
        assert_eq!(probes.iter().filter(|probe| probe.is_ok()).count(), 3);
    }

    /// A failed probe does not reopen, since too few calls were made for a rate.
    failed_probe_can_reopen_at_once [
        "https://github.com/nodeshift/opossum/issues/276",
        "https://github.com/msoedov/agentic_security/pull/328"
    ] {
        let clock = ManualClock::new();
        let breaker = builder(&clock)
            .tripper(MinRequests::new(10) & FailureRate::new(0.5))
            .reopen_after(1)
            .build()
            .unwrap();
        (0..10).for_each(|_| fail(&breaker));
        clock.advance(WAIT);
        fail(&breaker);
        assert_eq!(breaker.state(), State::Open);
    }

    /// One lucky probe closes a circuit whose service is still down.
    one_lucky_probe_need_not_close [
        "https://github.com/auth0/disyuntor/pull/6"
    ] {
        let clock = ManualClock::new();
        let breaker = builder(&clock).close_after(3).build().unwrap();
        make_due(&breaker, &clock);
        succeed(&breaker);
        succeed(&breaker);
        assert_eq!(breaker.state(), State::HalfOpen);
        succeed(&breaker);
        assert_eq!(breaker.state(), State::Closed);
    }

    /// The window counts from the beginning: after many good calls as many bad
    /// ones are needed.
    count_window_slides [
        "https://github.com/joshrotenberg/tower-resilience/blob/3147554d914ed305157cbe1dff69676d8ed5c381/crates/tower-resilience-circuitbreaker/src/circuit.rs"
    ] {
        let breaker = builder(&ManualClock::new())
            .window(CountWindow::new(10))
            .tripper(MinRequests::new(10) & FailureRate::new(0.5))
            .build()
            .unwrap();
        (0..100_000).for_each(|_| succeed(&breaker));
        (0..5).for_each(|_| fail(&breaker));
        assert_eq!(breaker.state(), State::Open);
    }

    /// What has left the window is still in some of its sums.
    sums_are_those_of_the_window [
        "https://github.com/resilience4j/resilience4j/issues/1262",
        "https://github.com/resilience4j/resilience4j/issues/1017"
    ] {
        let clock = ManualClock::new();
        let breaker = builder(&clock)
            .window(TimeWindow::new(2 * SECOND))
            .tripper(MinRequests::new(1000) & SlowRate::new(0.5, SECOND))
            .durations(true)
            .build()
            .unwrap();
        for _ in 0..100 {
            let _ = breaker.call(|| {
                clock.advance(SECOND);
                Err::<(), _>(Error::Down)
            });
        }
        let metrics = breaker.info().metrics;
        assert_eq!((metrics.total_count, metrics.failure_count), (2, 2));
        assert_eq!(metrics.slow_counts, [(SECOND, 2)]);
        assert_eq!(metrics.total_duration, Some(2 * SECOND));
        clock.advance(2 * SECOND);
        let metrics = breaker.info().metrics;
        assert_eq!((metrics.total_count, metrics.failure_count), (0, 0));
        assert_eq!(metrics.slow_counts, [(SECOND, 0)]);
        assert_eq!(metrics.total_duration, Some(Duration::ZERO));
    }

    /// An old failure counts for hours, since only a new call expires it.
    idle_time_window_expires [
        "https://pypi.org/project/fluxgate/"
    ] {
        let clock = ManualClock::new();
        let breaker = builder(&clock)
            .window(TimeWindow::new(60 * SECOND))
            .tripper(MinRequests::new(3) & FailureRate::new(0.5))
            .build()
            .unwrap();
        fail(&breaker);
        fail(&breaker);
        clock.advance(3600 * SECOND);
        assert_eq!(breaker.info().metrics.total_count, 0);
        succeed(&breaker);
        assert_eq!(breaker.state(), State::Closed);
    }

    /// It opens one failure late.
    threshold_is_reached_by_the_nth_call [
        "https://github.com/lerouxrgd/recloser/blob/1e08c89cd5388244a07416b617d893e919d5c34b/src/recloser.rs"
    ] {
        for n in 1..20 {
            let streak = builder(&ManualClock::new())
                .tripper(FailureStreak::new(n))
                .build()
                .unwrap();
            let rate = builder(&ManualClock::new())
                .window(CountWindow::new(n))
                .tripper(MinRequests::new(n) & FailureRate::new(1.0))
                .build()
                .unwrap();
            for breaker in [streak, rate] {
                for _ in 1..n {
                    fail(&breaker);
                    assert_eq!(breaker.state(), State::Closed);
                }
                fail(&breaker);
                assert_eq!(breaker.state(), State::Open);
            }
        }
    }

    /// A call that panics is never recorded.
    panic_is_a_failure [
        "https://github.com/lerouxrgd/recloser/blob/1e08c89cd5388244a07416b617d893e919d5c34b/src/recloser.rs"
    ] {
        let breaker = builder(&ManualClock::new())
            .tripper(FailureStreak::new(3))
            .build()
            .unwrap();
        for _ in 0..3 {
            let call = || breaker.call(|| -> Result<(), Error> { unwind() });
            assert!(catch_unwind(AssertUnwindSafe(call)).is_err());
        }
        assert_eq!(breaker.state(), State::Open);
    }

    /// A probe that was cancelled counts as one that succeeded, or failed.
    cancelled_probe_decides_nothing [
        "https://github.com/App-vNext/Polly/issues/311",
        "https://github.com/davenverse/circuit/pull/258",
        "https://github.com/alexfalkowski/go-service/pull/3019"
    ] {
        let clock = ManualClock::new();
        let breaker = builder(&clock).build().unwrap();
        make_due(&breaker, &clock);
        drop(breaker.acquire().unwrap());
        assert_eq!(breaker.state(), State::HalfOpen);
    }

    /// A call that an outer timeout cancels is not seen, and a dependency
    /// that hangs opens nothing.
    outer_timeout_can_open [
        "https://pypi.org/project/fluxgate/"
    ] {
        let clock = ManualClock::new();
        let breaker = builder(&clock)
            .on_cancel(OnCancel::FailAfter(SECOND))
            .build()
            .unwrap();
        let mut call = Box::pin(breaker.call_async(pending::<Result<(), Error>>()));
        assert!(poll(call.as_mut()).is_pending());
        clock.advance(SECOND);
        drop(call);
        assert_eq!(breaker.state(), State::Open);
    }

    /// A lock is held while the call runs: calls wait for one another.
    calls_do_not_wait_for_one_another [
        "https://github.com/danielfm/pybreaker/pull/57"
    ] {
        let breaker = builder(&ManualClock::new()).build().unwrap();
        let outer = breaker.call(|| {
            std::thread::scope(|scope| {
                let other = scope.spawn(|| breaker.call(|| Ok::<_, Error>(1)));
                other.join().unwrap()
            })
        });
        assert_eq!(outer, Ok(1));
        assert_eq!(breaker.info().metrics.total_count, 2);
    }

    /// A listener that asks the breaker waits for a lock that its caller holds.
    listener_may_ask_the_breaker [
        "https://docs.rs/failsafe/1.3.0/src/failsafe/state_machine.rs.html",
        "https://github.com/joshrotenberg/tower-resilience/blob/3147554d914ed305157cbe1dff69676d8ed5c381/crates/tower-resilience-circuitbreaker/src/circuit.rs"
    ] {
        let own: Arc<OnceLock<fluxgate::WeakBreaker>> = Arc::default();
        let (asking, heard) = (own.clone(), Heard::default());
        let breaker = builder(&ManualClock::new())
            .listener(move |_: &Signal| {
                let breaker = asking.get().unwrap().upgrade().unwrap();
                let _ = breaker.info();
                drop(breaker.acquire());
            })
            .listener(heard.listener())
            .build()
            .unwrap();
        own.set(breaker.downgrade()).unwrap();
        fail(&breaker);
        breaker.reset();
        assert_eq!(heard.chain(), [State::Open, State::Closed]);
        assert_eq!(breaker.info().listener_failures, 0);
    }

    /// The wait grows until it overflows, and is then nothing, or negative, or an
    /// error.
    backoff_does_not_overflow [
        "https://github.com/carlescere/goback/issues/5",
        "https://github.com/sethvargo/go-retry/issues/12",
        "https://github.com/beam-cloud/beta9/pull/1677",
        "https://github.com/reactor/reactor-addons/pull/166"
    ] {
        let clock = ManualClock::new();
        let breaker = builder(&clock)
            .retry(Backoff::new(SECOND).max_duration(5 * SECOND))
            .build()
            .unwrap();
        fail(&breaker);
        for reopens in 0..2000 {
            let wait = breaker.info().retry_after.unwrap();
            assert_eq!(wait, SECOND * 5.min(1 << reopens.min(3)));
            clock.advance(wait);
            fail(&breaker);
        }
    }

    /// Every rejected call draws a jitter of its own, so the shortest always
    /// wins and nothing is spread.
    jitter_is_drawn_once_an_opening [
        "https://pypi.org/project/fluxgate/",
        "https://github.com/failsafe-lib/failsafe/issues/70"
    ] {
        let mut waits = Vec::new();
        for seed in 0..100 {
            let clock = ManualClock::new();
            let breaker = builder(&clock)
                .retry(Cooldown::new(100 * SECOND).jitter_ratio(0.5))
                .random(Seeded::new(seed))
                .build()
                .unwrap();
            fail(&breaker);
            let mut waited = 0;
            while breaker.acquire().is_err() {
                clock.advance(SECOND);
                waited += 1;
            }
            waits.push(waited);
        }
        assert!(waits.iter().all(|waited| (50..=150).contains(waited)));
        let mean = waits.iter().sum::<u64>() / 100;
        assert!((90..=110).contains(&mean), "spread around {mean} s");
    }

    /// A setting that fits no other is changed without a word.
    no_setting_is_clamped_in_silence [
        "https://github.com/resilience4j/resilience4j/issues/1349",
        "https://github.com/resilience4j/resilience4j/issues/747",
        "https://github.com/resilience4j/resilience4j/issues/1523"
    ] {
        // Told to wait for 10 calls, it does, half-open or not.
        let clock = ManualClock::new();
        let breaker = builder(&clock)
            .window(CountWindow::new(20))
            .tripper(MinRequests::new(10) & FailureRate::new(0.5))
            .max_half_open_calls(3)
            .build()
            .unwrap();
        for state in [State::Closed, State::HalfOpen] {
            for _ in 0..9 {
                fail(&breaker);
                assert_eq!(breaker.state(), state);
            }
            fail(&breaker);
            assert_eq!(breaker.state(), State::Open);
            clock.advance(WAIT);
        }
        // And what makes no sense is refused.
        let refused = builder(&clock).max_half_open_calls(0).window(CountWindow::new(0));
        assert_eq!(refused.build().unwrap_err().faults().count(), 2);
    }

    /// The wall clock is set, and the circuit opens or stays open.
    wall_clock_may_be_set [
        "https://github.com/kubeflow/mcp-server/pull/222"
    ] {
        let clock = ManualClock::new();
        let breaker = builder(&clock).build().unwrap();
        fail(&breaker);
        let wall = fluxgate::clock::Clock::wall(&clock);
        clock.set_wall(wall + 24 * 3600 * SECOND);
        assert!(breaker.acquire().is_err());
        clock.set_wall(wall - 24 * 3600 * SECOND);
        clock.advance(WAIT);
        succeed(&breaker);
        assert_eq!(breaker.state(), State::Closed);
    }

    /// The state is reported as half-open though no call asked, or a rule meant
    /// for the closed state holds in half-open.
    rules_of_one_state_stay_there [
        "https://github.com/App-vNext/Polly/issues/717"
    ] {
        let clock = ManualClock::new();
        let breaker = CircuitBreaker::builder("rows")
            .tripper(Closed & FailureStreak::new(1))
            .retry(Cooldown::new(WAIT))
            .permit(permit::All)
            .clock(clock.clone())
            .build()
            .unwrap();
        make_due(&breaker, &clock);
        assert_eq!(breaker.state(), State::Open);
        fail(&breaker);
        assert_eq!(breaker.state(), State::HalfOpen);
        succeed(&breaker);
        assert_eq!(breaker.state(), State::Closed);
    }

    /// The first of several targets is open, and is tried by every call all the same
    /// before the second.
    open_target_costs_no_try [
        "https://github.com/Portkey-AI/gateway/issues/1289",
        "https://github.com/use-agent-os/agent-os/pull/394"
    ] {
        let clock = ManualClock::new();
        let targets = [builder(&clock).build().unwrap(), builder(&clock).build().unwrap()];
        let mut tries = 0;
        for _ in 0..100 {
            let answer = choose::failover([(&targets[0], 0), (&targets[1], 1)])
                .idempotent(true)
                .call(|(_, target)| match target {
                    0 => {
                        tries += 1;
                        Err(Error::Down)
                    }
                    _ => Ok(target),
                });
            assert_eq!(answer.unwrap().value, 1);
        }
        assert_eq!(tries, 1);
    }

    /// A call that has effects is sent to the next target after the first failed, and
    /// happens twice.
    failed_call_is_not_sent_again [
        "https://github.com/apache/knox/pull/742",
        "https://github.com/micronaut-projects/micronaut-core/issues/5107"
    ] {
        let clock = ManualClock::new();
        let targets = [builder(&clock).build().unwrap(), builder(&clock).build().unwrap()];
        let mut sent = 0;
        let failed = choose::failover(&targets).call(|_| {
            sent += 1;
            Err::<(), _>(Error::Down)
        });
        assert!(failed.is_err());
        assert_eq!(sent, 1);
    }

    /// A target whose failed call is not sent on is not taken for failed either.
    target_fails_though_the_call_stays [
        "https://github.com/apache/knox/pull/752"
    ] {
        let clock = ManualClock::new();
        let targets = [builder(&clock).build().unwrap(), builder(&clock).build().unwrap()];
        let failed = choose::failover(&targets).call(|_| Err::<(), _>(Error::Down));
        assert!(failed.is_err());
        assert_eq!(targets[0].state(), State::Open);
        let answer = choose::failover(&targets).call(|_| Ok::<_, Error>(7));
        assert_eq!(answer.unwrap().passed_over.len(), 1);
    }
}

#[test]
fn every_row_says_where_it_was_seen() {
    assert!(ROWS.len() >= 20);
    for (name, links) in ROWS {
        assert!(
            links.iter().all(|link| link.starts_with("https://")),
            "{name}"
        );
    }
}
