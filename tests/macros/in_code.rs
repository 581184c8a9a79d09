//! Policies, numbers and breakers that come from elsewhere in the code.

use std::{
    io,
    sync::{Arc, LazyLock},
    time::Duration,
};

use fluxgate::{
    CircuitBreaker, State, breaker, circuit_breaker,
    permit::{All, Permit},
    retry::{Backoff, Cooldown},
    testing,
    tripper::{FailureRate, FailureStreak, MinRequests, Rule},
    window::CountWindow,
};

fn down() -> io::Result<u8> {
    Err(io::ErrorKind::TimedOut.into())
}

mod policies {
    use super::*;

    pub(super) const STREAK: FailureStreak = FailureStreak::new(2);
    pub(super) const RETRY: Backoff = Backoff::new(Duration::from_secs(10));

    pub(super) fn standard() -> Rule {
        FailureStreak::new(2) | MinRequests::new(20) & FailureRate::new(0.5)
    }

    pub(super) fn permit() -> impl Permit {
        All
    }

    pub(super) fn after(secs: u64) -> Cooldown {
        Cooldown::new(Duration::from_secs(secs))
    }

    pub(super) fn window() -> CountWindow {
        CountWindow::new(50)
    }
}

fn is_timeout(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::TimedOut
}

#[circuit_breaker(
    tripper = policies::standard(),
    window = policies::window(),
    retry = policies::after(3),
    permit = policies::permit(),
    tracker = is_timeout,
    handle = by_functions_breaker,
)]
fn by_functions() -> io::Result<u8> {
    down()
}

#[circuit_breaker(
    tripper = "policies::STREAK & Closed | policies::standard()",
    retry = policies::RETRY,
    tracker = is_timeout & !TypeOf(std::fmt::Error),
    handle = by_constants_breaker,
)]
fn by_constants() -> io::Result<u8> {
    down()
}

#[test]
fn policies_from_code_open_the_circuit() {
    let _time = testing::freeze();
    for _ in 0..2 {
        by_functions().unwrap_err();
        by_constants().unwrap_err();
    }
    assert_eq!(by_functions_breaker().state(), State::Open);
    assert_eq!(by_constants_breaker().state(), State::Open);
    let wait = |breaker: &CircuitBreaker| breaker.info().retry_after.unwrap().as_secs();
    assert_eq!(wait(by_functions_breaker()), 3);
    assert_eq!(wait(by_constants_breaker()), 10);
}

const MIN: u32 = 3;
const WINDOW: i128 = 40;
const PROBES: u8 = 2;
const RATIO: f32 = 0.5;
static STREAK: LazyLock<u16> = LazyLock::new(|| 9);

fn keys() -> i64 {
    10
}

#[circuit_breaker(
    window = CountWindow(WINDOW),
    tripper = MinRequests(MIN) & FailureRate(RATIO) | FailureStreak(*STREAK),
    max_half_open_calls = PROBES,
    close_after = if cfg!(debug_assertions) { 1 } else { 2 },
    handle = numbers_breaker,
)]
fn numbers() -> io::Result<u8> {
    down()
}

#[circuit_breaker(key = tenant, max_keys = keys(), max_labels = MIN, handle = bounded_breakers)]
fn bounded(tenant: &str) -> io::Result<usize> {
    Ok(tenant.len())
}

#[circuit_breaker(window = TimeWindow(30s, slots = MIN), tripper = FailureStreak(1), handle = slots_breaker)]
fn slots() -> io::Result<u8> {
    down()
}

#[test]
fn numbers_of_any_type_are_settings() {
    let _time = testing::freeze();
    for _ in 0..3 {
        numbers().unwrap_err();
    }
    assert_eq!(numbers_breaker().state(), State::Open);
    assert_eq!(bounded("a").unwrap(), 1);
    assert_eq!(bounded_breakers().len(), 1);
    slots().unwrap_err();
    assert_eq!(slots_breaker().state(), State::Open);
}

static LAZY: LazyLock<CircuitBreaker> =
    LazyLock::new(|| CircuitBreaker::builder("shared::LAZY").build().unwrap());

breaker! { static DEFINED; }

fn reference() -> &'static CircuitBreaker {
    &LAZY
}

fn owned() -> CircuitBreaker {
    LAZY.clone()
}

fn counted() -> Arc<CircuitBreaker> {
    Arc::new(owned())
}

#[circuit_breaker(breaker = LAZY)]
fn by_static() -> io::Result<u8> {
    Ok(1)
}

#[circuit_breaker(breaker = *LAZY)]
fn by_deref() -> io::Result<u8> {
    Ok(1)
}

#[circuit_breaker(breaker = &LAZY)]
fn by_borrow() -> io::Result<u8> {
    Ok(1)
}

#[circuit_breaker(breaker = LAZY.clone())]
fn by_clone() -> io::Result<u8> {
    Ok(1)
}

#[circuit_breaker(breaker = reference())]
fn by_reference() -> io::Result<u8> {
    Ok(1)
}

#[circuit_breaker(breaker = owned())]
async fn by_value() -> io::Result<u8> {
    Ok(1)
}

#[circuit_breaker(breaker = counted(), fallback = async |_| Ok(0))]
async fn by_arc() -> io::Result<u8> {
    Ok(1)
}

#[circuit_breaker(breaker = DEFINED)]
fn by_macro() -> io::Result<u8> {
    Ok(1)
}

#[tokio::test]
async fn breakers_are_shared_by_any_expression() {
    let _time = testing::freeze();
    by_static().unwrap();
    by_deref().unwrap();
    by_borrow().unwrap();
    by_clone().unwrap();
    by_reference().unwrap();
    by_value().await.unwrap();
    by_arc().await.unwrap();
    assert_eq!(LAZY.info().metrics.total_count, 7);
    by_macro().unwrap();
    assert_eq!(DEFINED.info().metrics.total_count, 1);
}

struct Client {
    breaker: CircuitBreaker,
    calls: u8,
}

impl Client {
    fn new(name: &'static str) -> Self {
        Self {
            breaker: CircuitBreaker::builder(name).build().unwrap(),
            calls: 0,
        }
    }

    fn breaker(&self) -> &CircuitBreaker {
        &self.breaker
    }

    fn bump(&mut self) -> io::Result<u8> {
        self.calls += 1;
        Ok(self.calls)
    }

    #[circuit_breaker(breaker = self.breaker)]
    fn shared(&self) -> io::Result<u8> {
        Ok(self.calls)
    }

    #[circuit_breaker(breaker = self.breaker.clone())]
    fn cloned(&self) -> io::Result<u8> {
        Ok(self.calls)
    }

    #[circuit_breaker(breaker = self.breaker)]
    fn exclusive(&mut self) -> io::Result<u8> {
        self.bump()
    }

    #[circuit_breaker(breaker = self.breaker(), fallback = |_| Ok(self.calls))]
    fn with_fallback(&mut self) -> io::Result<u8> {
        self.bump()
    }

    #[circuit_breaker(breaker = self.breaker)]
    async fn exclusive_async(&mut self) -> io::Result<u8> {
        self.bump()
    }

    #[circuit_breaker(breaker = self.breaker.clone())]
    fn future(&mut self) -> impl Future<Output = io::Result<u8>> + Send {
        let calls = self.bump();
        async { calls }
    }

    #[circuit_breaker(breaker = self.breaker)]
    async fn consumed(mut self) -> io::Result<u8> {
        self.bump()
    }
}

#[circuit_breaker(breaker = client.breaker)]
fn takes(client: Client) -> io::Result<u8> {
    Ok(client.calls)
}

#[tokio::test]
async fn breakers_of_instances_serve_every_receiver() {
    let mut client = Client::new("instance");
    let breaker = client.breaker.clone();
    client.shared().unwrap();
    client.cloned().unwrap();
    client.exclusive().unwrap();
    client.with_fallback().unwrap();
    client.exclusive_async().await.unwrap();
    client.future().await.unwrap();
    assert_eq!(client.consumed().await.unwrap(), 5);
    assert_eq!(breaker.info().metrics.total_count, 7);
    assert_eq!(takes(Client::new("taken")).unwrap(), 0);
}
