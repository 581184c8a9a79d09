//! The breaker of a call's key.

#[cfg(feature = "keyed")]
use {
    crate::{
        CircuitBreaker,
        keyed::{CircuitBreakers, Key},
    },
    std::{borrow::Borrow, hash::Hash},
};

/// Returns the breaker of a key.
#[cfg(feature = "keyed")]
#[inline]
pub fn by_key<K: Key, Q: KeyOf<K, M>, M>(breakers: &CircuitBreakers<K>, key: &Q) -> CircuitBreaker {
    key.breaker(breakers)
}

/// The type of the keys of a set, where it can be one. A type that can't is reported
/// once: what uses it is of no type then.
#[cfg(feature = "keyed")]
pub trait KeyType {
    #[doc(hidden)]
    type Key;
}

#[cfg(feature = "keyed")]
impl<K: Key> KeyType for K {
    type Key = K;
}

/// What `key = …` may give: a key, or a reference to what keys borrow as. `M`
/// tells the two apart, and is always inferred.
#[cfg(feature = "keyed")]
#[diagnostic::on_unimplemented(
    message = "a `{Self}` is not a key of breakers by `{K}`",
    label = "expected a `{K}`, or a reference to what it borrows as",
    note = "for breakers by `String` a key is a `String`, a `&String` or a `&str`"
)]
pub trait KeyOf<K, M> {
    #[doc(hidden)]
    fn breaker(&self, breakers: &CircuitBreakers<K>) -> CircuitBreaker
    where
        K: Key;
}

/// See [`KeyOf`].
#[cfg(feature = "keyed")]
pub enum OwnKey {}

/// See [`KeyOf`].
#[cfg(feature = "keyed")]
pub enum BorrowedKey {}

#[cfg(feature = "keyed")]
impl<K> KeyOf<K, OwnKey> for K {
    #[inline]
    fn breaker(&self, breakers: &CircuitBreakers<K>) -> CircuitBreaker
    where
        K: Key,
    {
        breakers.get(self)
    }
}

#[cfg(feature = "keyed")]
impl<K, Q> KeyOf<K, BorrowedKey> for &Q
where
    K: Borrow<Q>,
    Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
{
    #[inline]
    fn breaker(&self, breakers: &CircuitBreakers<K>) -> CircuitBreaker
    where
        K: Key,
    {
        breakers.get(*self)
    }
}

/// Around generated code that is about keys, with the key of the attribute that
/// asked for it: `[key] code`, or `[] code` where something else reports what is
/// missing.
#[cfg(feature = "keyed")]
#[doc(hidden)]
#[macro_export]
macro_rules! __keyed {
    ([$($key:ident)?] $($code:tt)*) => { $($code)* };
}

/// Around generated code that is about keys, without its feature.
#[cfg(not(feature = "keyed"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __keyed {
    ([$key:ident] $($code:tt)*) => {
        ::core::compile_error! {
            ::core::concat!(
                "`",
                ::core::stringify!($key),
                "` needs the feature `keyed` of `fluxgate`: add it in Cargo.toml, as in `fluxgate = { …, features = [\"keyed\"] }`"
            )
        }
    };
    ([] $($code:tt)*) => {};
}
pub use crate::__keyed as keyed;
