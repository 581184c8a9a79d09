//! What the user wrote, as tokens that know where they stand: in the attribute
//! itself, or inside a string literal.

mod cursor;
mod lex;
mod literal;
mod place;
mod tokens;

pub(crate) use cursor::Cursor;
pub(crate) use lex::{lex, quoted};
pub(crate) use place::{Place, Text};
pub(crate) use tokens::{Token, Tree, read, stream};
