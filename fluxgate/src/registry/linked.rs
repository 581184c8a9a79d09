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
