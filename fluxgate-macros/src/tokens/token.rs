//! Tokens that know where they stand.

use proc_macro2::{Delimiter, Group, Ident, Literal, Punct, Span, TokenStream, TokenTree};

use crate::tokens::Place;

#[derive(Clone)]
pub(crate) struct Token {
    pub(crate) tree: Tree,
    pub(crate) place: Place,
}

#[derive(Clone)]
pub(crate) enum Tree {
    Ident(Ident),
    Punct(Punct),
    Literal(Literal),
    Group {
        delimiter: Delimiter,
        inner: Vec<Token>,
        /// The closing delimiter.
        close: Place,
        span: Span,
    },
}

impl Token {
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

    /// The token as in the source, for messages.
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

/// Takes the tokens of the attribute. What `macro_rules` captured comes in
/// groups without delimiters; a single token is taken out of its group.
pub(crate) fn read(tokens: TokenStream) -> Vec<Token> {
    tokens.into_iter().map(token).collect()
}

fn token(tree: TokenTree) -> Token {
    let place = Place::at(tree.span());
    let tree = match tree {
        TokenTree::Ident(ident) => Tree::Ident(ident),
        TokenTree::Punct(punct) => Tree::Punct(punct),
        TokenTree::Literal(literal) => Tree::Literal(literal),
        TokenTree::Group(group) => {
            let mut inner = read(group.stream());
            if group.delimiter() == Delimiter::None && inner.len() == 1 {
                return inner.remove(0);
            }
            Tree::Group {
                delimiter: group.delimiter(),
                inner,
                close: Place::at(group.span_close()),
                span: group.span(),
            }
        }
    };
    Token { tree, place }
}

/// The same as ordinary tokens.
pub(crate) fn stream(tokens: &[Token]) -> TokenStream {
    tokens.iter().map(|token| tree(token.clone())).collect()
}

fn tree(token: Token) -> TokenTree {
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
