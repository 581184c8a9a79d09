//! Breakers in statics that are known before they are used.

/// A breaker in a static, or breakers by key, entered in the program's list by
/// the linker.
#[cfg(feature = "inventory")]
pub struct Linked(pub &'static dyn Link);

#[cfg(feature = "inventory")]
inventory::collect!(Linked);

/// What can be linked.
#[cfg(feature = "inventory")]
pub trait Link: Sync {
    #[doc(hidden)]
    fn build(&self);
}

#[cfg(feature = "inventory")]
impl Link for crate::StaticBreaker {
    fn build(&self) {
        // Refused only while it is being built by a thread that waits for this.
        let _ = self.first_use(self.cell());
    }
}

#[cfg(all(feature = "inventory", feature = "keyed"))]
impl<K: crate::keyed::Key> Link for crate::keyed::StaticBreakers<K> {
    fn build(&self) {
        let _ = self.first_use(self.cell());
    }
}

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
