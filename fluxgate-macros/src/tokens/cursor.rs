//! Walking over tokens.

use proc_macro2::{Delimiter, TokenStream};
use syn::parse::{Parse, ParseStream, Parser};

use crate::tokens::errors::{Errors, Reported};
use crate::tokens::{Place, Token, Tree, stream};

/// What is left of a list of tokens, and where the list ends.
#[derive(Clone)]
pub(crate) struct Cursor<'a> {
    tokens: &'a [Token],
    end: Place,
}

impl<'a> Cursor<'a> {
    /// `end` is where something is missing when the list ends too early.
    pub(crate) fn new(tokens: &'a [Token], end: Place) -> Self {
        Self { tokens, end }
    }

    pub(crate) fn peek(&self) -> Option<&'a Token> {
        self.tokens.first()
    }

    pub(crate) fn peek_second(&self) -> Option<&'a Token> {
        self.tokens.get(1)
    }

    pub(crate) fn next(&mut self) -> Option<&'a Token> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    pub(crate) fn tokens(&self) -> &'a [Token] {
        self.tokens
    }

    /// Where the next token stands, or else the end.
    pub(crate) fn place(&self) -> Place {
        self.peek()
            .map_or_else(|| self.end.clone(), |token| token.place.clone())
    }

    /// Where everything that is left stands.
    pub(crate) fn whole(&self) -> Place {
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

    /// `=`, but not `==` or `=>`.
    pub(crate) fn second_is_equals(&self) -> bool {
        is_equals(self.tokens.get(1..).unwrap_or_default())
    }

    pub(crate) fn at_equals(&self) -> bool {
        is_equals(self.tokens)
    }

    /// At the end, or at a comma.
    pub(crate) fn at_boundary(&self) -> bool {
        self.peek().is_none_or(|token| token.is_punct(','))
    }

    /// The inside of a group, if one comes next.
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
    pub(crate) fn take(&mut self, length: usize) -> Cursor<'a> {
        self.split(length)
    }

    fn split(&mut self, length: usize) -> Cursor<'a> {
        let (taken, rest) = self.tokens.split_at(length);
        self.tokens = rest;
        let end = rest
            .first()
            .map_or_else(|| self.end.clone(), |token| token.place.clone());
        Cursor { tokens: taken, end }
    }

    /// Lets `syn` take from the front what it needs.
    ///
    /// It is shown what comes before the next comma, and more of them only if
    /// that makes no sense to it, as in `|a, b| …`: each of many values would
    /// otherwise cost as much as all that follow.
    pub(crate) fn parse<T>(
        &mut self,
        parser: impl Fn(ParseStream) -> syn::Result<T>,
        errors: &Errors,
    ) -> Result<(T, Cursor<'a>), Reported> {
        let counted = |input: ParseStream| {
            let value = parser(input)?;
            let rest: TokenStream = input.parse()?;
            Ok((value, rest.into_iter().count()))
        };
        let mut error = None;
        let mut shown = 0;
        for commas in [1, 8, 64] {
            let length = self.before_comma(commas);
            if length == shown && error.is_some() {
                break;
            }
            shown = length;
            match counted.parse2(stream(&self.tokens[..length])) {
                Ok((value, left)) => return Ok((value, self.split(length - left))),
                Err(wrong) => error = Some(wrong),
            }
        }
        let part = self.clone().until_comma().whole();
        let Some(error) = error else {
            return Err(errors.at(&part, "this can't be read"));
        };
        // Where something is missing at the end, `syn` knows no place.
        let message = error.to_string();
        if let Some(expected) = message.strip_prefix("unexpected end of input, ") {
            return Err(errors.at(&part, format!("this ends too early: {expected}")));
        }
        Err(match part {
            Place::Tokens { .. } if !self.is_empty() => errors.push(error),
            part => errors.at(&part, error),
        })
    }

    /// How many tokens there are before the `n`th comma outside of groups.
    fn before_comma(&self, n: usize) -> usize {
        self.tokens
            .iter()
            .enumerate()
            .filter(|(_, token)| token.is_punct(','))
            .nth(n - 1)
            .map_or(self.tokens.len(), |(at, _)| at)
    }

    /// The extent of one expression: as far as `syn` takes it to go, or up to
    /// the next comma if it can't make sense of what follows. A forgotten comma
    /// before `name =` it can.
    pub(crate) fn expression(&mut self) -> Cursor<'a> {
        let taken = self
            .clone()
            .parse(syn::Expr::parse, &Errors::trial())
            .map(|(_, taken)| taken.tokens.len());
        match taken {
            Ok(length) if ends_expression(&self.tokens[length..]) => self.split(length),
            _ => self.until_comma(),
        }
    }
}

fn ends_expression(rest: &[Token]) -> bool {
    let Some((next, after)) = rest.split_first() else {
        return true;
    };
    next.is_punct(',') || next.is_punct(';') || next.ident().is_some() && is_equals(after)
}

fn is_equals(tokens: &[Token]) -> bool {
    match tokens {
        [equals, next, ..] if equals.is_punct('=') && equals.is_joint() => {
            !next.is_punct('=') && !next.is_punct('>')
        }
        [equals, ..] => equals.is_punct('='),
        [] => false,
    }
}
