//! What the user wrote, as tokens that know where they stand: in the attribute
//! itself, or inside a string literal.

mod cursor;
mod lex;
mod place;
mod tokens;

pub(crate) use cursor::Cursor;
pub(crate) use lex::lex;
pub(crate) use place::{Place, Text};
pub(crate) use tokens::{Token, Tree, read, stream};
