//! Fallbacks of every form.

use std::io;

use fluxgate::{CallError, CallNotPermitted, circuit_breaker, testing};

#[derive(Debug, PartialEq)]
struct Down;

fn cached(_: CallError<Down>) -> Result<String, Down> {
    Ok("cached".to_owned())
}

async fn fetched(_: CallError<Down>) -> Result<String, Down> {
    tokio::task::yield_now().await;
    Ok("fetched".to_owned())
}

fn generic<E>(_: CallError<E>) -> Result<String, E> {
    Ok("generic".to_owned())
}

#[circuit_breaker(fallback = cached)]
fn path(up: bool) -> Result<String, Down> {
    if up { Ok("up".to_owned()) } else { Err(Down) }
}

#[circuit_breaker(fallback = generic)]
fn generic_path(up: bool) -> Result<String, Down> {
    if up { Ok("up".to_owned()) } else { Err(Down) }
}

#[circuit_breaker(fallback = cached)]
async fn sync_path(up: bool) -> Result<String, Down> {
    if up { Ok("up".to_owned()) } else { Err(Down) }
}

#[circuit_breaker(fallback = fetched)]
async fn async_path(up: bool) -> Result<String, Down> {
    if up { Ok("up".to_owned()) } else { Err(Down) }
}

/// The type of the closure's argument and result come from the function.
#[circuit_breaker(tripper = FailureStreak(1), fallback = |error| match error {
    CallError::Rejected(rejection) => Ok(rejection.name().to_string()),
    CallError::Failed(error) => Err(error),
}, name = "inferred")]
fn closure(up: bool) -> Result<String, Down> {
    if up {
        Ok(Default::default())
    } else {
        Err(Down)
    }
}

#[circuit_breaker(fallback = async |_| { tokio::task::yield_now().await; Ok("async closure".into()) })]
async fn async_closure(up: bool) -> Result<String, Down> {
    if up { Ok("up".to_owned()) } else { Err(Down) }
}

#[circuit_breaker(fallback = |_| async move { fetched(CallError::Failed(Down)).await })]
async fn async_block(up: bool) -> Result<String, Down> {
    if up { Ok("up".to_owned()) } else { Err(Down) }
}

#[circuit_breaker(fallback = |_| Ok(vec![]))]
async fn inferred(up: bool) -> Result<Vec<u8>, Down> {
    if up { Ok(vec![1]) } else { Err(Down) }
}

#[tokio::test]
async fn paths_and_closures() {
    let _time = testing::freeze();
    assert_eq!(path(true).unwrap(), "up");
    assert_eq!(path(false).unwrap(), "cached");
    assert_eq!(generic_path(false).unwrap(), "generic");
    assert_eq!(sync_path(false).await.unwrap(), "cached");
    assert_eq!(async_path(false).await.unwrap(), "fetched");
    assert_eq!(async_path(true).await.unwrap(), "up");
    assert_eq!(closure(false), Err(Down), "handed back");
    assert_eq!(closure(true).unwrap(), "inferred", "rejected");
    assert_eq!(async_closure(false).await.unwrap(), "async closure");
    assert_eq!(async_block(false).await.unwrap(), "fetched");
    assert_eq!(inferred(false).await.unwrap(), Vec::<u8>::new());
}

/// The body borrows what the fallback then uses up.
#[circuit_breaker(fallback = |_| Ok(key))]
fn by_value(key: String) -> Result<String, Down> {
    if key.is_empty() {
        Ok(String::new())
    } else {
        Err(Down)
    }
}

#[circuit_breaker(fallback = |_| Ok(key))]
async fn by_value_async(key: String) -> Result<String, Down> {
    tokio::task::yield_now().await;
    if key.is_empty() {
        Ok(String::new())
    } else {
        Err(Down)
    }
}

#[circuit_breaker(fallback = |_| Ok(format!("{prefix}{key}{n}")))]
fn borrowed(prefix: &str, key: &mut String, n: u8) -> Result<String, Down> {
    key.push('!');
    Err(Down)
}

#[circuit_breaker(fallback = async |_| Ok(format!("{prefix}{n}")))]
async fn borrowed_async(prefix: &str, n: u8) -> Result<String, Down> {
    tokio::task::yield_now().await;
    Err(Down)
}

struct Client {
    cache: Vec<String>,
}

impl Client {
    #[circuit_breaker(fallback = |_| self.last())]
    fn get(&self) -> Result<&str, Down> {
        Err(Down)
    }

    #[circuit_breaker(fallback = |_| self.last())]
    async fn get_async(&self) -> Result<&str, Down> {
        tokio::task::yield_now().await;
        Err(Down)
    }

    #[circuit_breaker(fallback = |_| self.cached())]
    async fn get_mut(&mut self) -> Result<String, Down> {
        self.cache.push("changed".to_owned());
        tokio::task::yield_now().await;
        Err(Down)
    }

    #[circuit_breaker(fallback = Self::give_up)]
    fn own(&self) -> Result<&str, Down> {
        Err(Down)
    }

    fn last(&self) -> Result<&str, Down> {
        self.cache.last().map(String::as_str).ok_or(Down)
    }

    fn cached(&mut self) -> Result<String, Down> {
        self.cache.pop().ok_or(Down)
    }

    fn give_up(_: CallError<Down>) -> Result<&'static str, Down> {
        Ok("gave up")
    }
}

#[tokio::test]
async fn the_functions_arguments() {
    let _time = testing::freeze();
    assert_eq!(by_value("key".to_owned()).unwrap(), "key");
    assert_eq!(by_value_async("key".to_owned()).await.unwrap(), "key");
    assert_eq!(borrowed("a", &mut "b".to_owned(), 1).unwrap(), "ab!1");
    assert_eq!(borrowed_async("a", 1).await.unwrap(), "a1");
    let mut client = Client {
        cache: vec!["last".to_owned()],
    };
    assert_eq!(client.get(), Ok("last"));
    assert_eq!(client.get_async().await, Ok("last"));
    assert_eq!(client.get_mut().await.unwrap(), "changed");
    assert_eq!(client.own(), Ok("gave up"));
}

/// With a fallback the error type need not know rejections.
#[circuit_breaker(tripper = FailureStreak(1), fallback = |error: CallError<u8>| match error {
    CallError::Failed(status) => Err(status),
    CallError::Rejected(_) => Err(0),
})]
fn any_error_type(up: bool) -> Result<(), u8> {
    if up { Ok(()) } else { Err(5) }
}

#[circuit_breaker(tripper = FailureStreak(1), fallback = |error| Err(error.into_error()))]
fn into_error(up: bool) -> io::Result<()> {
    if up {
        Ok(())
    } else {
        Err(io::ErrorKind::TimedOut.into())
    }
}

#[test]
fn declining() {
    let _time = testing::freeze();
    assert_eq!(any_error_type(false), Err(5));
    assert_eq!(any_error_type(true), Err(0));
    assert_eq!(
        into_error(false).unwrap_err().kind(),
        io::ErrorKind::TimedOut
    );
    let rejected = into_error(true).unwrap_err();
    assert!(rejected.get_ref().unwrap().is::<CallNotPermitted>());
}
