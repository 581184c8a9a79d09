//! Tokens that know where they stand.

use super::{Location, errors::LexError};

#[derive(Clone)]
pub(crate) struct LocatedToken {
    pub(crate) tree: Tree,
    pub(crate) place: Location,
}

#[derive(Clone)]
pub(crate) enum Tree {
    /// A name as it is written, `r#` included.
    Ident(String),
    Punct {
        char: char,
        /// Whether another one follows at once.
        joint: bool,
    },
    Literal(String),
    Group {
        delimiter: Delimiter,
        inner: Vec<LocatedToken>,
        /// The closing delimiter.
        close: Location,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delimiter {
    Parenthesis,
    Bracket,
    Brace,
}

impl LocatedToken {
    pub(crate) fn is_punct(&self, char: char) -> bool {
        matches!(&self.tree, Tree::Punct { char: punct, .. } if *punct == char)
    }

    pub(crate) fn is_joint(&self) -> bool {
        matches!(&self.tree, Tree::Punct { joint: true, .. })
    }

    /// Returns the name without `r#`, if the token is one.
    pub(crate) fn ident(&self) -> Option<&str> {
        match &self.tree {
            Tree::Ident(ident) => Some(ident.strip_prefix("r#").unwrap_or(ident)),
            _ => None,
        }
    }

    /// Writes the token as in the source, for messages.
    pub(crate) fn text(&self) -> String {
        match &self.tree {
            Tree::Ident(text) | Tree::Literal(text) => text.clone(),
            Tree::Punct { char, .. } => char.to_string(),
            Tree::Group { delimiter, .. } => match delimiter {
                Delimiter::Brace => "{".to_owned(),
                Delimiter::Bracket => "[".to_owned(),
                Delimiter::Parenthesis => "(".to_owned(),
            },
        }
    }
}

/// How deep brackets may be nested: everything that reads them is recursive, and
/// stacks are finite.
pub(super) const DEEPEST: usize = 64;

pub(super) fn too_deep(place: Location) -> LexError {
    LexError {
        place,
        message: format!(
            "this is nested more than {DEEPEST} deep; write it with fewer brackets around each other"
        ),
    }
}

/// Refuses what nests too deep without brackets: `- - - 5`.
///
/// # Errors
///
/// It is nested too deep.
pub(super) fn not_too_deep(tokens: &[LocatedToken]) -> Result<(), LexError> {
    let (mut prefixes, mut angles) = (0, 0);
    for token in tokens {
        let is = |among: &str| match &token.tree {
            Tree::Punct { char, .. } => among.contains(*char),
            _ => false,
        };
        prefixes = if is("-!&*") { prefixes + 1 } else { 0 };
        angles = match &token.tree {
            Tree::Punct { char: '<', .. } => angles + 1,
            Tree::Punct {
                char: ':' | '&', ..
            }
            | Tree::Ident(_) => angles,
            _ => 0,
        };
        if prefixes > DEEPEST || angles > DEEPEST {
            return Err(too_deep(token.place));
        }
    }
    Ok(())
}
