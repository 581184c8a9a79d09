//! A service has an outage. The circuit breaker of its client opens, probes, and
//! closes again.
//!
//! ```sh
//! cargo run --example quickstart
//! ```

use std::{
    error::Error,
    time::{Duration, Instant},
};

use fluxgate::{CallNotPermitted, Info, Signal, State, circuit_breaker};
use fluxgate_examples::{Mood, Service};
use reqwest::Client;
use tokio::time::sleep;

/// Asks the service for a price.
///
/// The attribute is all it takes: every call goes through a breaker now. It
/// opens when half of the last ten calls failed, waits for a second, longer each
/// time it has to open again, and then lets one call at a time try. Two failed
/// tries in a row open it again, three good ones close it.
#[circuit_breaker(
    window = "CountWindow(10)",
    tripper = "MinRequests(10) & FailureRate(0.5)",
    retry = "Backoff(initial = 1s, multiplier = 2.0)",
    permit = "All",
    max_half_open_calls = 1,
    reopen_after = 2,
    close_after = 3,
    listeners = [announce],
    handle = breaker,
)]
async fn price(client: &Client, url: &str) -> Result<String, PriceError> {
    let response = client.get(url).send().await?.error_for_status()?;
    Ok(response.text().await?)
}

/// What `price` fails with. A call that the breaker rejects gives an error, too,
/// and `From<CallNotPermitted>` makes it one of these.
enum PriceError {
    Http(reqwest::Error),
    Rejected(CallNotPermitted),
}

impl From<reqwest::Error> for PriceError {
    fn from(error: reqwest::Error) -> Self {
        Self::Http(error)
    }
}

impl From<CallNotPermitted> for PriceError {
    fn from(rejection: CallNotPermitted) -> Self {
        Self::Rejected(rejection)
    }
}

/// A listener: told of every transition, before the call that caused it returns.
fn announce(signal: &Signal) {
    print!("   *** {} -> {}", signal.old_state, signal.new_state);
    match &signal.reason {
        Some(reason) => println!(": {reason}"),
        None => println!(),
    }
}

/// Runs through an outage. What the service does next depends on what the
/// breaker did, and not on the time.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let service = Service::start().await?;
    let mut load = Load::on(&service)?;

    println!("The service works.");
    load.until(|info| info.metrics.total_count == 10).await?;

    println!("\nThe service begins to fail.");
    service.set(Mood::Fails);
    load.until(|info| info.state == State::Open).await?;

    println!("\nThe service is up again, but too slow to be of use.");
    service.set(Mood::IsSlow);
    load.until(|info| info.reopens > 0).await?;

    println!("\nThe service has recovered, and the breaker is about to find out.");
    service.set(Mood::Works);
    load.until(|info| info.state == State::Closed).await?;
    load.until(|info| info.metrics.total_count == 5).await?;

    let Load { passed, failed, .. } = load;
    let saved = breaker().info().rejected;
    println!(
        "\nCalls made: {}, failures seen: {failed}.",
        passed + failed
    );
    println!("Calls saved: {saved}, rejected at once while the service was down.");
    Ok(())
}

/// A client that calls every 100 ms.
struct Load<'a> {
    client: Client,
    url: &'a str,
    started: Instant,
    passed: u32,
    failed: u32,
}

impl<'a> Load<'a> {
    fn on(service: &'a Service) -> reqwest::Result<Self> {
        // A breaker is not a timeout: it hears of a slow service when calls end.
        let timeout = Duration::from_millis(500);
        Ok(Self {
            client: Client::builder().timeout(timeout).no_proxy().build()?,
            url: service.url(),
            started: Instant::now(),
            passed: 0,
            failed: 0,
        })
    }

    /// Calls until the breaker is as it should be, and gives up if it never is.
    async fn until(&mut self, reached: impl Fn(&Info) -> bool) -> Result<(), String> {
        while !reached(&breaker().info()) {
            if self.started.elapsed() > Duration::from_secs(25) {
                return Err(format!("the breaker got stuck: {:?}", breaker().info()));
            }
            self.call().await;
            sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    async fn call(&mut self) {
        let kind = match breaker().state() {
            State::Closed => "call",
            _ => "probe",
        };
        let result = price(&self.client, self.url).await;

        print!("{:4.1} s  ", self.started.elapsed().as_secs_f64());
        match result {
            Ok(price) => {
                self.passed += 1;
                println!("{kind} passed: {price}");
            }
            Err(PriceError::Http(error)) => {
                self.failed += 1;
                match error.status() {
                    Some(status) => println!("{kind} failed: {status}"),
                    None if error.is_timeout() => println!("{kind} failed: timeout"),
                    None => println!("{kind} failed: {error}"),
                }
            }
            Err(PriceError::Rejected(rejection)) => match rejection.retry_after() {
                Some(wait) => println!("rejected, next attempt in {:.1} s", wait.as_secs_f64()),
                None => println!("rejected: {rejection}"),
            },
        }
    }
}
