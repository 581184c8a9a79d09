//! The text of a policy as tokens that know where they stand.

mod cursor;
pub(crate) mod errors;
mod lex;
mod literal;
mod location;
pub(crate) mod number;
mod token;
mod visible;

pub(crate) use cursor::Cursor;
pub(crate) use lex::lex;
pub(crate) use location::{Location, quoted};
pub(crate) use token::{Delimiter, LocatedToken, Tree};
