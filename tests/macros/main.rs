//! The attribute and `breaker!`, in code that compiles and runs.

mod basics;
