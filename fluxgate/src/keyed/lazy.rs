//! Breakers by key in statics.

use std::{fmt, ops::Deref};

use once_cell::sync::OnceCell;

use super::{Builder, CircuitBreakers, Key};

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
    cell: OnceCell<CircuitBreakers<K>>,
    build: fn() -> Builder<K>,
}

impl<K> StaticBreakers<K> {
    /// Breakers to be built by `build` when first used. A setting that
    /// `Builder::build` would refuse is reported then, and its default stands
    /// in: using a static must not fail.
    #[must_use]
    pub const fn new(build: fn() -> Builder<K>) -> Self {
        Self {
            cell: OnceCell::new(),
            build,
        }
    }
}

impl<K: Key> StaticBreakers<K> {
    #[cold]
    fn first_use(&self) -> &CircuitBreakers<K> {
        let mut news = None;
        let breakers = self.cell.get_or_init(|| {
            let (breakers, untold) = (self.build)().build_or_default();
            news = Some(breakers.register(untold));
            breakers
        });
        // With the cell filled: those who are told may use this very static.
        if let Some(news) = news {
            news.tell(breakers.overflow());
        }
        breakers
    }
}

impl<K: Key> Deref for StaticBreakers<K> {
    type Target = CircuitBreakers<K>;

    #[inline]
    fn deref(&self) -> &CircuitBreakers<K> {
        self.cell.get().unwrap_or_else(|| self.first_use())
    }
}

impl<K> fmt::Debug for StaticBreakers<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StaticBreakers")
            .field(&self.cell.get())
            .finish()
    }
}
