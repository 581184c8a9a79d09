//! The guarantees.

mod model;
