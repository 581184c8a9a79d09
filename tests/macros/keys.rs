//! `key = …`: one breaker for each key.

use std::{fmt, io, rc::Rc, sync::Arc};

use fluxgate::{State, circuit_breaker, keyed::CircuitBreakers, registry};

pub(super) fn down<T>() -> io::Result<T> {
    Err(io::Error::other("down"))
}

pub(super) fn is_rejection(error: &io::Error) -> bool {
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
fn attribute_keeps_keys_apart() {
    let _time = fluxgate::testing::freeze();
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
    let _time = fluxgate::testing::freeze();
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
fn registry_knows_keys_before_first_call() {
    let _time = fluxgate::testing::freeze();
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

    let _time = fluxgate::testing::freeze();
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
    assert_eq!(borrows::locked(&tenant).await.unwrap(), 3);
    let mut counter = borrows::Counter {
        tenant: 1,
        calls: 0,
    };
    *counter.count().unwrap() += 1;
    assert_eq!(*counter.count().unwrap(), 3);
    assert_eq!(borrows::captured(7).unwrap(), 7);
    assert!(registry::find("captured/4").is_some());
}
