//! One breaker per host: a host that fails does not affect the others.
//! In the attribute, and by hand.
//!
//! ```sh
//! cargo run --example keys
//! ```

use std::{io, sync::LazyLock, time::Duration};

use fluxgate::{
    Command, State, circuit_breaker, keyed::CircuitBreakers, retry::Cooldown,
    tripper::FailureStreak,
};

/// At most a thousand hosts at once. The idle make room for new ones; those that
/// fail, or are open and wait, do not.
#[circuit_breaker(
    name = "upstream",
    key = host,
    max_keys = 1000,
    tripper = FailureStreak(3),
    retry = Cooldown(10s),
    handle = upstreams,
)]
async fn get(host: &str, path: &str) -> io::Result<String> {
    request(host, path)
}

/// The same by hand.
static MIRRORS: LazyLock<CircuitBreakers<String>> = LazyLock::new(|| {
    CircuitBreakers::builder("mirror")
        .settings(|breaker| {
            breaker
                .tripper(FailureStreak::new(3))
                .retry(Cooldown::new(Duration::from_secs(10)))
        })
        .max_keys(1000)
        .build()
        .expect("valid settings")
});

async fn get_mirrored(host: &str, path: &str) -> io::Result<String> {
    let request = async { request(host, path) };
    MIRRORS.get(host).call_async(request).await
}

fn request(host: &str, path: &str) -> io::Result<String> {
    // … the request …
    if host.starts_with("bad") {
        return Err(io::Error::other("connection refused"));
    }
    Ok(format!("http://{host}{path}"))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    for _ in 0..4 {
        for result in [
            get("bad.example", "/").await,
            get_mirrored("bad.example", "/").await,
        ] {
            println!("{}", result.expect_err("it is down"));
        }
    }
    println!("{}", get("good.example", "/").await?);
    println!("{}", get_mirrored("good.example", "/").await?);

    for hosts in [upstreams(), &MIRRORS] {
        assert_eq!(hosts.get("bad.example").info().rejected, 1);
        assert_eq!(hosts.get("bad.example").state(), State::Open);
        assert_eq!(hosts.get("good.example").state(), State::Closed);

        // An operator steers one, or all, those of hosts yet unseen included.
        hosts.get("bad.example").command(Command::Reset);
        hosts.command_all(Command::MetricsOnly);
        assert_eq!(hosts.get("new.example").state(), State::MetricsOnly);
        for (host, breaker) in hosts.all() {
            println!("{host}: {}", breaker.state());
        }
    }
    Ok(())
}
