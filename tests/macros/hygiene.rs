//! Names of the user's never meet names of the expansion.

/// Everything the expansion might lean on means something else here.
mod shadowed {
    #![no_implicit_prelude]
    #![allow(non_snake_case, dead_code, unused_macros, unreachable_pub)]

    pub struct Result;
    pub struct Option;
    pub struct Box;
    pub struct Duration;
    pub struct Fn;
    pub struct Send;
    pub mod std {}
    pub mod core {}
    pub mod fluxgate {}
    pub fn Ok() {}
    pub fn Some() {}
    pub fn None() {}
    pub fn Err() {}
    macro_rules! matches {
        ($($t:tt)*) => {};
    }
    #[allow(unused_imports)]
    use matches;

    type Output<T> = ::std::result::Result<T, ::std::io::Error>;

    #[::fluxgate::circuit_breaker(
        window = CountWindow(10),
        tracker = Matches(_ if true) | TypeOf(::std::io::Error) | Custom(|_| true) | !All,
        tripper = MinRequests(5) & FailureRate(0.5) | SlowRate(0.5, threshold = 1s),
        retry = Backoff(initial = 1s),
        permit = RampUp(0.1, 1.0, 60s),
        on_cancel = FailAfter(5s),
        listeners = [LogListener, |_| {}],
        failure_if = |value| *value > 9,
        handle = breaker,
    )]
    pub fn sync(value: u8) -> Output<u8> {
        ::std::result::Result::Ok(value)
    }

    #[::fluxgate::circuit_breaker(
        tracker = "Matches(_) & TypeOf(::std::io::Error)",
        fallback = |_| ::std::result::Result::Ok(0),
    )]
    pub async fn asynchronous(value: u8) -> Output<u8> {
        ::std::result::Result::Ok(value)
    }

    #[::fluxgate::circuit_breaker]
    pub fn boxed(
        value: u8,
    ) -> ::std::pin::Pin<::std::boxed::Box<dyn ::std::future::Future<Output = Output<u8>>>> {
        ::std::boxed::Box::pin(async move { ::std::result::Result::Ok(value) })
    }

    #[::fluxgate::circuit_breaker(
        key = tenant,
        tripper = FailureStreak(2),
        max_keys = 9,
        max_labels = 0,
        listeners = [LogListener],
        handle = breakers,
    )]
    pub fn keyed(tenant: &str) -> Output<usize> {
        ::std::result::Result::Ok(tenant.len())
    }

    ::fluxgate::breaker! { pub static SHARED = { tripper = FailureStreak(2) }; }

    ::fluxgate::breaker! { pub static BY_KEY = { key_type = u8 }; }

    #[::fluxgate::circuit_breaker(breaker = BY_KEY, key = value)]
    pub async fn shares(value: u8) -> Output<u8> {
        ::std::result::Result::Ok(value)
    }
}

#[tokio::test]
async fn no_prelude_and_everything_shadowed() {
    assert_eq!(shadowed::sync(1).unwrap(), 1);
    assert_eq!(shadowed::asynchronous(2).await.unwrap(), 2);
    assert_eq!(shadowed::boxed(3).await.unwrap(), 3);
    assert_eq!(shadowed::keyed("four").unwrap(), 4);
    assert_eq!(
        *shadowed::breakers().get("four").name(),
        *"macros::hygiene::shadowed::keyed/*"
    );
    assert_eq!(shadowed::shares(5).await.unwrap(), 5);
    assert_eq!(shadowed::BY_KEY.len(), 1);
    assert_eq!(shadowed::SHARED.reopens_of(), 0);
}

trait Reopens {
    fn reopens_of(&self) -> u64;
}

impl Reopens for fluxgate::CircuitBreaker {
    fn reopens_of(&self) -> u64 {
        self.info().reopens
    }
}

use std::io;

use fluxgate::circuit_breaker;

/// The names that the expansion uses for itself.
#[circuit_breaker(
    tracker = Custom(|error| error.kind() == result),
    fallback = |_| Ok(future),
    key = breaker + builder + __FLUXGATE_BREAKER,
    key_type = u8,
)]
#[allow(clippy::too_many_arguments, non_snake_case)]
async fn own_names(
    error: u8,
    result: io::ErrorKind,
    future: u8,
    body: u8,
    breaker: u8,
    builder: u8,
    anchor: u8,
    __ret: u8,
    __FLUXGATE_BREAKER: u8,
) -> io::Result<u8> {
    let _ = (result, error);
    Ok(future + body + breaker + builder + anchor + __ret + __FLUXGATE_BREAKER)
}

#[tokio::test]
async fn arguments_may_be_called_anything() {
    let sum = own_names(1, io::ErrorKind::Other, 1, 1, 1, 1, 1, 1, 1).await;
    assert_eq!(sum.unwrap(), 7);
}

/// What the body and the policies mention is the user's.
const BREAKER: u32 = 3;
const CALLS: u64 = 20;
const KEYS: usize = 20;
const RATIO: f64 = 0.5;
const WAIT: std::time::Duration = std::time::Duration::from_secs(5);

#[circuit_breaker(
    tripper = MinRequests(CALLS) & FailureRate(RATIO) | InFlight(CALLS, older_than = WAIT),
    retry = Cooldown(WAIT, jitter_ratio = RATIO / 2.0),
    window = CountWindow(CALLS * 5),
    permit = RampUp(RATIO, 1.0, duration = WAIT * 2),
    max_half_open_calls = BREAKER,
    key = shard,
    max_keys = KEYS,
    max_labels = KEYS - 1,
)]
fn constants(shard: u8) -> io::Result<u32> {
    let _ = shard;
    Ok(BREAKER)
}

#[test]
fn constants_in_policies() {
    assert_eq!(constants(1).unwrap(), 3);
}

mod renamed {
    pub(super) use ::fluxgate as gate;
}

#[circuit_breaker(crate = renamed::gate, tracker = TypeOf(io::Error), listeners = [LogListener])]
fn through_another_path() -> io::Result<u8> {
    Ok(1)
}

#[circuit_breaker(crate = renamed::gate, key = shard, handle = shards)]
fn keyed_through_another_path(shard: u8) -> io::Result<u8> {
    Ok(shard)
}

renamed::gate::breaker! { static ELSEWHERE = { crate = renamed::gate, retry = Always }; }

#[test]
fn the_crate_under_another_name() {
    let _time = fluxgate::testing::freeze();
    assert_eq!(through_another_path().unwrap(), 1);
    assert_eq!(keyed_through_another_path(1).unwrap(), 1);
    assert_eq!(shards().len(), 1);
    assert_eq!(ELSEWHERE.state(), fluxgate::State::Closed);
}

mod items {
    use super::io;

    pub(super) struct Holder;

    impl Holder {
        const MOST: u64 = 3;

        /// Visible as the function is.
        #[fluxgate::circuit_breaker(handle = Self::breaker)]
        pub(super) fn get() -> io::Result<u64> {
            Ok(Holder::MOST)
        }
    }
}

#[test]
fn handles_of_associated_functions() {
    assert_eq!(items::Holder::get().unwrap(), 3);
    assert!(items::Holder::breaker().name().ends_with("Holder::get"));
}
