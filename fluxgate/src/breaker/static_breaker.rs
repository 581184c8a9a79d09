//! Breakers in statics.

use std::{fmt, ops::Deref, panic::Location};

use crate::{
    Builder, CircuitBreaker,
    breaker::first_use::{Circle, FirstUse},
};

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
    cell: FirstUse<CircuitBreaker>,
    build: fn() -> Builder,
}

impl StaticBreaker {
    /// Creates a breaker that `build` builds when it is first used. A setting that
    /// `Builder::build` would refuse is reported then and replaced by its default:
    /// using a static must not fail.
    ///
    /// While it is being built it can't be used: code that `build` runs, such as
    /// the expression of a listener, panics if it does so, and so does a thread
    /// that would wait for another one whose breaker needs this one.
    #[must_use]
    #[track_caller]
    pub const fn new(build: fn() -> Builder) -> Self {
        Self {
            cell: FirstUse::new(Location::caller()),
            build,
        }
    }

    /// Returns the settings that it is built from.
    #[cfg(feature = "sim")]
    pub(crate) fn recipe(&self) -> Builder {
        (self.build)()
    }

    /// Returns the cell that this thread uses.
    #[inline]
    pub(crate) fn cell(&self) -> &FirstUse<CircuitBreaker> {
        #[cfg(feature = "test-util")]
        if let Some(own) = crate::registry::isolated::cell(&self.cell) {
            return own;
        }
        &self.cell
    }

    pub(crate) fn first_use<'a>(
        &self,
        cell: &'a FirstUse<CircuitBreaker>,
    ) -> Result<&'a CircuitBreaker, Circle> {
        let mut news = None;
        let breaker = cell.get_or_fill(|| {
            let builder = (self.build)();
            #[cfg(feature = "sim")]
            let builder = builder.recipe(self.build);
            let (breaker, untold) = builder.build_or_default();
            breaker.clone().keep_for_ever();
            // In the registry as soon as in the cell: who lists breakers beside
            // this first use is to miss none.
            news = Some(breaker.register(untold));
            breaker
        })?;
        // The cell is filled first: listeners may use this static.
        if let Some(news) = news {
            news.tell(breaker);
        }
        Ok(breaker)
    }

    #[cold]
    fn expect_first_use<'a>(&self, cell: &'a FirstUse<CircuitBreaker>) -> &'a CircuitBreaker {
        self.first_use(cell)
            .unwrap_or_else(|circle| panic!("{circle}"))
    }
}

impl Deref for StaticBreaker {
    type Target = CircuitBreaker;

    #[inline]
    fn deref(&self) -> &CircuitBreaker {
        let cell = self.cell();
        cell.get().unwrap_or_else(|| self.expect_first_use(cell))
    }
}

impl fmt::Debug for StaticBreaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StaticBreaker")
            .field(&self.cell().get())
            .finish()
    }
}
