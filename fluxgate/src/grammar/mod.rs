//! The attribute's grammar of policies, read from text at run time.
//!
//! Text, tokens, calls, policies, and last the analysis of whole rules: the layers
//! are those of the macro crate, without Rust expressions. What both can have in
//! common is the same file there and here (a test of the macro crate compares them);
//! for the rest that test reads the same texts both ways, and compares what each says.

pub(crate) mod analysis;
mod describe;
mod deserialize;
pub(crate) mod error;
mod from_str;
pub(crate) mod habits;
pub(crate) mod policy;
#[allow(dead_code, reason = "the attribute asks more of it")]
pub(crate) mod suggest;
pub(crate) mod tokens;

pub use error::ParsePolicyError;
