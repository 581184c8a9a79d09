//! What callers get while the circuit is open: the last good answer.
//!
//! ```sh
//! cargo run --example fallback_and_cache
//! ```

use std::{
    collections::HashMap,
    io,
    sync::{LazyLock, Mutex},
};

use fluxgate::{CallError, circuit_breaker};

static CACHE: LazyLock<Mutex<HashMap<String, f64>>> = LazyLock::new(Mutex::default);

#[derive(Debug, PartialEq)]
struct Quote {
    price: f64,
    is_live: bool,
}

/// The quote as the exchange gives it. What it fails with goes to the caller.
#[circuit_breaker(tripper = "FailureStreak(2)", handle = exchange)]
fn ask_exchange(symbol: &str, up: bool) -> io::Result<f64> {
    if up {
        Ok(symbol.len() as f64)
    } else {
        Err(io::Error::other("the exchange does not answer"))
    }
}

/// With a cache around it. Here the fallback needs the arguments, so it is no
/// `fallback = …` of the attribute but an ordinary match.
fn quote(symbol: &str, up: bool) -> io::Result<Quote> {
    let mut cache = CACHE.lock().expect("no panic while it is held");
    match ask_exchange(symbol, up) {
        Ok(price) => {
            cache.insert(symbol.to_owned(), price);
            Ok(Quote {
                price,
                is_live: true,
            })
        }
        Err(error) => match cache.get(symbol) {
            Some(&price) => Ok(Quote {
                price,
                is_live: false,
            }),
            None => Err(error),
        },
    }
}

/// A fallback that needs no argument: the attribute calls it on every rejection
/// and every error, and it may hand the error back.
#[circuit_breaker(fallback = no_news, handle = news)]
fn headlines(up: bool) -> Result<Vec<String>, String> {
    if up {
        Ok(vec!["Circuit closes".to_owned()])
    } else {
        Err("timeout".to_owned())
    }
}

fn no_news(error: CallError<String>) -> Result<Vec<String>, String> {
    match error {
        CallError::Rejected(rejection) => {
            println!("no headlines: {rejection}");
            Ok(Vec::new())
        }
        CallError::Failed(error) => Err(error),
    }
}

fn main() -> io::Result<()> {
    println!("up:   {:?}", quote("FLUX", true)?);
    for _ in 0..3 {
        let stale = quote("FLUX", false)?;
        assert!(!stale.is_live);
        println!("down: {stale:?}");
    }
    println!(
        "the exchange was spared {} calls",
        exchange().info().rejected
    );
    let error = quote("GATE", false).expect_err("nothing in the cache");
    println!("GATE: {error}");

    assert_eq!(headlines(true).map(|news| news.len()), Ok(1));
    assert_eq!(headlines(false), Err("timeout".to_owned()));
    news().force_open();
    assert_eq!(headlines(true), Ok(Vec::new()));
    Ok(())
}
