//! A reqwest client as a tower stack: timeouts inside the breaker, and statuses
//! and `Retry-After` judged by the feature `http`.
//!
//! ```sh
//! cargo run --example tower_client
//! ```

use std::{error::Error, time::Duration};

use fluxgate::{
    CallNotPermitted, CircuitBreaker, Outcome, State,
    tower::{BoxError, CircuitBreakerLayer},
    tripper::FailureStreak,
};
use fluxgate_examples::{Mood, Service as Upstream};
use reqwest::{Client, Method, Request, Response};
use tower::{Service, ServiceBuilder, ServiceExt};

fn outcome(result: &Result<Response, BoxError>) -> Outcome {
    match result {
        Ok(response) => fluxgate::http::outcome(response.status(), response.headers()),
        Err(_) => Outcome::Failure,
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let upstream = Upstream::start().await?;
    let url = reqwest::Url::parse(upstream.url())?;
    let breaker = CircuitBreaker::builder("prices")
        .tripper(FailureStreak::new(3))
        .build()?;
    let mut client = ServiceBuilder::new()
        .layer(CircuitBreakerLayer::new(breaker.clone()).with_classifier(outcome))
        .timeout(Duration::from_secs(1))
        .service(Client::new());

    upstream.set(Mood::Fails);
    for _ in 0..5 {
        let request = Request::new(Method::GET, url.clone());
        match client.ready().await?.call(request).await {
            Ok(response) => println!("{}", response.status()),
            Err(error) if error.is::<CallNotPermitted>() => println!("rejected: {error}"),
            Err(error) => println!("failed: {error}"),
        }
    }
    assert_eq!((breaker.state(), breaker.info().rejected), (State::Open, 2));
    Ok(())
}
