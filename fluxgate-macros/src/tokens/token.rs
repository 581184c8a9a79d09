//! Tokens that know where they stand.

use proc_macro2::{Delimiter, Group, Ident, Literal, Punct, Span, TokenStream, TokenTree};

use crate::tokens::Location;

#[derive(Clone)]
pub(crate) struct LocatedToken {
    pub(crate) tree: Tree,
    pub(crate) place: Location,
}

#[derive(Clone)]
pub(crate) enum Tree {
    Ident(Ident),
    Punct(Punct),
    Literal(Literal),
    Group {
        delimiter: Delimiter,
        inner: Vec<LocatedToken>,
        /// The closing delimiter.
        close: Location,
        span: Span,
    },
}

impl LocatedToken {
    pub(crate) fn is_punct(&self, char: char) -> bool {
        matches!(&self.tree, Tree::Punct(punct) if punct.as_char() == char)
    }

    pub(crate) fn is_joint(&self) -> bool {
        matches!(&self.tree, Tree::Punct(punct) if punct.spacing() == proc_macro2::Spacing::Joint)
    }

    pub(crate) fn ident(&self) -> Option<&Ident> {
        match &self.tree {
            Tree::Ident(ident) => Some(ident),
            _ => None,
        }
    }

    /// Writes the token as in the source, for messages.
    pub(crate) fn text(&self) -> String {
        match &self.tree {
            Tree::Ident(ident) => ident.to_string(),
            Tree::Punct(punct) => punct.as_char().to_string(),
            Tree::Literal(literal) => literal.to_string(),
            Tree::Group { delimiter, .. } => match delimiter {
                Delimiter::Brace => "{".to_owned(),
                Delimiter::Bracket => "[".to_owned(),
                Delimiter::Parenthesis | Delimiter::None => "(".to_owned(),
            },
        }
    }
}

/// How deep brackets may be nested. Everything that reads them is recursive, and
/// stacks are finite.
pub(super) const DEEPEST: usize = 64;

pub(super) fn too_deep(place: &Location) -> syn::Error {
    place.error(format!(
        "this is nested more than {DEEPEST} deep; take what is inside out of the \
         attribute, into a function or a constant"
    ))
}

/// Takes the tokens of the attribute. What `macro_rules` captured comes in
/// groups without delimiters; a single token is taken out of its group.
///
/// # Errors
///
/// Brackets are nested too deep.
pub(crate) fn read(tokens: TokenStream) -> syn::Result<Vec<LocatedToken>> {
    read_to(tokens, DEEPEST)
}

fn read_to(tokens: TokenStream, depth: usize) -> syn::Result<Vec<LocatedToken>> {
    let tokens: Vec<_> = tokens
        .into_iter()
        .map(|tree| token(tree, depth))
        .collect::<syn::Result<_>>()?;
    not_too_deep(&tokens)?;
    Ok(tokens)
}

/// Refuses what nests too deep without brackets: `- - - 5`, and `A<A<A<…>>>`.
///
/// # Errors
///
/// It is nested too deep.
pub(super) fn not_too_deep(tokens: &[LocatedToken]) -> syn::Result<()> {
    let (mut prefixes, mut angles) = (0, 0);
    for token in tokens {
        let is = |among: &str| match &token.tree {
            Tree::Punct(punct) => among.contains(punct.as_char()),
            _ => false,
        };
        prefixes = if is("-!&*") { prefixes + 1 } else { 0 };
        angles = match &token.tree {
            Tree::Punct(punct) if punct.as_char() == '<' => angles + 1,
            Tree::Punct(punct) if matches!(punct.as_char(), ':' | '&') => angles,
            Tree::Ident(_) => angles,
            _ => 0,
        };
        if prefixes > DEEPEST || angles > DEEPEST {
            return Err(too_deep(&token.place));
        }
    }
    Ok(())
}

fn token(tree: TokenTree, depth: usize) -> syn::Result<LocatedToken> {
    let place = Location::at(tree.span());
    let tree = match tree {
        TokenTree::Ident(ident) => Tree::Ident(ident),
        TokenTree::Punct(punct) => Tree::Punct(punct),
        TokenTree::Literal(literal) => Tree::Literal(literal),
        TokenTree::Group(group) => {
            let Some(depth) = depth.checked_sub(1) else {
                return Err(too_deep(&Location::at(group.span_open())));
            };
            let mut inner = read_to(group.stream(), depth)?;
            if group.delimiter() == Delimiter::None && inner.len() == 1 {
                return Ok(inner.remove(0));
            }
            Tree::Group {
                delimiter: group.delimiter(),
                inner,
                close: Location::at(group.span_close()),
                span: group.span(),
            }
        }
    };
    Ok(LocatedToken { tree, place })
}

/// Turns them into ordinary tokens.
pub(crate) fn stream(tokens: &[LocatedToken]) -> TokenStream {
    tokens.iter().map(|token| tree(token.clone())).collect()
}

fn tree(token: LocatedToken) -> TokenTree {
    match token.tree {
        Tree::Ident(ident) => ident.into(),
        Tree::Punct(punct) => punct.into(),
        Tree::Literal(literal) => literal.into(),
        Tree::Group {
            delimiter,
            inner,
            span,
            ..
        } => {
            let mut group = Group::new(delimiter, stream(&inner));
            group.set_span(span);
            group.into()
        }
    }
}
