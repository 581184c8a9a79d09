//! One breaker per host: one that fails does not close the door to the others.
//!
//! ```sh
//! cargo run --example keys
//! ```

use std::{io, sync::LazyLock, time::Duration};

use fluxgate::{Command, State, keyed::CircuitBreakers, retry::Cooldown, tripper::FailureStreak};

/// At most a thousand hosts at once. The idle make room for new ones, the open
/// never do.
static HOSTS: LazyLock<CircuitBreakers<String>> = LazyLock::new(|| {
    CircuitBreakers::builder("upstream")
        .settings(|breaker| {
            breaker
                .tripper(FailureStreak::new(3))
                .retry(Cooldown::new(Duration::from_secs(10)))
        })
        .capacity(1000)
        .build()
        .expect("valid settings")
});

async fn get(host: &str, path: &str) -> io::Result<String> {
    let request = async {
        // … the request …
        if host.starts_with("bad") {
            Err(io::Error::other("connection refused"))
        } else {
            Ok(format!("http://{host}{path}"))
        }
    };
    HOSTS.get(host).call_async(request).await
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    for _ in 0..4 {
        match get("bad.example", "/").await {
            Ok(page) => println!("{page}"),
            Err(error) => println!("{error}"),
        }
    }
    println!("{}", get("good.example", "/").await?);
    assert_eq!(HOSTS.get("bad.example").state(), State::Open);
    assert_eq!(HOSTS.get("good.example").state(), State::Closed);

    // An operator steers one, or all, those of hosts yet unseen included.
    HOSTS.get("bad.example").command(Command::Reset);
    HOSTS.command_all(Command::MetricsOnly);
    assert_eq!(HOSTS.get("new.example").state(), State::MetricsOnly);
    for (host, breaker) in HOSTS.all() {
        println!("{host}: {}", breaker.state());
    }
    Ok(())
}
