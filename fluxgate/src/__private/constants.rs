//! Constants in rules, checked while compiling.

/// Refuses a constant that one of the [`bounds`](crate::util::bounds) does not allow. The macro
/// composes the message: it knows how the constant is written, and its value
/// can't be printed here.
///
/// # Panics
///
/// While compiling, which makes it a compile error.
#[track_caller]
pub const fn check(allowed: bool, message: &str) {
    assert!(allowed, "{}", message);
}
