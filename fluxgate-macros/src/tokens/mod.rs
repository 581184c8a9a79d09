//! What the user wrote, as tokens that know where they stand: in the attribute
//! itself, or inside a string literal.

mod cursor;
pub(crate) mod errors;
mod lex;
mod literal;
mod location;
mod token;
mod visible;

pub(crate) use cursor::Cursor;
pub(crate) use lex::{lex, quoted};
pub(crate) use location::{Location, QuotedText};
pub(crate) use token::{LocatedToken, Tree, read, stream};
pub(crate) use visible::is_unseen;
