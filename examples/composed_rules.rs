//! Rules that combine: each way to fail has its own, and the reason says which one
//! opened the circuit.
//!
//! ```sh
//! cargo run --example composed_rules
//! ```

use std::{io, time::Duration};

use fluxgate::{
    CircuitBreaker, ConfigError, SlowProbes, State,
    clock::ManualClock,
    tripper::{FailureRate, FailureStreak, InFlight, MinRequests, SlowRate},
    window::TimeWindow,
};

const SECOND: Duration = Duration::from_secs(1);

fn main() -> Result<(), ConfigError> {
    // The time is driven by hand, so that this takes none.
    let clock = ManualClock::new();
    let breaker = CircuitBreaker::builder("search")
        .window(TimeWindow::new(30 * SECOND))
        .tripper(
            FailureStreak::new(5)
                | MinRequests::new(20) & (FailureRate::new(0.5) | SlowRate::new(0.8, SECOND))
                | InFlight::new(3, 2 * SECOND),
        )
        .slow_probes(SlowProbes::Fail)
        .clock(clock.clone())
        .build()?;

    println!("Five failures in a row:");
    for _ in 0..5 {
        let _ = breaker.call(|| Err::<(), _>(io::Error::other("down")));
    }
    explain(&breaker);

    println!("Every second call fails:");
    for _ in 0..10 {
        let _ = breaker.call(|| Ok::<_, io::Error>(()));
        let _ = breaker.call(|| Err::<(), _>(io::Error::other("down")));
    }
    explain(&breaker);

    println!("All calls succeed, but take 1.2 s:");
    for _ in 0..20 {
        let _ = breaker.call(|| {
            clock.advance(Duration::from_millis(1200));
            Ok::<_, io::Error>(())
        });
    }
    explain(&breaker);

    println!("Three calls hang, and a fourth one finds them:");
    let hung: Vec<_> = (0..3).map(|_| breaker.acquire()).collect();
    clock.advance(2 * SECOND);
    assert!(breaker.acquire().is_err());
    explain(&breaker);
    drop(hung);
    Ok(())
}

fn explain(breaker: &CircuitBreaker) {
    let info = breaker.info();
    assert_eq!(info.state, State::Open);
    let reason = info.reason.expect("an open circuit has a reason");
    println!("  {} because of {}: {reason}\n", info.state, reason.rule);
    breaker.reset();
}
