//! What the attribute writes: two functions as their author wrote them, and the
//! same two as the compiler sees them. A test of the macro crate compares the
//! two modules, so this is no approximation.
//!
//! ```sh
//! cargo run --example expanded
//! ```

use std::io;

/// As written.
mod written {
    use std::io;

    use fluxgate::circuit_breaker;

    #[circuit_breaker(
        window = CountWindow(50),
        tripper = MinRequests(20) & FailureRate(0.5),
        retry = Cooldown(30s),
        tracker = TypeOf(io::Error),
    )]
    pub(crate) fn length(path: &str) -> io::Result<u64> {
        Ok(std::fs::metadata(path)?.len())
    }

    #[circuit_breaker(name = "lengths", fallback = |_| Ok(0))]
    pub(crate) async fn length_or_zero(path: String) -> io::Result<u64> {
        length(&path)
    }
}

/// As expanded. Of generated code clippy does not say that a `return` is not needed.
#[allow(clippy::needless_return)]
mod expanded {
    use std::io;

    pub(crate) fn length(path: &str) -> io::Result<u64> {
        return ::fluxgate::__private::call(
            {
                static __FLUXGATE_BREAKER: ::fluxgate::StaticBreaker =
                    ::fluxgate::StaticBreaker::new(|| {
                        ::fluxgate::CircuitBreaker::builder({
                            fn anchor() {}
                            ::fluxgate::__private::default_name(&anchor, "length")
                        })
                        .window(::fluxgate::window::CountWindow::new(50))
                        .tripper(
                            ::fluxgate::tripper::MinRequests::new(20)
                                & ::fluxgate::tripper::FailureRate::new(0.5),
                        )
                        .retry(::fluxgate::retry::Cooldown::new(
                            ::core::time::Duration::new(30, 0),
                        ))
                    });
                ::fluxgate::__link! { __FLUXGATE_BREAKER }
                &__FLUXGATE_BREAKER
            },
            ::fluxgate::__private::Returning::<io::Result<u64>>::new()
                .classification()
                .tracker(|error: &_| ::fluxgate::__private::Probe::new(error).holds::<io::Error>()),
            ::fluxgate::__private::Returning::<io::Result<u64>>::new().rejected(),
            move || -> io::Result<u64> { Ok(std::fs::metadata(path)?.len()) },
        );
    }

    pub(crate) async fn length_or_zero(path: String) -> io::Result<u64> {
        return match ::fluxgate::__private::or_await(
            ::fluxgate::__private::try_call_async(
                {
                    static __FLUXGATE_BREAKER: ::fluxgate::StaticBreaker =
                        ::fluxgate::StaticBreaker::new(|| {
                            ::fluxgate::CircuitBreaker::builder("lengths")
                        });
                    ::fluxgate::__link! { __FLUXGATE_BREAKER }
                    &__FLUXGATE_BREAKER
                },
                ::fluxgate::__private::Returning::<io::Result<u64>>::new()
                    .classification()
                    .by_classify(),
                async move {
                    if let ::core::option::Option::Some(result) =
                        ::fluxgate::__private::nothing::<io::Result<u64>>()
                    {
                        return result;
                    }
                    let _ = &path;
                    length(&path)
                },
            )
            .await,
            |_| Ok(0),
        ) {
            ::core::result::Result::Ok(result) => result,
            ::core::result::Result::Err((result, of)) => {
                ::fluxgate::__private::answered(result.await, of)
            }
        };
    }
}

fn main() -> io::Result<()> {
    let path = "/etc/hostname";
    assert_eq!(written::length(path).ok(), expanded::length(path).ok());
    let both = async {
        let (one, other) = (
            written::length_or_zero("missing".to_owned()).await,
            expanded::length_or_zero("missing".to_owned()).await,
        );
        one.and_then(|one| other.map(|other| (one, other)))
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    assert_eq!(runtime.block_on(both)?, (0, 0));
    for breaker in fluxgate::registry::all() {
        println!("{}: {}", breaker.name(), breaker.state());
    }
    Ok(())
}
