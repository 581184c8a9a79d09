//! Who is told of transitions: a log, a closure, a type, and one that takes time.
//!
//! ```sh
//! cargo run --example listeners
//! ```

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use fluxgate::{
    CircuitBreaker, Listener, Signal, State,
    listener::{LogListener, flush},
    tripper::FailureStreak,
};

/// A type of one's own: it keeps what it needs.
#[derive(Default)]
struct Openings(AtomicU32);

impl Listener for Openings {
    fn on_signal(&self, signal: &Signal) {
        if signal.new_state == State::Open {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Sends a page: that takes time, so it must not be done by the protected call. An
/// `async fn` is told on a worker's thread.
async fn page(signal: Signal) -> Result<(), std::io::Error> {
    println!("page: '{}' is {}", signal.name, signal.new_state);
    Ok(())
}

fn main() -> Result<(), fluxgate::ConfigError> {
    tracing_subscriber::fmt().without_time().init();
    let openings = Arc::new(Openings::default());
    let breaker = CircuitBreaker::builder("payments")
        .tripper(FailureStreak::new(3))
        .listener(LogListener::new())
        .listener(Arc::clone(&openings))
        .listener(|signal: &Signal| {
            if let Some(reason) = &signal.reason {
                println!("closure: {reason}");
            }
        })
        .listener(page)
        .build()?;

    for _ in 0..3 {
        let _ = breaker.call(|| Err::<(), _>(std::io::Error::other("down")));
    }
    breaker.reset();

    // Before the program ends, what is still to be delivered.
    assert!(flush(Duration::from_secs(1)), "all was delivered");
    assert_eq!(openings.0.load(Ordering::Relaxed), 1);
    assert_eq!(breaker.info().listener_failures, 0);
    Ok(())
}
