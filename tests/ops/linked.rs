//! Breakers in statics are known before they are used, wherever the static is.

// What the linker is told of must not count as the user's own unsafe code.
#![forbid(unsafe_code)]

use fluxgate::{CircuitBreaker, State, StaticBreaker, registry};

macro_rules! breaker {
    ($id:ident, $name:literal) => {
        static $id: StaticBreaker = StaticBreaker::new(|| CircuitBreaker::builder($name));
        fluxgate::__link!($id);
    };
}

breaker!(IN_MODULE, "linked::module");

fn in_function() -> &'static CircuitBreaker {
    breaker!(BREAKER, "linked::function");
    &BREAKER
}

fn in_generic<T: Default, const N: usize>() -> ([T; N], &'static CircuitBreaker) {
    breaker!(BREAKER, "linked::generic");
    (std::array::from_fn(|_| T::default()), &BREAKER)
}

struct Service<T>(T);

impl<T: Clone> Service<T> {
    fn in_method(&self) -> (T, &'static CircuitBreaker) {
        breaker!(BREAKER, "linked::method");
        (self.0.clone(), &BREAKER)
    }
}

/// No test calls this one.
#[allow(dead_code)]
async fn in_async_block() {
    let breaker = {
        breaker!(BREAKER, "linked::block");
        &BREAKER
    };
    let _ = breaker
        .call_async(async { Ok::<_, std::io::Error>(()) })
        .await;
}

#[test]
fn all_are_listed_before_their_first_call() {
    let names = registry::all();
    let names: Vec<_> = names.iter().map(CircuitBreaker::name).collect();
    for name in ["module", "function", "generic", "method", "block"] {
        let name = format!("linked::{name}");
        let times = names.iter().filter(|other| ***other == *name).count();
        assert_eq!(times, 1, "{name} in {names:?}");
    }
}

#[test]
fn what_is_listed_is_what_is_called() {
    let found = registry::find("linked::generic").unwrap();
    found.force_open();
    let ([], one) = in_generic::<u8, 0>();
    let ([_], other) = in_generic::<String, 1>();
    assert_eq!(
        (one.state(), other.state()),
        (State::ForcedOpen, State::ForcedOpen)
    );

    registry::find("linked::method").unwrap().disable();
    assert_eq!(Service(0_u8).in_method().1.state(), State::Disabled);
    registry::find("linked::function").unwrap().metrics_only();
    assert_eq!(in_function().state(), State::MetricsOnly);
    IN_MODULE.force_open();
    assert_eq!(
        registry::find("linked::module").unwrap().state(),
        State::ForcedOpen
    );
}
