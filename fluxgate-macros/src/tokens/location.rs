//! Where something stands.

use std::{fmt::Display, rc::Rc};

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, TokenStreamExt};

/// Where something stands: from one token to another, or a part of the text of
/// a string literal, which has no span of its own.
#[derive(Clone)]
pub(crate) enum Place {
    Tokens {
        first: Span,
        last: Span,
    },
    Text {
        text: Rc<Text>,
        from: usize,
        to: usize,
    },
}

/// The value of a string literal, and its span.
pub(crate) struct Text {
    pub(crate) value: String,
    pub(crate) span: Span,
}

impl Place {
    pub(crate) fn of(tokens: &impl ToTokens) -> Self {
        let mut spans = tokens.to_token_stream().into_iter().map(|tree| tree.span());
        let first = spans.next().unwrap_or_else(Span::call_site);
        Self::Tokens {
            first,
            last: spans.last().unwrap_or(first),
        }
    }

    pub(crate) fn at(span: Span) -> Self {
        Self::Tokens {
            first: span,
            last: span,
        }
    }

    /// From here to the end of `other`.
    pub(crate) fn to(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Tokens { first, .. }, Self::Tokens { last, .. }) => Self::Tokens {
                first: *first,
                last: *last,
            },
            (Self::Text { text, from, .. }, Self::Text { to, .. }) => Self::Text {
                text: Rc::clone(text),
                from: *from,
                to: (*to).max(*from),
            },
            _ => self.clone(),
        }
    }

    /// The nearest span for generated tokens.
    pub(crate) fn span(&self) -> Span {
        match self {
            Self::Tokens { first, last } => first.join(*last).unwrap_or(*first),
            Self::Text { text, .. } => text.span,
        }
    }

    /// An error that points here. In a string literal it points at the literal
    /// and quotes the part with a line of carets.
    pub(crate) fn error(&self, message: impl Display) -> syn::Error {
        match self {
            Self::Tokens { first, last } => {
                let mut tokens = TokenStream::new();
                tokens.append(Ident::new("first", *first));
                tokens.append(Ident::new("last", *last));
                syn::Error::new_spanned(tokens, message)
            }
            Self::Text { text, from, to } => {
                let quoted = underline(&text.value, *from, *to);
                syn::Error::new(text.span, format!("{message}\n\n{quoted}"))
            }
        }
    }
}

/// The line of `text` that holds the byte `from`, and carets below it up to the
/// byte `to`, or at least one.
fn underline(text: &str, from: usize, to: usize) -> String {
    let start = text[..from].rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[from..]
        .find('\n')
        .map_or(text.len(), |newline| from + newline);
    let line = text[start..end].trim_end();
    let indent = line.len() - line.trim_start().len();
    let before = text[start..from].chars().count();
    let indent_chars = line[..indent].chars().count();
    let carets = text[from..to.min(end)].chars().count().max(1);
    format!(
        "    {}\n    {}{}",
        line.trim_start(),
        " ".repeat(before.saturating_sub(indent_chars)),
        "^".repeat(carets)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carets_stand_below_the_part_of_its_line() {
        let text = "MinRequests(20)\n    & FailureRat(0.5)";
        let from = text.find("FailureRat").unwrap();
        assert_eq!(
            underline(text, from, from + "FailureRat".len()),
            "    & FailureRat(0.5)\n      ^^^^^^^^^^"
        );
    }

    #[test]
    fn the_end_of_the_text_has_a_caret_of_its_own() {
        assert_eq!(underline("Closed &", 8, 8), "    Closed &\n            ^");
    }
}
