//! How an annotated function is tested: with frozen time, and without sleeping.
//! The tests are below; here `main` calls them.
//!
//! ```sh
//! cargo run --example testing
//! cargo test --example testing
//! ```

use std::{io, time::Duration};

use fluxgate::circuit_breaker;

#[circuit_breaker(
    tripper = "FailureStreak(2)",
    retry = "Backoff(initial = 10s)",
    permit = "All",
    reopen_after = 1,
    handle = stock_breaker,
)]
fn stock(up: bool) -> io::Result<u32> {
    if up {
        Ok(7)
    } else {
        Err(io::Error::other("down"))
    }
}

/// What we really want to test: that our page survives an outage.
fn page(up: bool) -> String {
    match stock(up) {
        Ok(count) => format!("{count} left"),
        Err(_) => "ask at the counter".to_owned(),
    }
}

mod tests {
    use fluxgate::{State, testing};

    use super::{Duration, page, stock, stock_breaker};

    #[cfg_attr(test, test)]
    pub(super) fn the_page_survives_an_open_circuit() {
        let _time = testing::freeze();
        assert_eq!(page(true), "7 left");
        stock_breaker().force_open();
        assert_eq!(page(true), "ask at the counter");
    }

    #[cfg_attr(test, test)]
    pub(super) fn each_failed_try_doubles_the_wait() {
        let time = testing::freeze();
        for _ in 0..2 {
            assert!(stock(false).is_err());
        }
        for wait in [10, 20, 40] {
            assert_eq!(
                stock_breaker().info().retry_after,
                Some(Duration::from_secs(wait))
            );
            time.advance(Duration::from_secs(wait));
            assert!(stock(false).is_err(), "a bad probe");
        }
        time.advance(Duration::from_secs(80));
        assert!(stock(true).is_ok());
        assert_eq!(stock_breaker().state(), State::Closed);
    }
}

fn main() {
    tests::the_page_survives_an_open_circuit();
    tests::each_failed_try_doubles_the_wait();
    println!("ok, in no time");
}
