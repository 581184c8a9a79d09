//! `key = …`: one breaker for each key.

use std::{fmt, future::Future, io, pin::Pin, rc::Rc, sync::Arc};

use fluxgate::{
    CallError, Command, State, circuit_breaker,
    keyed::{CircuitBreakers, StaticBreakers},
    registry,
};

fn down<T>() -> io::Result<T> {
    Err(io::Error::other("down"))
}

fn is_rejection(error: &io::Error) -> bool {
    error
        .get_ref()
        .is_some_and(<dyn std::error::Error + Send + Sync>::is::<fluxgate::CallNotPermitted>)
}

#[circuit_breaker(key = tenant, tripper = FailureStreak(1), handle = quotes)]
fn quote(tenant: &str, fails: bool) -> io::Result<String> {
    if fails {
        return down();
    }
    Ok(format!("for {tenant}"))
}

#[test]
fn one_that_fails_does_not_close_the_door_to_others() {
    assert!(quote("a", true).is_err());
    assert!(is_rejection(&quote("a", false).unwrap_err()));
    assert_eq!(quote("b", false).unwrap(), "for b");

    let breakers: &'static CircuitBreakers<String> = quotes();
    assert_eq!(breakers.get("a").state(), State::Open);
    assert_eq!(breakers.get("b").info().metrics.total_count, 1);
    assert_eq!(breakers.len(), 2);
    assert!(breakers.get("a").name().ends_with("keys::quote/a"));
}

#[circuit_breaker(
    name = "orders",
    key = order.region.as_str(),
    key_type = String,
    max_keys = 2,
    max_labels = 1,
    handle = order_breakers,
)]
fn place(order: Order) -> io::Result<Order> {
    // What the key looks at is the body's to take.
    let Order { region } = order;
    Ok(Order { region })
}

struct Order {
    region: String,
}

fn order(region: &str) -> Order {
    Order {
        region: region.to_owned(),
    }
}

#[test]
fn the_body_takes_what_the_key_looked_at() {
    for region in ["eu", "us", "eu"] {
        assert_eq!(place(order(region)).unwrap().region, region);
    }
    let breakers = order_breakers();
    assert_eq!(breakers.get("eu").info().metrics.total_count, 2);

    // The bounds, and names by label.
    let names = ["eu", "us"].map(|region| breakers.get(region).name().to_string());
    assert_eq!(names.iter().filter(|name| *name == "orders/*").count(), 1);
    let held = ["eu", "us"].map(|region| breakers.get(region));
    assert!(place(order("apac")).is_ok());
    assert_eq!(breakers.overflow().info().metrics.total_count, 1);
    assert_eq!(breakers.len(), held.len());
}

#[test]
fn the_registry_knows_the_labelled_and_the_rest_before_their_first_call() {
    assert!(registry::find("never called/*").is_some());
    assert!(place(order("eu")).is_ok());
    let names: Vec<_> = registry::all()
        .iter()
        .map(|breaker| breaker.name().to_string())
        .collect();
    assert!(names.iter().any(|name| name == "orders/*"), "{names:?}");
}

#[allow(dead_code)]
#[circuit_breaker(name = "never called", key = shard)]
fn never_called(shard: u32) -> io::Result<()> {
    let _ = shard;
    Ok(())
}

/// Owned, shared, copied, and of types of one's own.
mod kinds {
    use super::*;

    #[derive(Clone, PartialEq, Eq, Hash)]
    pub(super) struct Shard(pub(super) u8);

    impl fmt::Display for Shard {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "shard {}", self.0)
        }
    }

    #[circuit_breaker(key = tenant, handle = owned_breakers)]
    pub(super) fn owned(tenant: String) -> io::Result<String> {
        Ok(tenant)
    }

    #[circuit_breaker(key = &tenant, handle = shared_breakers)]
    pub(super) fn shared(tenant: Arc<str>) -> io::Result<Arc<str>> {
        Ok(tenant)
    }

    #[circuit_breaker(key = shard, handle = number_breakers)]
    pub(super) fn number(shard: u64) -> io::Result<u64> {
        Ok(shard)
    }

    #[circuit_breaker(key = shard % 4, key_type = u64, handle = computed_breakers)]
    pub(super) fn computed(shard: u64) -> io::Result<u64> {
        Ok(shard)
    }

    #[circuit_breaker(key = shard, handle = own_breakers)]
    pub(super) fn own(shard: &Shard) -> io::Result<u8> {
        Ok(shard.0)
    }

    #[circuit_breaker(key = format!("{host}:{port}"), key_type = String, handle = made_breakers)]
    pub(super) fn made(host: &str, port: u16) -> io::Result<usize> {
        Ok(host.len() + usize::from(port))
    }
}

#[test]
fn keys_of_every_kind() {
    use kinds::*;
    assert_eq!(owned("a".to_owned()).unwrap(), "a");
    assert_eq!(owned_breakers().get("a").info().metrics.total_count, 1);
    assert_eq!(&*shared("a".into()).unwrap(), "a");
    assert_eq!(shared_breakers().len(), 1);
    assert_eq!(number(7).unwrap(), 7);
    assert_eq!(number_breakers().get(&7).info().metrics.total_count, 1);
    assert_eq!(computed(7).unwrap() + computed(3).unwrap(), 10);
    assert_eq!(computed_breakers().get(&3).info().metrics.total_count, 2);
    assert_eq!(own(&Shard(1)).unwrap(), 1);
    assert!(
        own_breakers()
            .get(&Shard(1))
            .name()
            .ends_with("own/shard 1")
    );
    assert_eq!(made("a", 80).unwrap(), 81);
    assert!(made_breakers().find("a:80").is_some());
}

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
    assert_eq!(assert_send(through_an_rc("abc")).await.unwrap(), 3);
    assert_eq!(boxed("a".to_owned()).await.unwrap(), "a");
    assert_eq!(opaque("a").await.unwrap(), "a");
    let waiting = boxed("b".to_owned());
    boxed_breakers().command_all(Command::ForceOpen);
    assert!(is_rejection(&waiting.await.unwrap_err()));
    boxed_breakers().command_all(Command::Reset);
}

/// What a key borrows it gives back before the body runs, and what is made for it
/// is gone before the future waits.
mod borrows {
    use std::{cell::RefCell, sync::Mutex};

    use super::*;

    #[circuit_breaker(key = tenant.borrow().as_str(), key_type = String)]
    pub(super) fn cell(tenant: Rc<RefCell<String>>) -> io::Result<usize> {
        Ok(tenant.borrow_mut().len())
    }

    #[circuit_breaker(key = tenant.lock().unwrap().as_str(), key_type = String)]
    pub(super) async fn locked(tenant: &Mutex<String>) -> io::Result<usize> {
        tokio::task::yield_now().await;
        let length = tenant.try_lock().expect("the key let go of it").len();
        Ok(length)
    }

    pub(super) struct Counter {
        pub(super) tenant: u64,
        pub(super) calls: u32,
    }

    impl Counter {
        #[circuit_breaker(key = self.tenant, key_type = u64)]
        pub(super) fn count(&mut self) -> io::Result<&mut u32> {
            self.calls += 1;
            Ok(&mut self.calls)
        }
    }

    macro_rules! by {
        ($name:ident, $key:expr, $keys:ty, $argument:ident: $type:ty) => {
            #[circuit_breaker(name = stringify!($name), key = $key, key_type = $keys)]
            pub(super) fn $name($argument: $type) -> io::Result<$type> {
                Ok($argument)
            }
        };
    }
    by!(captured, shard % 4 + 1, u8, shard: u8);
}

#[tokio::test]
async fn a_key_only_borrows() {
    let tenant = Rc::new(std::cell::RefCell::new("abc".to_owned()));
    assert_eq!(borrows::cell(tenant).unwrap(), 3);
    let tenant = std::sync::Mutex::new("abc".to_owned());
    assert_eq!(assert_send(borrows::locked(&tenant)).await.unwrap(), 3);
    let mut counter = borrows::Counter {
        tenant: 1,
        calls: 0,
    };
    *counter.count().unwrap() += 1;
    assert_eq!(*counter.count().unwrap(), 3);
    assert_eq!(borrows::captured(7).unwrap(), 7);
    assert!(registry::find("captured/4").is_some());
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
