//! Locations in a text, and how messages show them.

use super::{errors::LexError, visible::visible};

/// A part of the text, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Location {
    pub(crate) from: usize,
    pub(crate) to: usize,
}

impl Location {
    /// Makes an error that ends the cutting into tokens here.
    pub(super) fn error(self, message: impl Into<String>) -> LexError {
        LexError {
            place: self,
            message: message.into(),
        }
    }

    /// Extends from here to the end of `other`.
    pub(crate) fn to(&self, other: &Self) -> Self {
        Self {
            from: self.from,
            to: other.to.max(self.from),
        }
    }
}

/// Returns the message with the part of `text` that it is about, if there is any.
pub(crate) fn quoted(message: &str, text: &str, place: Location) -> String {
    if text.trim().is_empty() {
        return message.to_owned();
    }
    format!("{message}\n\n{}", underline(text, place.from, place.to))
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
