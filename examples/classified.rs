//! An error type that says of each variant what it means for the breaker: the
//! attribute, retries and the server's answer all read that one list.
//!
//! `cargo run --example classified`

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use backon::{ConstantBuilder, Retryable};
use fluxgate::{CallNotPermitted, Classify, State, circuit_breaker};

/// Why there is no price.
#[derive(Debug, Classify)]
enum PriceError {
    #[outcome(failure)]
    Timeout,
    #[outcome(overloaded, retry_after = wait)]
    Busy { wait: Duration },
    /// The dependency answers, so it works.
    #[outcome(alive)]
    NoSuchSymbol,
    /// Refused before the call.
    #[outcome(ignored)]
    EmptySymbol,
    #[outcome(transparent)]
    Rejected(CallNotPermitted),
}

impl From<CallNotPermitted> for PriceError {
    fn from(rejection: CallNotPermitted) -> Self {
        Self::Rejected(rejection)
    }
}

static SLOW_CALLS: AtomicU32 = AtomicU32::new(0);

/// No key says what counts: the error type does.
#[circuit_breaker(
    tripper = "FailureStreak(3)",
    retry = "Backoff(1s, max_duration = 60s)",
    handle = prices
)]
async fn price(symbol: &str) -> Result<u32, PriceError> {
    match symbol {
        "" => Err(PriceError::EmptySymbol),
        // Answers at the second try.
        "SLOW" if SLOW_CALLS.fetch_add(1, Ordering::Relaxed) == 0 => Err(PriceError::Timeout),
        "SLOW" => Ok(7),
        "BUSY" => Err(PriceError::Busy {
            wait: Duration::from_secs(30),
        }),
        _ => Err(PriceError::NoSuchSymbol),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    // Retries what may succeed later, and nothing else.
    let backoff = ConstantBuilder::default().with_delay(Duration::from_millis(1));
    let slow = || price("SLOW");
    let found = slow.retry(backoff).when(Classify::is_transient).await;
    assert_eq!(found.ok(), Some(7));

    for symbol in ["", "XYZ", "", "XYZ", "XYZ"] {
        let error = price(symbol).await.expect_err("there is no such price");
        println!("{symbol:?}: {error:?}, {:?}", error.outcome());
    }
    let info = prices().info();
    assert_eq!(
        (info.state, info.alive, info.ignored),
        (State::Closed, 3, 2)
    );

    for _ in 0..3 {
        let error = price("BUSY").await.expect_err("it is busy");
        println!("BUSY: {error:?}, {:?}", error.outcome());
    }
    let info = prices().info();
    assert_eq!((info.state, info.overloaded), (State::Open, 3));
    let rejected = price("XYZ").await.expect_err("the circuit is open");
    println!("{rejected:?}");
    // As long as the dependency asked for, rather than the second of the policy.
    assert!(info.retry_after.is_some_and(|wait| wait.as_secs() > 20));
}
