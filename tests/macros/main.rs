//! The attribute and `breaker!`, in code that compiles and runs.

mod basics;
mod bodies;
mod fallbacks;
mod futures;
mod names;
mod results;
mod shapes;
