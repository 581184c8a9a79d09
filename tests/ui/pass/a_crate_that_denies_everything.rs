#![deny(warnings, missing_docs, unused, unsafe_code)]
//! A crate with lints on.

/// Documented by its author, and by its policy.
#[fluxgate::circuit_breaker(listeners = [LogListener])]
pub fn quote() -> std::io::Result<u32> {
    Ok(1)
}

fluxgate::breaker! {
    /// Shared.
    pub static SHARED = { tripper = FailureStreak(3) };
}

/// Decided at each variant.
#[derive(Debug, fluxgate::Classify)]
#[non_exhaustive]
pub enum Error {
    /// An old one.
    #[deprecated]
    #[outcome(failure)]
    Old,
    /// Fields that are not looked at.
    #[outcome(alive)]
    Missing {
        /// What.
        item: u32,
    },
    /// One that is.
    #[outcome(with = |code| if *code > 4 { fluxgate::Outcome::Failure } else { fluxgate::Outcome::Alive })]
    Code(u8),
}

macro_rules! errors {
    ($($name:ident = $class:ident, $of:expr;)*) => {
        /// Made by a macro.
        #[derive(fluxgate::Classify)]
        pub enum Made {
            $(
                /// One of them.
                #[outcome($class)]
                $name,
            )*
            $(
                /// As a function says.
                #[outcome(with = $of)]
                Other(u8),
            )*
        }
    };
}

errors! {
    Busy = overloaded, |_code| fluxgate::Outcome::Ignored;
}

/// A foreign error.
#[fluxgate::circuit_breaker(map_rejection = |rejection| rejection.to_string())]
pub fn foreign() -> Result<u32, String> {
    Ok(1)
}

fn main() {
    assert!(foreign().is_ok());
    assert!(quote().is_ok());
    SHARED.reset();
}
