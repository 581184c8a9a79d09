//! Every function definition has a breaker, and a default name, of its own.

use std::io;

use fluxgate::{circuit_breaker, registry};

struct A;
struct B<T>(T);

impl A {
    #[circuit_breaker(handle = breaker)]
    fn get(&self) -> io::Result<u8> {
        Ok(1)
    }
}

impl<T> B<T> {
    #[circuit_breaker(handle = breaker)]
    fn get(&self) -> io::Result<&T> {
        Ok(&self.0)
    }
}

trait Get {
    fn get(&self) -> io::Result<u8>;
}

impl Get for u8 {
    #[circuit_breaker(tripper = FailureStreak(7))]
    fn get(&self) -> io::Result<u8> {
        Ok(*self)
    }
}

impl Get for [u8; 1] {
    #[circuit_breaker(tripper = FailureStreak(7))]
    fn get(&self) -> io::Result<u8> {
        Ok(self[0])
    }
}

macro_rules! twice {
    ($($module:ident)*) => {$(
        mod $module {
            #[fluxgate::circuit_breaker(handle = breaker)]
            pub(super) fn get() -> std::io::Result<u8> {
                Ok(1)
            }
        }
    )*};
}

twice!(left right);

#[test]
fn methods_of_one_name() {
    assert!(A.get().is_ok() && B(1).get().is_ok() && B("x").get().is_ok());
    assert_eq!(*A::breaker().name(), *concat!(module_path!(), "::A::get"));
    let b = B::<u8>::breaker();
    assert!(
        std::ptr::eq(b, B::<String>::breaker()),
        "shared by all instances"
    );
    assert!(b.name().ends_with("B<_>::get"), "{}", b.name());

    Get::get(&1).unwrap();
    Get::get(&[1]).unwrap();
    let here: Vec<_> = registry::all()
        .into_iter()
        .map(|breaker| breaker.name().to_string())
        .filter(|name| name.contains(module_path!()) && name.contains("as "))
        .collect();
    assert_eq!(here.len(), 2);
    for of in ["<u8 as ", "<[u8; 1] as "] {
        let named = |name: &String| name.starts_with(of) && name.ends_with("Get>::get");
        assert!(here.iter().any(named), "{of}: {here:?}");
    }
}

#[test]
fn expansions_of_one_macro() {
    assert!(left::get().is_ok() && right::get().is_ok());
    assert_eq!(
        *left::breaker().name(),
        *concat!(module_path!(), "::left::get")
    );
    assert_eq!(
        *right::breaker().name(),
        *concat!(module_path!(), "::right::get")
    );
}

/// The paths of these two are the same: blocks have no names.
#[test]
fn functions_of_one_path() {
    macro_rules! inner {
        () => {{
            #[circuit_breaker(handle = breaker)]
            fn get() -> io::Result<u8> {
                Ok(1)
            }
            get().unwrap();
            breaker().name().clone()
        }};
    }
    let (one, two) = (inner!(), inner!());
    // Which of them is built first is open.
    let numbered = |name: &str, other: &str| *name == format!("{other}#2");
    assert!(numbered(&one, &two) || numbered(&two, &one), "{one} {two}");
}

#[circuit_breaker(name = format!("computed-{}", 1 + 1), handle = computed_breaker)]
fn computed() -> io::Result<()> {
    Ok(())
}

const NAME: &str = "constant";

#[circuit_breaker(name = NAME, handle = constant_breaker)]
fn constant() -> io::Result<()> {
    Ok(())
}

#[test]
fn given_names() {
    computed().unwrap();
    constant().unwrap();
    assert_eq!(*computed_breaker().name(), *"computed-2");
    assert_eq!(*constant_breaker().name(), *"constant");
    assert!(registry::find("computed-2").is_some());
}

#[test]
fn inside_closures_and_methods() {
    let call = || {
        #[circuit_breaker(handle = breaker)]
        fn hidden() -> io::Result<()> {
            Ok(())
        }
        hidden().unwrap();
        breaker().name().to_string()
    };
    assert_eq!(
        call(),
        concat!(module_path!(), "::inside_closures_and_methods::hidden")
    );
}
