//! Enters statics in the list that the registry builds from.

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
