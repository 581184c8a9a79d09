//! The expansion sets off no lint, and silences none of the user's: an
//! `expect` that nothing fulfils is a warning, and warnings are errors here.
#![deny(
    warnings,
    clippy::all,
    clippy::pedantic,
    clippy::nursery,
    missing_docs,
    missing_debug_implementations,
    let_underscore_drop,
    redundant_imports,
    redundant_lifetimes,
    single_use_lifetimes,
    trivial_casts,
    trivial_numeric_casts,
    unit_bindings,
    unnameable_types,
    unreachable_pub,
    unsafe_op_in_unsafe_fn,
    unused_extern_crates,
    unused_import_braces,
    unused_lifetimes,
    unused_macro_rules,
    unused_qualifications,
    unused_results,
    variant_size_differences
)]

use std::{io, pin::Pin};

use fluxgate::circuit_breaker;

/// One line, so that its braces are all that could be too many.
#[rustfmt::skip]
#[circuit_breaker]
fn one_line() -> io::Result<u8> { Ok(1) }

#[rustfmt::skip]
#[circuit_breaker]
async fn one_line_async() -> io::Result<u8> { std::future::ready(Ok(1)).await }

#[circuit_breaker(
    window = CountWindow(100),
    tracker = TypeOf(io::Error) & !Matches(_ if false) | Custom(|error| error.kind() == io::ErrorKind::Other),
    tripper = FailureStreak(5) | MinRequests(20) & (FailureRate(0.5) | SlowRate(0.3, threshold = 1s)),
    retry = Backoff(initial = 10s, multiplier = 2.0, max_duration = 300s, jitter_ratio = 0.1),
    permit = RampUp(initial = 0.1, final = 0.8, duration = 60s),
    max_half_open_calls = 10,
    close_after = 2,
    reopen_after = 2,
    probe_lease = 30s,
    on_cancel = FailAfter(5s),
    durations = true,
    listeners = [LogListener, |_| {}],
    failure_if = |value| *value > 100,
    fallback = |_| Ok(0),
    handle = everything_breaker,
)]
async fn everything(value: u8) -> io::Result<u8> {
    tokio::task::yield_now().await;
    Ok(value)
}

#[circuit_breaker]
fn boxed<'a>(text: &'a str) -> Pin<Box<dyn Future<Output = io::Result<&'a str>> + Send + 'a>> {
    Box::pin(async move { Ok(text) })
}

#[circuit_breaker(fallback = |_| Ok(1))]
fn opaque() -> impl Future<Output = io::Result<u8>> + Send {
    async move { Ok(1) }
}

#[circuit_breaker(
    key = tenant,
    max_keys = 10,
    max_labels = 5,
    tripper = FailureStreak(2),
    listeners = [LogListener, |_| {}],
    handle = tenant_breakers,
)]
fn keyed(tenant: &str) -> io::Result<usize> {
    Ok(tenant.len())
}

#[circuit_breaker(key = tenant.len() + 1, key_type = usize, fallback = |_| Ok(0))]
async fn keyed_async(tenant: String) -> io::Result<usize> {
    tokio::task::yield_now().await;
    Ok(tenant.len())
}

#[circuit_breaker(classify = |result| match result {
    Ok(_) => fluxgate::Outcome::Success,
    Err(_) => fluxgate::Outcome::Failure,
})]
fn classified() -> io::Result<u8> {
    Ok(1)
}

/// A function without result.
#[circuit_breaker(fallback = |_| {}, failure_if = |()| false)]
fn unit() {}

fluxgate::breaker! {
    /// With documentation, as any item.
    pub(super) static SHARED = { listeners = [LogListener] };

    /// One for each shard.
    pub(super) static SHARDS = { key_type = u8 };
}

#[circuit_breaker(breaker = SHARED)]
fn shares() -> io::Result<u8> {
    Ok(1)
}

#[tokio::test]
async fn no_lint_fires() {
    let _time = fluxgate::testing::freeze();
    assert_eq!(one_line().unwrap(), 1);
    assert_eq!(one_line_async().await.unwrap(), 1);
    assert_eq!(everything(1).await.unwrap(), 1);
    assert_eq!(everything_breaker().info().rejected, 0);
    assert_eq!(boxed("a").await.unwrap(), "a");
    assert_eq!(opaque().await.unwrap(), 1);
    unit();
    assert_eq!(shares().unwrap(), 1);
    assert_eq!(classified().unwrap(), 1);
    assert_eq!(keyed("a").unwrap(), 1);
    assert_eq!(tenant_breakers().len(), 1);
    assert_eq!(keyed_async("ab".into()).await.unwrap(), 2);
    assert!(SHARDS.is_empty());
}

#[expect(unused_variables)]
#[circuit_breaker]
fn unused_argument(unused: u8) -> io::Result<()> {
    Ok(())
}

#[expect(unused_variables)]
#[circuit_breaker]
async fn unused_argument_async(unused: u8) -> io::Result<()> {
    tokio::task::yield_now().await;
    Ok(())
}

#[expect(unused_mut)]
#[circuit_breaker]
fn unused_mut(mut value: u8) -> io::Result<u8> {
    Ok(value)
}

#[expect(unused_must_use)]
#[circuit_breaker]
fn unused_result() -> io::Result<()> {
    unused_mut(1);
    Ok(())
}

#[expect(unreachable_code)]
#[circuit_breaker]
fn unreachable() -> io::Result<u8> {
    return Ok(1);
    Ok(2)
}

#[expect(clippy::too_many_arguments)]
#[circuit_breaker]
fn arguments(_: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8) -> io::Result<()> {
    Ok(())
}

#[expect(dead_code)]
#[circuit_breaker]
fn never_called() -> io::Result<()> {
    Ok(())
}

#[test]
fn the_users_lints_still_fire() {
    unused_argument(1).unwrap();
    drop(unused_argument_async(1));
    unused_result().unwrap();
    assert_eq!(unreachable().unwrap(), 1);
    arguments(1, 2, 3, 4, 5, 6, 7, 8).unwrap();
}

/// The body takes its arguments along, used or not.
#[circuit_breaker]
fn guarded(text: String, _guard: String, _: String, (count, _): (u8, String)) -> io::Result<usize> {
    Ok(text.len() + usize::from(count))
}

#[circuit_breaker]
async fn guarded_async(text: String, _guard: String, mut list: Vec<u8>) -> io::Result<usize> {
    list.push(1);
    std::future::ready(Ok(text.len() + list.len())).await
}

#[expect(unused_variables, reason = "a lint of the user's")]
#[circuit_breaker]
fn forgets(text: String, (left, _): (u8, String)) -> io::Result<u8> {
    Ok(1)
}

#[expect(unused_variables, unused_mut, reason = "lints of the user's")]
#[circuit_breaker]
async fn forgets_async(mut text: String) -> io::Result<u8> {
    std::future::ready(Ok(1)).await
}

#[test]
fn arguments_are_taken_along() {
    let text = || "1".to_owned();
    assert!(guarded(text(), text(), text(), (1, text())).is_ok());
    assert!(forgets(text(), (1, text())).is_ok());
    drop((guarded_async(text(), text(), vec![]), forgets_async(text())));
}

/// Code in the style that `clippy::implicit_return` asks for.
mod explicit_returns {
    #![deny(clippy::implicit_return)]
    #![allow(clippy::needless_return)]

    use std::io;

    use fluxgate::circuit_breaker;

    #[circuit_breaker(tripper = FailureStreak(5), handle = sync_breaker)]
    pub(super) fn sync(value: u8) -> io::Result<u8> {
        return Ok(value);
    }

    #[circuit_breaker(fallback = |_| return Ok(0))]
    pub(super) async fn asynchronous(value: u8) -> io::Result<u8> {
        tokio::task::yield_now().await;
        return sync(value);
    }

    #[circuit_breaker]
    pub(super) fn future(value: u8) -> impl Future<Output = io::Result<u8>> {
        return std::future::ready(sync(value));
    }

    pub(super) fn state() -> fluxgate::State {
        return sync_breaker().state();
    }
}

#[tokio::test]
async fn explicit_returns_set_off_no_lint() {
    assert_eq!(explicit_returns::asynchronous(1).await.unwrap(), 1);
    assert_eq!(explicit_returns::future(2).await.unwrap(), 2);
    assert_eq!(explicit_returns::state(), fluxgate::State::Closed);
}
