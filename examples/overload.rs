//! An axum server with room for so many requests, under twice as many, by the policy
//! of its client: no breaker, a breaker alone, a throttle alone, and both.
//!
//! The server answers 429 when its semaphore is taken, and refusing takes up workers,
//! too. It plays its own clients, prints what each policy got, and ends.
//!
//! ```sh
//! cargo run --example overload
//! ```

use std::{
    error::Error,
    io,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use axum::{Router, http::StatusCode, routing::get};
use fluxgate::{
    CallNotPermitted, CircuitBreaker, Classify, RejectionKind, circuit_breaker,
    permit::All,
    retry::Cooldown,
    throttle::Adaptive,
    tripper::{FailureRate, FailureStreak, MinRequests, Rule},
};
use tokio::{sync::Semaphore, task::JoinSet, time};

/// A request holds one of so many workers for so long: 200 requests a second.
const WORKERS: usize = 10;
const WORK: Duration = Duration::from_millis(50);
/// How much longer for each refusal meanwhile: 0.3 of a request.
const REFUSAL: Duration = Duration::from_millis(15);
/// Time between two requests of the clients: 400 a second.
const GAP: Duration = Duration::from_micros(2500);
/// How long the clients call, and from when on it is counted.
const LASTS: Duration = COUNTED.saturating_add(WARM_UP);
const COUNTED: Duration = Duration::from_secs(3);
const WARM_UP: Duration = Duration::from_secs(3);

/// Starts a server whose workers answer, or say that there is too much to do. A refusal
/// waits for no worker, but keeps one of them longer.
async fn serve() -> io::Result<String> {
    let workers = Arc::new((Semaphore::new(WORKERS), AtomicU32::new(0)));
    let handler = move || {
        let workers = Arc::clone(&workers);
        async move {
            let (free, refused) = &*workers;
            let Ok(_worker) = free.try_acquire() else {
                refused.fetch_add(1, Ordering::Relaxed);
                return StatusCode::TOO_MANY_REQUESTS;
            };
            time::sleep(WORK + REFUSAL * refused.swap(0, Ordering::Relaxed)).await;
            StatusCode::OK
        }
    };
    let router = Router::new().route("/", get(handler));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(url)
}

#[derive(Debug, Classify)]
enum ApiError {
    #[outcome(overloaded)]
    TooManyRequests,
    #[outcome(failure)]
    Down,
    #[outcome(ignored)]
    Rejected(CallNotPermitted),
}

impl From<CallNotPermitted> for ApiError {
    fn from(rejection: CallNotPermitted) -> Self {
        Self::Rejected(rejection)
    }
}

#[circuit_breaker(breaker = breaker)]
async fn quote(
    breaker: &CircuitBreaker,
    client: &reqwest::Client,
    url: &str,
) -> Result<(), ApiError> {
    let response = client.get(url).send().await;
    match response.map(|response| response.status()) {
        Ok(StatusCode::OK) => Ok(()),
        Ok(StatusCode::TOO_MANY_REQUESTS) => Err(ApiError::TooManyRequests),
        _ => Err(ApiError::Down),
    }
}

/// What came of the requests, a second.
#[derive(Default)]
struct Figures {
    answered: u32,
    refused: u32,
    throttled: u32,
    rejected: u32,
}

impl Figures {
    fn count(&mut self, result: &Result<(), ApiError>) {
        *match result {
            Ok(()) => &mut self.answered,
            Err(ApiError::TooManyRequests | ApiError::Down) => &mut self.refused,
            Err(ApiError::Rejected(it)) if it.kind() == RejectionKind::Throttled => {
                &mut self.throttled
            }
            Err(ApiError::Rejected(_)) => &mut self.rejected,
        } += 1;
    }
}

/// Calls a server of its own through a breaker.
async fn run(breaker: CircuitBreaker, client: reqwest::Client) -> io::Result<Figures> {
    let url: Arc<str> = serve().await?.into();
    let mut calls = JoinSet::new();
    let begins = time::Instant::now();
    let mut ticks = time::interval(GAP);
    while begins.elapsed() < LASTS {
        let at = ticks.tick().await;
        let (breaker, client, url) = (breaker.clone(), client.clone(), Arc::clone(&url));
        calls.spawn(async move { (at, quote(&breaker, &client, &url).await) });
    }
    let mut figures = Figures::default();
    while let Some(ended) = calls.join_next().await {
        let (at, result) = ended.expect("no call panics");
        if at >= begins + WARM_UP {
            figures.count(&result);
        }
    }
    Ok(figures)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let never = || Rule::from(FailureStreak::new(u64::MAX));
    let rule = || FailureStreak::new(5) | MinRequests::new(20) & FailureRate::new(0.5);
    // A longer window than 2 s is as good, and takes longer to show.
    let throttle = Adaptive::new(1.5).window(Duration::from_secs(2));
    let policy = |name: &'static str, rule: Rule| {
        CircuitBreaker::builder(name)
            .tripper(rule)
            .retry(Cooldown::new(Duration::from_secs(1)))
            .permit(All)
    };
    let policies = [
        policy("none", never()).build()?,
        policy("breaker", rule()).build()?,
        policy("throttle", never()).throttle(throttle).build()?,
        policy("both", rule()).throttle(throttle).build()?,
    ];
    println!("400 requests a second, room for 200; a refusal costs 0.3 of a request");
    println!("policy     answered/s   refused by the server/s   throttled/s   circuit open/s");
    let client = reqwest::Client::new();
    let runs = policies.map(|breaker| {
        let run = tokio::spawn(run(breaker.clone(), client.clone()));
        (breaker, run)
    });
    for (breaker, run) in runs {
        let figures = run.await??;
        let second = |calls: u32| f64::from(calls) / COUNTED.as_secs_f64();
        println!(
            "{:<10} {:>10.0} {:>25.0} {:>13.0} {:>16.0}",
            breaker.name(),
            second(figures.answered),
            second(figures.refused),
            second(figures.throttled),
            second(figures.rejected),
        );
    }
    Ok(())
}
