//! What the user wrote, as tokens that know where they stand: in the attribute
//! itself, or inside a string literal.

mod cursor;
pub(crate) mod errors;
mod lex;
mod location;
mod token;

pub(crate) use cursor::Cursor;
pub(crate) use lex::lex;
pub(crate) use location::{Place, Text};
pub(crate) use token::{Token, Tree, read, stream};
