//! Breakers by key in statics.

use std::{fmt, ops::Deref, panic::Location};

use super::{CircuitBreakers, CircuitBreakersBuilder, Key};
use crate::breaker::first_use::{Circle, FirstUse};

/// Breakers by key in a `static`, built when first used. `breaker!` defines them
/// by the type of their keys:
///
/// ```
/// # #[cfg(feature = "macros")] {
/// use fluxgate::{State, circuit_breaker};
///
/// fluxgate::breaker! {
///     /// One for each host.
///     pub static HOSTS = { key_type = String, max_keys = 1000, tripper = FailureStreak(5) };
/// }
///
/// #[circuit_breaker(breaker = HOSTS, key = host)]
/// fn get(host: &str, path: &str) -> std::io::Result<String> {
///     Ok(format!("http://{host}{path}"))
/// }
///
/// get("a.example", "/").unwrap();
/// assert_eq!(HOSTS.get("a.example").state(), State::Closed);
/// # }
/// ```
pub struct StaticBreakers<K> {
    cell: FirstUse<CircuitBreakers<K>>,
    build: fn() -> CircuitBreakersBuilder<K>,
}

impl<K> StaticBreakers<K> {
    /// Creates breakers that `build` builds when they are first used. A setting
    /// that `Builder::build` would refuse is reported then, and its default
    /// stands in: using a static must not fail.
    ///
    /// While they are being built they can't be used: see
    /// [`StaticBreaker::new`](crate::StaticBreaker::new).
    #[must_use]
    #[track_caller]
    pub const fn new(build: fn() -> CircuitBreakersBuilder<K>) -> Self {
        Self {
            cell: FirstUse::new(Location::caller()),
            build,
        }
    }
}

impl<K: Key> StaticBreakers<K> {
    /// Returns the cell that this thread uses.
    #[inline]
    pub(crate) fn cell(&self) -> &FirstUse<CircuitBreakers<K>> {
        #[cfg(feature = "test-util")]
        if let Some(own) = crate::registry::isolated::cell(&self.cell) {
            return own;
        }
        &self.cell
    }

    pub(crate) fn first_use<'a>(
        &self,
        cell: &'a FirstUse<CircuitBreakers<K>>,
    ) -> Result<&'a CircuitBreakers<K>, Circle> {
        let mut news = None;
        let breakers = cell.get_or_fill(|| {
            let (breakers, untold) = (self.build)().build_or_default();
            news = Some(breakers.register(untold));
            breakers
        })?;
        // The cell is filled first: listeners may use this static.
        if let Some(news) = news {
            news.tell(breakers.overflow());
        }
        Ok(breakers)
    }

    #[cold]
    fn expect_first_use<'a>(
        &self,
        cell: &'a FirstUse<CircuitBreakers<K>>,
    ) -> &'a CircuitBreakers<K> {
        self.first_use(cell)
            .unwrap_or_else(|circle| panic!("{circle}"))
    }
}

impl<K: Key> Deref for StaticBreakers<K> {
    type Target = CircuitBreakers<K>;

    #[inline]
    fn deref(&self) -> &CircuitBreakers<K> {
        let cell = self.cell();
        cell.get().unwrap_or_else(|| self.expect_first_use(cell))
    }
}

impl<K> fmt::Debug for StaticBreakers<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StaticBreakers")
            .field(&self.cell.get())
            .finish()
    }
}

#[cfg(feature = "inventory")]
impl<K: super::Key> crate::registry::linked::Link for StaticBreakers<K> {
    fn build(&self) {
        let _ = self.first_use(self.cell());
    }
}
