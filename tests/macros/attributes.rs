//! Other attributes, above and below.

use std::io;

use fluxgate::{circuit_breaker, testing};

/// Documentation stays.
#[inline]
#[must_use = "it says whether it worked"]
#[circuit_breaker(handle = inlined_breaker)]
#[allow(clippy::unnecessary_wraps)]
fn inlined() -> io::Result<u8> {
    Ok(1)
}

#[tracing::instrument]
#[circuit_breaker(tripper = FailureStreak(1), handle = above_breaker)]
async fn instrumented_above(up: bool) -> io::Result<u8> {
    tokio::task::yield_now().await;
    if up {
        Ok(1)
    } else {
        Err(io::Error::other("down"))
    }
}

#[circuit_breaker(tripper = FailureStreak(1), handle = below_breaker)]
#[tracing::instrument(err)]
async fn instrumented_below(up: bool) -> io::Result<u8> {
    tokio::task::yield_now().await;
    if up {
        Ok(1)
    } else {
        Err(io::Error::other("down"))
    }
}

#[tracing::instrument(skip_all)]
#[circuit_breaker]
#[tracing::instrument]
fn instrumented_sync(text: &str) -> io::Result<&str> {
    Ok(text)
}

/// The attribute on top is expanded first, and the other one around it.
#[circuit_breaker(name = "inner", tripper = FailureStreak(1), handle = inner_breaker)]
#[circuit_breaker(name = "outer", handle = outer_breaker)]
fn twice(up: bool) -> io::Result<()> {
    if up {
        Ok(())
    } else {
        Err(io::Error::other("down"))
    }
}

#[cfg_attr(all(), circuit_breaker(name = "conditional", handle = conditional_breaker))]
fn conditional() -> io::Result<()> {
    Ok(())
}

#[cfg(any())]
#[circuit_breaker(handle = absent_breaker)]
fn absent() -> io::Result<Missing> {
    Missing
}

#[circuit_breaker(handle = removed_breaker)]
#[cfg(any())]
fn removed() -> io::Result<()> {
    Ok(())
}

#[tokio::test]
async fn above_and_below() {
    let _time = testing::freeze();
    assert_eq!(inlined().unwrap(), 1);
    instrumented_above(false).await.unwrap_err();
    instrumented_above(true).await.unwrap_err();
    assert_eq!(above_breaker().info().rejected, 1);
    instrumented_below(false).await.unwrap_err();
    instrumented_below(true).await.unwrap_err();
    assert_eq!(below_breaker().info().rejected, 1);
    assert_eq!(instrumented_sync("a").unwrap(), "a");
    twice(false).unwrap_err();
    twice(true).unwrap_err();
    assert_eq!(inner_breaker().info().rejected, 1);
    assert_eq!(outer_breaker().info().metrics.failure_count, 2);
    conditional().unwrap();
    assert_eq!(*conditional_breaker().name(), *"conditional");
}
