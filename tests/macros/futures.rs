//! Functions that return a future, written out or made by `async_trait`.

use std::{future::Future, io, pin::Pin, time::Duration};

use fluxgate::{CallNotPermitted, State, circuit_breaker, testing};

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

#[derive(Debug, PartialEq)]
enum Error {
    Down,
    Rejected,
}

impl From<CallNotPermitted> for Error {
    fn from(_: CallNotPermitted) -> Self {
        Self::Rejected
    }
}

#[circuit_breaker(tripper = FailureStreak(1), permit = All, handle = opaque_breaker)]
fn opaque(up: bool) -> impl Future<Output = Result<u8, Error>> + Send {
    async move {
        tokio::task::yield_now().await;
        if up { Ok(1) } else { Err(Error::Down) }
    }
}

#[circuit_breaker(tripper = FailureStreak(1), handle = boxed_breaker)]
fn boxed<'a>(text: &'a str) -> Pin<Box<dyn Future<Output = Result<&'a str, Error>> + Send + 'a>> {
    Box::pin(async move {
        tokio::task::yield_now().await;
        if text.is_empty() {
            Err(Error::Down)
        } else {
            Ok(text)
        }
    })
}

#[circuit_breaker(tripper = FailureStreak(1), fallback = |_| Ok("fallback"))]
fn aliased(text: &str) -> BoxFuture<'_, Result<&str, Error>> {
    Box::pin(async move {
        if text.is_empty() {
            Err(Error::Down)
        } else {
            Ok(text)
        }
    })
}

#[circuit_breaker(fallback = async |_| Ok(0))]
fn opaque_with_fallback(up: bool) -> impl Future<Output = Result<u8, Error>> {
    async move { if up { Ok(1) } else { Err(Error::Down) } }
}

#[circuit_breaker]
fn borrows_nothing(text: &str) -> impl Future<Output = Result<usize, Error>> + use<> {
    let length = text.len();
    async move { Ok(length) }
}

#[tokio::test]
async fn the_future_is_protected() {
    let time = testing::freeze();
    assert_eq!(opaque(true).await, Ok(1));
    assert_eq!(opaque(false).await, Err(Error::Down));
    assert_eq!(opaque_breaker().state(), State::Open);
    assert_eq!(opaque(true).await, Err(Error::Rejected));
    time.advance(Duration::from_secs(60));
    assert_eq!(opaque(true).await, Ok(1));

    assert_eq!(boxed("a").await, Ok("a"));
    assert_eq!(boxed("").await, Err(Error::Down));
    assert_eq!(boxed("a").await, Err(Error::Rejected));
    assert_eq!(boxed_breaker().info().rejected, 1);

    assert_eq!(aliased("a").await, Ok("a"));
    assert_eq!(aliased("").await, Ok("fallback"));
    assert_eq!(opaque_with_fallback(true).await, Ok(1));
    assert_eq!(opaque_with_fallback(false).await, Ok(0));
    let future = borrows_nothing(&String::from("abc"));
    assert_eq!(future.await, Ok(3));
}

#[async_trait::async_trait]
trait Api {
    async fn get(&self, path: &str) -> Result<String, Error>;

    #[circuit_breaker(tripper = FailureStreak(2))]
    async fn twice(&mut self, path: &str) -> Result<String, Error> {
        Ok(self.get(path).await? + &self.get(path).await?)
    }
}

struct Client;

#[async_trait::async_trait]
impl Api for Client {
    #[circuit_breaker(tripper = FailureStreak(1))]
    async fn get(&self, path: &str) -> Result<String, Error> {
        tokio::task::yield_now().await;
        if path.is_empty() {
            return Err(Error::Down);
        }
        Ok(path.to_owned())
    }
}

#[async_trait::async_trait(?Send)]
trait LocalApi {
    async fn get(&self, path: &str) -> Result<String, Error>;
}

struct Local(std::rc::Rc<u8>);

#[async_trait::async_trait(?Send)]
impl LocalApi for Local {
    #[circuit_breaker]
    async fn get(&self, path: &str) -> Result<String, Error> {
        tokio::task::yield_now().await;
        Ok(format!("{path}{}", self.0))
    }
}

#[tokio::test]
async fn async_trait() {
    let _time = testing::freeze();
    assert_eq!(Client.twice("a").await, Ok("aa".to_owned()));
    assert_eq!(Client.get("").await, Err(Error::Down));
    assert_eq!(Client.get("a").await, Err(Error::Rejected));
    let send: Pin<Box<dyn Future<Output = _> + Send>> = Client.get("a");
    assert_eq!(send.await, Err(Error::Rejected));
    assert_eq!(Local(7.into()).get("a").await, Ok("a7".to_owned()));
}

#[test]
fn what_runs_at_the_call_still_does() {
    #[circuit_breaker]
    fn eager(flag: &mut bool) -> impl Future<Output = io::Result<()>> + use<> {
        *flag = true;
        async { Ok(()) }
    }
    let mut called = false;
    drop(eager(&mut called));
    assert!(called);
}
