//! Breakers in statics that are known before they are used.

/// A breaker in a static, entered in the program's list by the linker.
#[cfg(feature = "inventory")]
pub struct Linked(pub &'static crate::StaticBreaker);

#[cfg(feature = "inventory")]
impl Linked {
    pub(crate) fn build(&self) {
        let _: &crate::CircuitBreaker = self.0;
    }
}

#[cfg(feature = "inventory")]
inventory::collect!(Linked);

/// Makes a `StaticBreaker` known to the registry from the start of the program.
/// An item, to be put beside the static, wherever that is. Without the feature
/// `inventory` it is nothing.
#[cfg(feature = "inventory")]
#[doc(hidden)]
#[macro_export]
macro_rules! __link {
    ($breaker:path) => {
        $crate::__private::inventory::submit! {
            $crate::__private::Linked(&$breaker)
        }
    };
}

/// Makes a `StaticBreaker` known to the registry from the start of the program.
/// An item, to be put beside the static, wherever that is. Without the feature
/// `inventory` it is nothing.
#[cfg(not(feature = "inventory"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __link {
    ($breaker:path) => {};
}
