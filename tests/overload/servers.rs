//! Real axum servers on loopback that have too much to do, or are gone.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicI32, AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use axum::{Router, body::Body, response::Response, routing::get};
use fluxgate::{
    Builder, CallNotPermitted, CircuitBreaker, RejectionKind, State,
    clock::ManualClock,
    permit::All,
    random::Seeded,
    retry::Cooldown,
    throttle::Adaptive,
    tower::CircuitBreakerLayer,
    tripper::{FailureRate, FailureStreak, MinRequests},
};
use http::{StatusCode, header::RETRY_AFTER};
use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
};

const SECOND: Duration = Duration::from_secs(1);

async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/")
}

fn breaker(clock: &ManualClock) -> Builder {
    CircuitBreaker::builder("upstream")
        .tripper(FailureStreak::new(5) | MinRequests::new(20) & FailureRate::new(0.5))
        .retry(Cooldown::new(10 * SECOND))
        .permit(All)
        .random(Seeded::new(1))
        .clock(clock.clone())
}

/// What came of a request: a status, or a rejection.
type Answer = Result<StatusCode, CallNotPermitted>;

async fn ask(breaker: CircuitBreaker, client: reqwest::Client, url: Arc<str>) -> Answer {
    let guard = breaker.acquire()?;
    let response = client.get(&*url).send().await.expect("the server answers");
    guard.record(fluxgate::http::outcome(
        response.status(),
        response.headers(),
    ));
    Ok(response.status())
}

fn status(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// A server with so many workers, which keep their requests until the round ends.
struct Workers {
    free: Semaphore,
    round: watch::Receiver<u32>,
}

impl Workers {
    async fn answer(&self) -> Response {
        let Ok(_worker) = self.free.try_acquire() else {
            let mut response = status(StatusCode::TOO_MANY_REQUESTS);
            response.headers_mut().insert(RETRY_AFTER, 1.into());
            return response;
        };
        let mut round = self.round.clone();
        round.borrow_and_update();
        round.changed().await.expect("the test goes on");
        status(StatusCode::OK)
    }
}

/// Sends rounds of twice as many requests as there are workers. Returns how many were
/// answered, refused by the server, throttled, and rejected otherwise.
async fn twice_its_capacity(breaker: CircuitBreaker, clock: &ManualClock) -> [u32; 4] {
    const WORKERS: usize = 10;
    let (rounds, round) = watch::channel(0);
    let workers = Arc::new(Workers {
        free: Semaphore::new(WORKERS),
        round,
    });
    let router = Router::new().route("/", get(move || async move { workers.answer().await }));
    let url: Arc<str> = serve(router).await.into();
    let client = reqwest::Client::new();
    let mut counts = [0; 4];
    for number in 1..=60 {
        let mut answers = JoinSet::new();
        for _ in 0..2 * WORKERS {
            answers.spawn(ask(breaker.clone(), client.clone(), Arc::clone(&url)));
        }
        let mut held = 2 * WORKERS;
        // Those that no worker keeps come back first.
        while held > WORKERS {
            let answer = answers.join_next().await.expect("held by no worker");
            count(&mut counts, &answer.expect("no panic"));
            held -= 1;
        }
        rounds.send_replace(number);
        while !answers.is_empty() {
            tokio::select! {
                Some(answer) = answers.join_next() => {
                    count(&mut counts, &answer.expect("no panic"));
                }
                // A request that came after the round ended.
                () = tokio::task::yield_now() => {
                    rounds.send_replace(number);
                }
            }
        }
        clock.advance(Duration::from_millis(100));
    }
    counts
}

fn count(counts: &mut [u32; 4], answer: &Answer) {
    let which = match answer {
        Ok(StatusCode::OK) => 0,
        Ok(_) => 1,
        Err(rejection) if rejection.kind() == RejectionKind::Throttled => 2,
        Err(_) => 3,
    };
    counts[which] += 1;
}

#[tokio::test]
async fn server_with_a_semaphore_is_throttled() {
    let clock = ManualClock::new();
    let alone = breaker(&clock).build().expect("sound settings");
    let [few, ..] = twice_its_capacity(alone.clone(), &clock).await;
    assert_eq!(alone.info().throttled, 0);
    assert!(alone.info().rejected > 600, "the breaker alone opens");

    let both = breaker(&clock).throttle(Adaptive::new(1.5));
    let both = both.build().expect("sound settings");
    let [good, refused, throttled, rejected] = twice_its_capacity(both.clone(), &clock).await;
    assert_eq!((both.state(), rejected), (State::Closed, 0));
    assert!(
        good >= 500 && good > 3 * few,
        "{good} of 600, and {few} by a breaker alone"
    );
    assert!(
        throttled > 200 && refused < 500,
        "{refused} and {throttled}"
    );
    let rejection = (0..1000).find_map(|_| both.acquire().err());
    let wait = rejection.and_then(|rejection| rejection.retry_after());
    assert!(wait.is_some_and(|wait| wait <= SECOND), "{wait:?}");
}

/// A server that answers every request alike. Returns its URL, and how often it was
/// asked.
async fn always(answer: StatusCode) -> (Arc<str>, Arc<AtomicU32>) {
    let asked = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&asked);
    let router = Router::new().route(
        "/",
        get(move || async move {
            counted.fetch_add(1, Relaxed);
            status(answer)
        }),
    );
    (serve(router).await.into(), asked)
}

/// A load balancer says 503 for a backend that is dead: that is the breaker's.
#[tokio::test]
async fn balancer_without_a_backend_opens_the_circuit() {
    let client = reqwest::Client::new();
    let mut reached = Vec::new();
    for throttle in [None, Some(Adaptive::new(1.5))] {
        let (url, asked) = always(StatusCode::SERVICE_UNAVAILABLE).await;
        let clock = ManualClock::new();
        let mut builder = breaker(&clock);
        if let Some(throttle) = throttle {
            builder = builder.throttle(throttle);
        }
        let breaker = builder.build().expect("sound settings");
        for _ in 0..300 {
            let _ = ask(breaker.clone(), client.clone(), Arc::clone(&url)).await;
            clock.advance(Duration::from_millis(100));
        }
        assert_eq!(breaker.info().throttled, 0);
        reached.push(asked.load(Relaxed));
    }
    assert_eq!(reached[0], reached[1]);
    assert!(reached[0] < 20, "{reached:?}");
}

/// One that says 429 for a dead backend is throttled for a window, and then opens.
#[tokio::test]
async fn balancer_that_says_429_opens_after_a_window() {
    let (url, asked) = always(StatusCode::TOO_MANY_REQUESTS).await;
    let (client, clock) = (reqwest::Client::new(), ManualClock::new());
    let breaker = breaker(&clock).throttle(Adaptive::new(1.5).min(10));
    let breaker = breaker.build().expect("sound settings");
    let mut tenths = 0;
    while breaker.state() == State::Closed && tenths < 1000 {
        let _ = ask(breaker.clone(), client.clone(), Arc::clone(&url)).await;
        clock.advance(Duration::from_millis(100));
        tenths += 1;
    }
    assert!(
        (100..300).contains(&tenths),
        "after {tenths} tenths of a second"
    );
    assert!(asked.load(Relaxed) < 40, "{asked:?}");
}

/// A server that works to refuse: an answer takes four units of work, a refusal one,
/// also when none is left.
#[tokio::test]
async fn server_that_burns_to_refuse_serves_more() {
    let client = reqwest::Client::new();
    let mut served = Vec::new();
    for throttle in [None, Some(Adaptive::new(1.5))] {
        let budget = Arc::new(AtomicI32::new(0));
        let left = Arc::clone(&budget);
        let router = Router::new().route(
            "/",
            get(move || async move {
                // Work that no compiler takes away.
                let burnt: u64 = (0..1000_u64).map(std::hint::black_box).sum();
                assert_eq!(burnt, 499_500);
                let answers = left.load(Relaxed) >= 4;
                left.fetch_sub(if answers { 4 } else { 1 }, Relaxed);
                status(if answers {
                    StatusCode::OK
                } else {
                    StatusCode::TOO_MANY_REQUESTS
                })
            }),
        );
        let url: Arc<str> = serve(router).await.into();
        let clock = ManualClock::new();
        let mut builder = breaker(&clock).tripper(FailureStreak::new(u64::MAX));
        if let Some(throttle) = throttle {
            builder = builder.throttle(throttle);
        }
        let breaker = builder.build().expect("sound settings");
        let mut counts = [0; 4];
        for call in 0..1200 {
            // Work for one answer in two calls; what is not used by then is lost.
            if call % 4 == 0 {
                let left = budget.load(Relaxed);
                budget.store((left + 8).min(12), Relaxed);
            }
            let answer = ask(breaker.clone(), client.clone(), Arc::clone(&url)).await;
            count(&mut counts, &answer);
            clock.advance(Duration::from_millis(20));
        }
        served.push(counts);
    }
    let [[without, refused, ..], [with, still, throttled, _]] = served[..] else {
        panic!("two runs");
    };
    assert!(
        with > without + 50,
        "{with} answered, and {without} without"
    );
    assert!(2 * still < refused && throttled > 200, "{served:?}");
}

/// A rejection of a server's own layer is a 503 with what is left of the wait.
#[tokio::test]
async fn throttled_layer_answers_503_with_retry_after() {
    let clock = ManualClock::new();
    let breaker = breaker(&clock).throttle(Adaptive::new(1.5));
    let breaker = breaker.build().expect("sound settings");
    let layer = CircuitBreakerLayer::new(breaker.clone())
        .with_classifier(fluxgate::http::classify::<Body, Infallible>)
        .on_rejection(|rejection| Ok(Response::from(rejection)));
    let router = Router::new().route(
        "/",
        get(async || {
            let mut response = status(StatusCode::TOO_MANY_REQUESTS);
            response.headers_mut().insert(RETRY_AFTER, 7.into());
            response
        }),
    );
    let url = serve(router.layer(layer)).await;
    let mut waits = Vec::new();
    for _ in 0..100 {
        let response = reqwest::get(&url).await.expect("a response");
        if response.status() == StatusCode::SERVICE_UNAVAILABLE {
            let wait = response.headers()[RETRY_AFTER].to_str().expect("text");
            waits.push(wait.to_owned());
        }
    }
    assert_eq!(breaker.info().throttled, waits.len() as u64);
    assert!(waits.len() > 20 && waits.iter().all(|wait| wait == "7"));
    assert_eq!(breaker.state(), State::Closed);
    clock.advance(4 * SECOND);
    let mut last = None;
    for _ in 0..100 {
        let response = reqwest::get(&url).await.expect("a response");
        if response.status() == StatusCode::SERVICE_UNAVAILABLE {
            last = Some(response.headers()[RETRY_AFTER].clone());
            break;
        }
    }
    let last = last.expect("nearly all are throttled");
    assert!(last == "3" || last == "7", "{last:?}");
}
