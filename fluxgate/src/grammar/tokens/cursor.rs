//! A cursor over tokens.

use super::{Delimiter, LocatedToken, Location, Tree};

/// What is left of a list of tokens, and where the list ends.
#[derive(Clone)]
pub(crate) struct Cursor<'a> {
    tokens: &'a [LocatedToken],
    end: Location,
}

impl<'a> Cursor<'a> {
    /// Returns a cursor at the first token. `end` is where something is missing when
    /// the list ends too early.
    pub(crate) fn new(tokens: &'a [LocatedToken], end: Location) -> Self {
        Self { tokens, end }
    }

    pub(crate) fn peek(&self) -> Option<&'a LocatedToken> {
        self.tokens.first()
    }

    pub(crate) fn peek_second(&self) -> Option<&'a LocatedToken> {
        self.tokens.get(1)
    }

    pub(crate) fn next(&mut self) -> Option<&'a LocatedToken> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    pub(crate) fn tokens(&self) -> &'a [LocatedToken] {
        self.tokens
    }

    /// Returns the place of the next token, or else of the end.
    pub(crate) fn place(&self) -> Location {
        self.peek().map_or_else(|| self.end, |token| token.place)
    }

    /// Returns the place of everything that is left.
    pub(crate) fn whole(&self) -> Location {
        match (self.tokens.first(), self.tokens.last()) {
            (Some(first), Some(last)) => first.place.to(&last.place),
            _ => self.end,
        }
    }

    pub(crate) fn at_punct(&self, char: char) -> bool {
        self.peek().is_some_and(|token| token.is_punct(char))
    }

    pub(crate) fn eat_punct(&mut self, char: char) -> bool {
        let found = self.at_punct(char);
        if found {
            self.next();
        }
        found
    }

    /// Returns whether the second token is `=`, but not of `==` or `=>`.
    pub(crate) fn second_is_equals(&self) -> bool {
        is_equals(self.tokens.get(1..).unwrap_or_default())
    }

    /// Returns whether it is at the end, or at a comma.
    pub(crate) fn at_boundary(&self) -> bool {
        self.peek().is_none_or(|token| token.is_punct(','))
    }

    /// Returns the inside of a group, if one comes next.
    pub(crate) fn group(&self, wanted: Delimiter) -> Option<Cursor<'a>> {
        match &self.peek()?.tree {
            Tree::Group {
                delimiter,
                inner,
                close,
                ..
            } if *delimiter == wanted => Some(Cursor::new(inner, *close)),
            _ => None,
        }
    }

    /// Takes tokens up to the next comma outside of groups.
    pub(crate) fn until_comma(&mut self) -> Cursor<'a> {
        self.split(self.before_comma())
    }

    /// Takes so many tokens.
    pub(crate) fn split(&mut self, length: usize) -> Cursor<'a> {
        let (taken, rest) = self.tokens.split_at(length);
        self.tokens = rest;
        let end = rest.first().map_or_else(|| self.end, |token| token.place);
        Cursor { tokens: taken, end }
    }

    /// Counts the tokens before the next comma outside of groups.
    fn before_comma(&self) -> usize {
        let comma = self.tokens.iter().position(|token| token.is_punct(','));
        comma.unwrap_or(self.tokens.len())
    }

    /// Takes one argument: up to the next comma, or to where one was forgotten before
    /// `name =`.
    pub(crate) fn expression(&mut self) -> Cursor<'a> {
        let most = self.before_comma();
        let ends = (1..most).find(|at| {
            let (next, after) = (&self.tokens[*at], &self.tokens[at + 1..]);
            let is_operand = matches!(self.tokens[at - 1].tree, Tree::Punct { .. });
            next.is_punct(';') || !is_operand && next.ident().is_some() && is_equals(after)
        });
        self.split(ends.unwrap_or(most))
    }
}

fn is_equals(tokens: &[LocatedToken]) -> bool {
    match tokens {
        [equals, next, ..] if equals.is_punct('=') && equals.is_joint() => {
            !next.is_punct('=') && !next.is_punct('>')
        }
        [equals, ..] => equals.is_punct('='),
        [] => false,
    }
}
