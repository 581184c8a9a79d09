//! What generated code calls. Not part of the public interface.

#[cfg(feature = "inventory")]
pub use {crate::linked::Linked, inventory};
