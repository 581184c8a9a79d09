//! Breakers in statics.

use std::{fmt, ops::Deref};

use once_cell::sync::OnceCell;

use crate::{Builder, CircuitBreaker};

/// A breaker in a `static`, built when first used. `breaker!` defines one:
///
/// ```
/// # #[cfg(feature = "macros")] {
/// fluxgate::breaker! {
///     /// Everything that goes to the payment provider.
///     pub static PAYMENTS = { tripper = FailureStreak(5), retry = Cooldown(30s) };
/// }
///
/// assert_eq!(PAYMENTS.state(), fluxgate::State::Closed);
/// # }
/// ```
pub struct StaticBreaker {
    cell: OnceCell<CircuitBreaker>,
    build: fn() -> Builder,
}

impl StaticBreaker {
    /// A breaker to be built by `build` when first used. A setting that
    /// `Builder::build` would refuse is reported then, and its default stands
    /// in: using a static must not fail.
    #[must_use]
    pub const fn new(build: fn() -> Builder) -> Self {
        Self {
            cell: OnceCell::new(),
            build,
        }
    }

    /// Returns the settings that it is built from.
    #[cfg(feature = "sim")]
    pub(crate) fn recipe(&self) -> Builder {
        (self.build)()
    }

    #[cold]
    fn first_use(&self) -> &CircuitBreaker {
        let mut news = None;
        let breaker = self.cell.get_or_init(|| {
            let (breaker, untold) = (self.build)().build_or_default();
            breaker.clone().keep_for_ever();
            // In the registry as soon as in the cell: who lists breakers beside
            // this first use is to miss none.
            news = Some(breaker.register(untold));
            breaker
        });
        // With the cell filled: those who are told may use this very static.
        if let Some(news) = news {
            news.tell(breaker);
        }
        breaker
    }
}

impl Deref for StaticBreaker {
    type Target = CircuitBreaker;

    #[inline]
    fn deref(&self) -> &CircuitBreaker {
        self.cell.get().unwrap_or_else(|| self.first_use())
    }
}

impl fmt::Debug for StaticBreaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StaticBreaker")
            .field(&self.cell.get())
            .finish()
    }
}
