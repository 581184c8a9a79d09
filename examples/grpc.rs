//! A tonic client behind a breaker: gRPC statuses are read where they are, in the
//! trailers, and a rejection is `UNAVAILABLE`.
//!
//! `cargo run --example grpc`

use std::{
    error::Error,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use fluxgate::{
    CircuitBreaker, State, permit::All, retry::Cooldown, tower::CircuitBreakerLayer,
    tripper::FailureStreak,
};
use tonic::{
    Code, Request, Status,
    service::interceptor::InterceptedService,
    transport::{Endpoint, Server, server::TcpIncoming},
};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tower::Layer;

/// While set, the server answers everything with `UNAVAILABLE`.
static OUTAGE: AtomicBool = AtomicBool::new(false);

fn outage(request: Request<()>) -> Result<Request<()>, Status> {
    if OUTAGE.load(Ordering::Relaxed) {
        Err(Status::unavailable("no database"))
    } else {
        Ok(request)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // Any gRPC service will do; this one comes with its generated code.
    let (_reporter, health) = tonic_health::server::health_reporter();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = Server::builder().add_service(InterceptedService::new(health, outage));
    tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));

    let breaker = CircuitBreaker::builder("health")
        .tripper(FailureStreak::new(3))
        .retry(Cooldown::new(Duration::from_millis(50)))
        .permit(All)
        .build()?;
    let channel = Endpoint::try_from(format!("http://{address}"))?.connect_lazy();
    let layer = CircuitBreakerLayer::new(breaker.clone()).grpc();
    let client = HealthClient::new(layer.layer(channel));
    let check = async |service: &str| {
        let service = service.to_owned();
        client.clone().check(HealthCheckRequest { service }).await
    };

    check("").await?;
    // `NOT_FOUND` proves that the service answers.
    for _ in 0..5 {
        let status = check("no such service").await.expect_err("there is none");
        assert_eq!(status.code(), Code::NotFound);
    }
    assert_eq!((breaker.state(), breaker.info().alive), (State::Closed, 5));

    OUTAGE.store(true, Ordering::Relaxed);
    for _ in 0..3 {
        let status = check("").await.expect_err("an outage");
        println!("{:?}: {}", status.code(), status.message());
    }
    let status = check("").await.expect_err("the circuit is open");
    println!("{:?}: {}", status.code(), status.message());
    assert_eq!(breaker.info().rejected, 1);

    OUTAGE.store(false, Ordering::Relaxed);
    let wait = breaker.info().retry_after.expect("it is open");
    tokio::time::sleep(wait).await;
    check("").await?;
    assert_eq!(breaker.state(), State::Closed);
    println!("{}: {}", breaker.name(), breaker.state());
    Ok(())
}
