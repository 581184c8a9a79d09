//! The program simulate.
