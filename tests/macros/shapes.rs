//! Every shape of a function: receivers, generics, patterns, `impl Trait`.

use std::{fmt::Display, io, rc::Rc, sync::Arc};

use fluxgate::circuit_breaker;

struct Service<T> {
    value: T,
    calls: usize,
}

impl<T: Display + Clone> Service<T> {
    fn new(value: T) -> Self {
        Self { value, calls: 0 }
    }

    #[circuit_breaker]
    fn by_reference(&self) -> io::Result<&T> {
        Ok(&self.value)
    }

    #[circuit_breaker]
    fn by_mutable_reference(&mut self) -> io::Result<&mut T> {
        self.calls += 1;
        Ok(&mut self.value)
    }

    #[circuit_breaker]
    fn by_value(self) -> io::Result<T> {
        Ok(self.value)
    }

    #[circuit_breaker]
    fn by_mutable_value(mut self) -> io::Result<usize> {
        self.calls += 1;
        Ok(self.calls)
    }

    #[circuit_breaker]
    fn boxed(self: Box<Self>) -> io::Result<T> {
        Ok(self.value)
    }

    #[circuit_breaker]
    fn counted(self: Arc<Self>) -> io::Result<T> {
        Ok(self.value.clone())
    }

    #[circuit_breaker]
    fn associated(value: T) -> io::Result<Self> {
        Ok(Self::new(value))
    }

    #[circuit_breaker]
    async fn by_reference_async<'a>(&'a self, suffix: &str) -> io::Result<(&'a T, String)> {
        tokio::task::yield_now().await;
        Ok((&self.value, format!("{}{suffix}", self.value)))
    }

    #[circuit_breaker]
    async fn by_mutable_reference_async(&mut self) -> io::Result<&mut T> {
        tokio::task::yield_now().await;
        self.calls += 1;
        Ok(&mut self.value)
    }

    #[circuit_breaker]
    async fn by_value_async(self) -> io::Result<T> {
        tokio::task::yield_now().await;
        Ok(self.value)
    }
}

#[tokio::test]
async fn receivers() {
    let mut service = Service::new("a".to_owned());
    assert_eq!(service.by_reference().unwrap(), "a");
    service.by_mutable_reference().unwrap().push('b');
    service
        .by_mutable_reference_async()
        .await
        .unwrap()
        .push('c');
    assert_eq!(service.calls, 2);
    let (value, joined) = service.by_reference_async("!").await.unwrap();
    assert_eq!((value.as_str(), joined.as_str()), ("abc", "abc!"));
    assert_eq!(Service::new(1).by_value().unwrap(), 1);
    assert_eq!(Service::new(1).by_value_async().await.unwrap(), 1);
    assert_eq!(Service::new(1).by_mutable_value().unwrap(), 1);
    assert_eq!(Box::new(Service::new(1)).boxed().unwrap(), 1);
    assert_eq!(Arc::new(Service::new(1)).counted().unwrap(), 1);
    assert_eq!(Service::associated(3).unwrap().value, 3);
}

trait Api {
    fn get(&self, path: &str) -> io::Result<String>;

    #[circuit_breaker]
    fn with_default(&self) -> io::Result<String> {
        self.get("default")
    }
}

impl Api for Service<u8> {
    #[circuit_breaker]
    fn get(&self, path: &str) -> io::Result<String> {
        Ok(format!("{path}{}", self.value))
    }
}

#[test]
fn traits() {
    let service = Service::new(1);
    assert_eq!(service.get("x").unwrap(), "x1");
    assert_eq!(service.with_default().unwrap(), "default1");
}

#[circuit_breaker]
fn generic<T, const N: usize>(values: [T; N]) -> io::Result<Vec<String>>
where
    T: Into<String>,
{
    Ok(values.map(Into::into).to_vec())
}

#[circuit_breaker]
async fn generic_async<T: Into<String> + Send, const N: usize>(
    values: [T; N],
) -> io::Result<Vec<String>> {
    tokio::task::yield_now().await;
    Ok(values.map(Into::into).to_vec())
}

#[circuit_breaker]
fn longest<'a, 'b: 'a>(left: &'a str, right: &'b str) -> io::Result<&'a str> {
    Ok(if left.len() > right.len() {
        left
    } else {
        right
    })
}

#[circuit_breaker]
async fn held_across_await(text: &mut String, tail: &str) -> io::Result<usize> {
    text.push_str(tail);
    tokio::task::yield_now().await;
    text.push_str(tail);
    Ok(text.len())
}

#[circuit_breaker]
fn patterns((a, mut b): (u8, u8), [c, ..]: [u8; 3], _: String, mut d: Vec<u8>) -> io::Result<u8> {
    b += 1;
    d.push(a + b + c);
    Ok(d.into_iter().sum())
}

#[circuit_breaker]
async fn patterns_async(
    (a, mut b): (u8, u8),
    Service { value, .. }: Service<u8>,
    _: Rc<u8>,
) -> io::Result<u8> {
    b += 1;
    tokio::task::yield_now().await;
    Ok(a + b + value)
}

#[circuit_breaker]
fn impl_arguments(text: impl AsRef<str>, f: impl FnOnce(&str) -> usize) -> io::Result<usize> {
    Ok(f(text.as_ref()))
}

#[circuit_breaker]
fn impl_result<'a>(text: &'a str) -> io::Result<impl Iterator<Item = char> + 'a> {
    Ok(text.chars().rev())
}

#[circuit_breaker]
fn impl_in_result(text: &str) -> Result<(impl Iterator<Item = char>, usize), io::Error> {
    Ok((text.chars(), text.len()))
}

#[circuit_breaker]
async fn impl_result_async(text: &str) -> Result<impl Iterator<Item = char> + use<'_>, io::Error> {
    tokio::task::yield_now().await;
    Ok(text.chars().rev())
}

#[tokio::test]
async fn generics_patterns_and_impl_trait() {
    assert_eq!(generic(["a", "b"]).unwrap(), ["a", "b"]);
    assert_eq!(generic_async(["a", "b"]).await.unwrap(), ["a", "b"]);
    assert_eq!(longest("ab", "c").unwrap(), "ab");
    let mut text = String::new();
    assert_eq!(held_across_await(&mut text, "x").await.unwrap(), 2);
    assert_eq!(
        patterns((1, 2), [3, 0, 0], String::new(), vec![]).unwrap(),
        7
    );
    assert_eq!(
        patterns_async((1, 2), Service::new(3), Rc::new(0))
            .await
            .unwrap(),
        7
    );
    assert_eq!(impl_arguments("abc", str::len).unwrap(), 3);
    assert_eq!(impl_result("abc").unwrap().collect::<String>(), "cba");
    assert_eq!(impl_in_result("abc").unwrap().0.count(), 3);
    assert_eq!(
        impl_result_async("abc").await.unwrap().collect::<String>(),
        "cba"
    );
}

/// # Safety
///
/// `text` must be UTF-8.
#[circuit_breaker]
unsafe fn unchecked(text: &[u8]) -> io::Result<&str> {
    // SAFETY: the caller says so.
    Ok(unsafe { std::str::from_utf8_unchecked(text) })
}

/// # Safety
///
/// `text` must be UTF-8.
#[circuit_breaker]
async unsafe fn unchecked_async(text: &[u8]) -> io::Result<&str> {
    tokio::task::yield_now().await;
    // SAFETY: the caller says so.
    Ok(unsafe { std::str::from_utf8_unchecked(text) })
}

#[circuit_breaker(handle = r#try)]
fn r#type(r#match: u8) -> io::Result<u8> {
    Ok(r#match)
}

#[circuit_breaker(fallback = |_| 0)]
extern "C" fn foreign(value: u8) -> u8 {
    value
}

#[circuit_breaker]
fn cfg_parameters(#[cfg(any())] gone: Missing, #[cfg(not(any()))] here: u8) -> io::Result<u8> {
    Ok(here)
}

#[circuit_breaker]
fn inner_attributes() -> io::Result<u8> {
    #![allow(unused_variables)]
    let unused = 1;
    Ok(2)
}

#[circuit_breaker]
fn factorial(n: u64) -> io::Result<u64> {
    if n == 0 {
        Ok(1)
    } else {
        Ok(n * factorial(n - 1)?)
    }
}

#[circuit_breaker]
fn outer() -> io::Result<u8> {
    #[circuit_breaker]
    fn inner(value: u8) -> io::Result<u8> {
        Ok(value + 1)
    }
    inner(inner(0)?)
}

#[tokio::test]
#[expect(unsafe_code, reason = "calls unsafe functions")]
async fn qualifiers_and_nesting() {
    // SAFETY: it is UTF-8.
    assert_eq!(unsafe { unchecked(b"a") }.unwrap(), "a");
    // SAFETY: it is UTF-8.
    assert_eq!(unsafe { unchecked_async(b"a") }.await.unwrap(), "a");
    assert_eq!(r#type(1).unwrap(), 1);
    assert_eq!(*r#try().name(), *concat!(module_path!(), "::type"));
    assert_eq!(foreign(1), 1);
    assert_eq!(cfg_parameters(1).unwrap(), 1);
    assert_eq!(inner_attributes().unwrap(), 2);
    assert_eq!(factorial(5).unwrap(), 120);
    assert_eq!(outer().unwrap(), 2);
}

#[cfg(any())]
#[circuit_breaker(handle = absent_breaker)]
fn absent() -> io::Result<Missing> {
    Missing
}

macro_rules! produce {
    ($name:ident, $value:expr, $ty:ty, $rule:expr, $count:literal) => {
        #[circuit_breaker(tripper = FailureStreak($count) | $rule, max_half_open_calls = $count)]
        fn $name(value: $ty) -> io::Result<$ty> {
            Ok(value + $value)
        }
    };
}

produce!(first, 1, u8, MinRequests(9) & FailureRate(0.5), 3);
produce!(second, 2, u16, MinRequests(9) & FailureRate(0.5), 4);

#[test]
fn macros_by_example() {
    assert_eq!(first(1).unwrap(), 2);
    assert_eq!(second(1).unwrap(), 3);
}
