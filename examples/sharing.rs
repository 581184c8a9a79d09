//! One breaker for all that goes to one dependency, sync and async, annotated and
//! by hand.
//!
//! ```sh
//! cargo run --example sharing
//! ```

use std::io;

use fluxgate::{State, breaker, circuit_breaker, tracker::Custom};

breaker! {
    /// Everything that goes to the payment provider.
    static PAYMENTS = {
        name = "payments",
        tripper = FailureStreak(3),
        retry = Cooldown(30s),
    };
}

/// Tracker, `failure_if` and fallback belong to the function: each judges its own
/// errors.
#[circuit_breaker(breaker = PAYMENTS)]
async fn charge(cents: u64) -> io::Result<u64> {
    if cents > 100_000 {
        Err(io::Error::other("the provider is down"))
    } else {
        Ok(cents)
    }
}

#[circuit_breaker(breaker = PAYMENTS, tracker = "Custom(|error: &io::Error| error.kind() != io::ErrorKind::NotFound)")]
fn refund(id: u32) -> io::Result<()> {
    match id {
        0 => Err(io::ErrorKind::NotFound.into()),
        _ => Err(io::Error::other("the provider is down")),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    println!("charged {}", charge(500).await?);
    println!("refund: {}", refund(0).expect_err("no such payment"));
    assert_eq!(PAYMENTS.info().ignored, 1);

    // Three failures in a row, by three ways.
    println!("charge: {}", charge(999_999).await.expect_err("down"));
    println!("refund: {}", refund(1).expect_err("down"));
    let by_hand = PAYMENTS
        .with_tracker(Custom::new(|_: &io::Error| true))
        .call(|| Err::<(), _>(io::Error::other("the provider is down")));
    println!("by hand: {}", by_hand.expect_err("down"));

    assert_eq!(PAYMENTS.state(), State::Open);
    println!("charge: {}", charge(500).await.expect_err("rejected"));
    Ok(())
}
