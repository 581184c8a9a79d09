//! Locations of what the user wrote.

use std::{fmt::Display, rc::Rc};

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, TokenStreamExt};

use crate::tokens::visible::visible;

/// Where something stands: from one token to another, or a part of the text of
/// a string literal, which has no span of its own.
#[derive(Clone)]
pub(crate) enum Location {
    Tokens {
        first: Span,
        last: Span,
    },
    Text {
        text: Rc<QuotedText>,
        from: usize,
        to: usize,
    },
}

/// The value of a string literal, and its span.
pub(crate) struct QuotedText {
    pub(crate) value: String,
    pub(crate) span: Span,
}

impl Location {
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

    /// Extends from here to the end of `other`.
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

    /// Returns the nearest span for generated tokens.
    pub(crate) fn span(&self) -> Span {
        match self {
            Self::Tokens { first, last } => first.join(*last).unwrap_or(*first),
            Self::Text { text, .. } => text.span,
        }
    }

    /// Makes an error that points here. In a string literal it points at the literal
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

/// How many characters of a line are quoted before and after the place that is
/// wrong: a rule may be one long line.
const AROUND: usize = 60;

/// Quotes the line of `text` that holds the byte `from`, with carets below it up
/// to the byte `to`, or at least one. Of a long line it quotes what is around.
fn underline(text: &str, from: usize, to: usize) -> String {
    // Only what is quoted is looked at: lines may be long, and mistakes many.
    let before = tail(&text[..from], AROUND);
    let line_before = before.rsplit('\n').next().unwrap_or_default();
    let is_cut_before = line_before.len() == before.len() && before.len() < from;
    let line_before = line_before.trim_start();
    let marked = head(&text[from..to.max(from)], AROUND);
    let marked = marked.split('\n').next().unwrap_or_default();
    let rest = &text[from + marked.len()..];
    let after = head(rest, AROUND);
    let line_after = after.split('\n').next().unwrap_or_default();
    let is_cut_after = line_after.len() == after.len() && after.len() < rest.len();
    let (ellipsis, indent) = if is_cut_before {
        ("…", " ")
    } else {
        ("", "")
    };
    let quoted = format!("{line_before}{marked}{line_after}");
    format!(
        "    {ellipsis}{}{}\n    {indent}{}{}",
        visible(quoted.trim_end()),
        if is_cut_after { "…" } else { "" },
        " ".repeat(line_before.chars().count()),
        "^".repeat(marked.chars().count().max(1)),
    )
}

/// Returns the last characters of a text.
fn tail(text: &str, most: usize) -> &str {
    let start = text.char_indices().rev().take(most).last();
    &text[start.map_or(text.len(), |(at, _)| at)..]
}

/// Returns the first characters of a text.
fn head(text: &str, most: usize) -> &str {
    let end = text.char_indices().nth(most);
    &text[..end.map_or(text.len(), |(at, _)| at)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carets_stand_below_the_part() {
        let text = "MinRequests(20)\n    & FailureRat(0.5)";
        let from = text.find("FailureRat").unwrap();
        assert_eq!(
            underline(text, from, from + "FailureRat".len()),
            "    & FailureRat(0.5)\n      ^^^^^^^^^^"
        );
    }

    #[test]
    fn a_long_line_is_quoted_in_part() {
        let text = format!(
            "{}Wrong{}",
            "Closed & ".repeat(1000),
            " & Closed".repeat(1000)
        );
        let from = text.find("Wrong").unwrap();
        let quoted = underline(&text, from, from + 5);
        let lines: Vec<_> = quoted.lines().collect();
        assert!(quoted.len() < 400, "{quoted}");
        assert!(
            lines[0].starts_with("    …") && lines[0].ends_with('…'),
            "{quoted}"
        );
        let at = lines[1].find('^').unwrap();
        let wrong: String = lines[0].chars().skip(at).take(5).collect();
        assert_eq!(wrong, "Wrong", "{quoted}");
    }

    #[test]
    fn end_of_text_has_a_caret() {
        assert_eq!(underline("Closed &", 8, 8), "    Closed &\n            ^");
    }
}
