//! `fleet` in the attribute.

/// Makes how a breaker takes part in a fleet: `[fleet] .suspect(…)`.
#[cfg(feature = "fleet")]
#[doc(hidden)]
#[macro_export]
macro_rules! __fleet {
    ([$fleet:ident] $($set:tt)*) => { $crate::fleet::Member::new() $($set)* };
}

/// `fleet` without its feature.
#[cfg(not(feature = "fleet"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __fleet {
    ([$fleet:ident] $($set:tt)*) => {
        ::core::compile_error!(
            "`fleet` needs the feature `fleet` of `fluxgate`: add it in Cargo.toml, as in `fluxgate = { …, features = [\"fleet\"] }`"
        )
    };
}
pub use crate::__fleet as fleet;
