//! A cursor over tokens.

use proc_macro2::{Delimiter, TokenStream};
use syn::parse::{Parse, ParseStream, Parser};

use crate::tokens::errors::{ErrorList, Reported};
use crate::tokens::{LocatedToken, Location, Tree, stream};

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
        self.peek()
            .map_or_else(|| self.end.clone(), |token| token.place.clone())
    }

    /// Returns the place of everything that is left.
    pub(crate) fn whole(&self) -> Location {
        match (self.tokens.first(), self.tokens.last()) {
            (Some(first), Some(last)) => first.place.to(&last.place),
            _ => self.end.clone(),
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

    pub(crate) fn at_equals(&self) -> bool {
        is_equals(self.tokens)
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
            } if *delimiter == wanted => Some(Cursor::new(inner, close.clone())),
            _ => None,
        }
    }

    /// Takes tokens up to the next comma outside of groups.
    pub(crate) fn until_comma(&mut self) -> Cursor<'a> {
        self.split(self.before_comma(1))
    }

    /// Takes so many tokens.
    pub(crate) fn split(&mut self, length: usize) -> Cursor<'a> {
        let (taken, rest) = self.tokens.split_at(length);
        self.tokens = rest;
        let end = rest
            .first()
            .map_or_else(|| self.end.clone(), |token| token.place.clone());
        Cursor { tokens: taken, end }
    }

    /// Lets `syn` take from the front what it needs, and reports what it can't read.
    pub(crate) fn parse<T>(
        &mut self,
        parser: impl Fn(ParseStream) -> syn::Result<T>,
        errors: &ErrorList,
    ) -> Result<(T, Cursor<'a>), Reported> {
        let error = match self.attempt(parser) {
            Ok(parsed) => return Ok(parsed),
            Err(error) => error,
        };
        let part = self.clone().until_comma().whole();
        // Where something is missing at the end, `syn` knows no place.
        let message = error.to_string();
        if let Some(expected) = message.strip_prefix("unexpected end of input, ") {
            return Err(errors.at(&part, format!("this ends too early: {expected}")));
        }
        Err(match part {
            Location::Tokens { .. } if !self.is_empty() => errors.push(error),
            part => errors.at(&part, error),
        })
    }

    /// Lets `syn` take from the front what it needs, if it can read it. Reports
    /// nothing, so what comes of `None` is the caller's to say.
    pub(crate) fn try_parse<T>(
        &mut self,
        parser: impl Fn(ParseStream) -> syn::Result<T>,
    ) -> Option<(T, Cursor<'a>)> {
        self.attempt(parser).ok()
    }

    /// Reads everything that is left as one thing, or nothing.
    pub(crate) fn try_whole<T>(&self, parser: impl Fn(ParseStream) -> syn::Result<T>) -> Option<T> {
        let mut ahead = self.clone();
        let (value, _) = ahead.try_parse(parser)?;
        ahead.is_empty().then_some(value)
    }

    /// Shows `syn` what comes before the next comma, and more of them only if that
    /// makes no sense to it, as in `|a, b| …`: each of many values would otherwise
    /// cost as much as all that follow.
    fn attempt<T>(
        &mut self,
        parser: impl Fn(ParseStream) -> syn::Result<T>,
    ) -> syn::Result<(T, Cursor<'a>)> {
        let counted = |input: ParseStream| {
            let value = parser(input)?;
            let rest: TokenStream = input.parse()?;
            Ok((value, rest.into_iter().count()))
        };
        let mut shown = self.before_comma(1);
        let mut result = counted.parse2(stream(&self.tokens[..shown]));
        for commas in [8, 64] {
            let length = self.before_comma(commas);
            if result.is_ok() || length == shown {
                break;
            }
            shown = length;
            result = counted.parse2(stream(&self.tokens[..shown]));
        }
        result.map(|(value, left)| (value, self.split(shown - left)))
    }

    /// Counts the tokens before the `n`th comma outside of groups.
    fn before_comma(&self, n: usize) -> usize {
        self.tokens
            .iter()
            .enumerate()
            .filter(|(_, token)| token.is_punct(','))
            .nth(n - 1)
            .map_or(self.tokens.len(), |(at, _)| at)
    }

    /// Takes one expression: as far as `syn` takes it to go, or up to the next comma
    /// if it can't make sense of what follows. A forgotten comma
    /// before `name =` it can.
    pub(crate) fn expression(&mut self) -> Cursor<'a> {
        let taken = self
            .clone()
            .try_parse(syn::Expr::parse)
            .map(|(_, taken)| taken.tokens.len());
        match taken {
            Some(length) if ends_expression(&self.tokens[length..]) => self.split(length),
            _ => self.until_comma(),
        }
    }
}

fn ends_expression(rest: &[LocatedToken]) -> bool {
    let Some((next, after)) = rest.split_first() else {
        return true;
    };
    next.is_punct(',') || next.is_punct(';') || next.ident().is_some() && is_equals(after)
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
