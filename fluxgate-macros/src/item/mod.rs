//! What the macros stand on: functions, their return types, and the statics of `breaker!`.

pub(crate) mod breaker_macro;
pub(crate) mod function;
pub(crate) mod return_type;
