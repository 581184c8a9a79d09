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
        .filter(|name| name.contains(concat!(module_path!(), "::Get>")))
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

/// No test calls them: their breakers are linked into the program.
#[allow(dead_code, reason = "their breakers are linked")]
mod paths {
    use std::io;

    use fluxgate::circuit_breaker;

    struct Page<'a, T>(&'a T);

    impl<'a, T> Page<'a, T> {
        #[circuit_breaker]
        fn generic(&self) -> io::Result<&'a T> {
            Ok(self.0)
        }
    }

    impl<'a> Page<'a, &'a str> {
        #[circuit_breaker]
        fn concrete(&self) -> io::Result<&'a str> {
            Ok(self.0)
        }
    }

    impl Page<'_, fn(&u8) -> &u8> {
        #[circuit_breaker]
        fn pointer(&self) -> io::Result<u8> {
            Ok(*(self.0)(&1))
        }
    }

    impl Page<'_, Box<dyn Fn(&str) + Send>> {
        #[circuit_breaker]
        async fn boxed(&self) -> io::Result<()> {
            (self.0)("");
            Ok(())
        }
    }

    trait Show<'x> {
        fn show(&self) -> io::Result<u8>;
    }

    impl<'x> Show<'x> for Page<'x, u8> {
        #[circuit_breaker]
        fn show(&self) -> io::Result<u8> {
            Ok(*self.0)
        }
    }

    impl<'x> Show<'x> for [&'x Page<'x, u8>; 2] {
        #[circuit_breaker]
        fn show(&self) -> io::Result<u8> {
            Ok(*self[0].0)
        }
    }

    impl<'x> Show<'x> for &'x str {
        #[circuit_breaker]
        fn show(&self) -> io::Result<u8> {
            Ok(0)
        }
    }

    struct Letter<const C: char>;

    impl Letter<'\''> {
        #[circuit_breaker]
        fn quote() -> io::Result<()> {
            Ok(())
        }
    }

    mod r#mod {
        #[fluxgate::circuit_breaker]
        pub(super) fn r#fn() -> std::io::Result<()> {
            Ok(())
        }
    }
}

/// Metrics, alerts and variables depend on these: they are the same with every
/// compiler.
#[test]
fn default_names_have_no_lifetimes_and_one_form() {
    let here = concat!(module_path!(), "::paths");
    let expected = [
        "{}::Page<_>::generic",
        "{}::Page<&str>::concrete",
        "{}::Page<fn(&u8) -> &u8>::pointer",
        "{}::Page<alloc::boxed::Box<dyn core::ops::function::Fn(&str) + core::marker::Send>>::boxed",
        "<{}::Page<u8> as {}::Show>::show",
        "<[&{}::Page<u8>; 2] as {}::Show>::show",
        "<&str as {}::Show>::show",
        r"{}::Letter<'\''>::quote",
        "{}::mod::fn",
    ];
    for name in expected {
        let name = name.replace("{}", here);
        assert!(registry::find(&name).is_some(), "{name}");
    }
    let named = |breaker: &fluxgate::CircuitBreaker| breaker.name().contains("Page<");
    assert_eq!(registry::all().iter().filter(|one| named(one)).count(), 6);
}
