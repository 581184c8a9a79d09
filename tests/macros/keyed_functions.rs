//! `key = …` on functions of every shape, and on several.

use std::{fmt, future::Future, io, pin::Pin, rc::Rc};

use fluxgate::{
    CallError, Command, circuit_breaker,
    keyed::{CircuitBreakers, StaticBreakers},
    registry,
};

use crate::keys::{down, is_rejection};

#[circuit_breaker(
    key = tenant,
    tripper = FailureStreak(1),
    fallback = |error| match error {
        CallError::Rejected(_) => Ok(format!("{tenant}: no quote now")),
        CallError::Failed(error) => Err(error),
    },
)]
async fn quote_async(tenant: String, fails: bool) -> io::Result<String> {
    tokio::task::yield_now().await;
    if fails {
        return down();
    }
    Ok(tenant.clone())
}

fn assert_send<T: Send>(value: T) -> T {
    value
}

#[tokio::test]
async fn async_functions_and_fallbacks() {
    assert!(quote_async("a".to_owned(), true).await.is_err());
    let answer = assert_send(quote_async("a".to_owned(), false)).await;
    assert_eq!(answer.unwrap(), "a: no quote now");
    assert_eq!(
        quote_async("b".to_owned(), false).await.unwrap(),
        "b".to_owned()
    );
}

/// What the key is computed from is gone when the future waits: it is `Send`
/// though an `Rc` was asked.
#[circuit_breaker(key = &**Rc::new(tenant.to_owned()), key_type = String)]
async fn through_an_rc(tenant: &str) -> io::Result<usize> {
    tokio::task::yield_now().await;
    Ok(tenant.len())
}

#[circuit_breaker(key = tenant, tripper = FailureStreak(1), handle = boxed_breakers)]
fn boxed(tenant: String) -> Pin<Box<dyn Future<Output = io::Result<String>> + Send>> {
    Box::pin(async move { Ok(tenant) })
}

#[circuit_breaker(key = tenant)]
fn opaque<'a>(tenant: &'a str) -> impl Future<Output = io::Result<&'a str>> + Send {
    async move { Ok(tenant) }
}

#[tokio::test]
async fn functions_that_return_futures() {
    let _time = fluxgate::testing::freeze();
    assert_eq!(assert_send(through_an_rc("abc")).await.unwrap(), 3);
    assert_eq!(boxed("a".to_owned()).await.unwrap(), "a");
    assert_eq!(opaque("a").await.unwrap(), "a");
    let waiting = boxed("b".to_owned());
    boxed_breakers().command_all(Command::ForceOpen);
    assert!(is_rejection(&waiting.await.unwrap_err()));
    boxed_breakers().command_all(Command::Reset);
}

struct Client {
    region: String,
}

trait Api {
    fn get(&self, path: &str) -> io::Result<usize>;
}

#[async_trait::async_trait]
trait Later {
    async fn later(&self, path: &str) -> io::Result<usize>;
}

impl Client {
    #[circuit_breaker(key = self.region, key_type = String, handle = breakers)]
    fn method(&self, path: &str) -> io::Result<usize> {
        Ok(self.region.len() + path.len())
    }

    #[circuit_breaker(key = region, handle = Self::associated_breakers)]
    fn associated<T: fmt::Display>(region: &str, what: T) -> io::Result<String> {
        Ok(format!("{region}{what}"))
    }
}

impl Api for Client {
    #[circuit_breaker(name = "api", key = self.region.as_str(), key_type = String)]
    fn get(&self, path: &str) -> io::Result<usize> {
        Ok(path.len())
    }
}

#[async_trait::async_trait]
impl Later for Client {
    #[circuit_breaker(name = "later", key = self.region, key_type = String)]
    async fn later(&self, path: &str) -> io::Result<usize> {
        tokio::task::yield_now().await;
        Ok(path.len())
    }
}

#[tokio::test]
async fn methods() {
    let _time = fluxgate::testing::freeze();
    let client = Client {
        region: "eu".to_owned(),
    };
    assert_eq!(client.method("/").unwrap(), 3);
    assert!(
        Client::breakers()
            .get("eu")
            .name()
            .ends_with("Client::method/eu")
    );
    assert_eq!(client.get("/").unwrap(), 1);
    assert_eq!(client.later("/").await.unwrap(), 1);
    assert_eq!(
        registry::find("api/eu").unwrap().info().metrics.total_count,
        1
    );
    assert!(registry::find("later/eu").is_some());

    // All instantiations share them.
    assert_eq!(Client::associated("eu", 1).unwrap(), "eu1");
    assert_eq!(Client::associated("eu", "x").unwrap(), "eux");
    let breaker = Client::associated_breakers().get("eu");
    assert_eq!(breaker.info().metrics.total_count, 2);
}

fluxgate::breaker! {
    /// One for each tenant.
    static TENANTS = { name = "tenants", key_type = String, tripper = FailureStreak(1) };
}

#[circuit_breaker(breaker = TENANTS, key = tenant)]
fn read(tenant: &str) -> io::Result<()> {
    if tenant == "bad" { down() } else { Ok(()) }
}

#[circuit_breaker(breaker = TENANTS, key = tenant, fallback = |_| Ok("fallback".to_owned()))]
async fn write(tenant: String) -> io::Result<String> {
    Ok(tenant)
}

struct Pool {
    hosts: CircuitBreakers<String>,
}

impl Pool {
    #[circuit_breaker(breaker = self.hosts, key = host)]
    fn connect(&self, host: &str) -> io::Result<usize> {
        Ok(host.len())
    }
}

#[tokio::test]
async fn functions_share_breakers_by_key() {
    assert!(read("bad").is_err());
    assert_eq!(write("bad".to_owned()).await.unwrap(), "fallback");
    assert_eq!(write("good".to_owned()).await.unwrap(), "good");
    let tenants: &StaticBreakers<String> = &TENANTS;
    assert_eq!(tenants.get("bad").name(), "tenants/bad");
    TENANTS.get("bad").reset();
    assert_eq!(write("bad".to_owned()).await.unwrap(), "bad");

    let pool = Pool {
        hosts: CircuitBreakers::builder("pool").build().unwrap(),
    };
    assert_eq!(pool.connect("a.example").unwrap(), 9);
    assert_eq!(pool.hosts.len(), 1);
}

/// A listener is made once, and told of all keys.
mod listeners {
    use std::sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    };

    use super::*;
    use fluxgate::{Listener, Signal};

    static MADE: AtomicUsize = AtomicUsize::new(0);
    static TOLD: Mutex<Vec<String>> = Mutex::new(Vec::new());

    struct Counted;

    impl Counted {
        fn new() -> Self {
            MADE.fetch_add(1, Ordering::Relaxed);
            Self
        }
    }

    impl Listener for Counted {
        fn on_signal(&self, signal: &Signal) {
            TOLD.lock().unwrap().push(signal.name.to_string());
        }
    }

    #[circuit_breaker(
        name = "told",
        key = tenant,
        tripper = FailureStreak(1),
        listeners = [LogListener, Counted::new(), PrometheusListener(registry = metrics().clone())],
    )]
    fn fail(tenant: &str) -> io::Result<usize> {
        let _ = tenant;
        down()
    }

    fn metrics() -> &'static prometheus::Registry {
        static METRICS: std::sync::LazyLock<prometheus::Registry> =
            std::sync::LazyLock::new(prometheus::Registry::new);
        &METRICS
    }

    #[test]
    fn are_shared_by_all_keys() {
        let _time = fluxgate::testing::freeze();
        for tenant in ["a", "b"] {
            assert!(fail(tenant).is_err());
        }
        assert_eq!(MADE.load(Ordering::Relaxed), 1);
        assert_eq!(*TOLD.lock().unwrap(), ["told/a", "told/b"]);

        let labels: Vec<String> = metrics()
            .gather()
            .iter()
            .flat_map(prometheus::proto::MetricFamily::get_metric)
            .flat_map(prometheus::proto::Metric::get_label)
            .map(|label| label.value().to_owned())
            .collect();
        for name in ["told/a", "told/b", "told/*"] {
            assert!(
                labels.iter().any(|label| label == name),
                "{name} in {labels:?}"
            );
        }
    }
}
