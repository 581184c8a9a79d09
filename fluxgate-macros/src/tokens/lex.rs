//! The text of a string literal as tokens.
//!
//! `str::parse` would do but for two things: its tokens do not say where in the
//! text they stand, and for an unbalanced parenthesis the compiler reports an
//! error of its own at a place that the user can't see.

use std::rc::Rc;

use proc_macro2::{Delimiter, Ident, Literal, Punct, Spacing};

use crate::tokens::{
    LocatedToken, Location, QuotedText, Tree, literal, stream,
    token::{DEEPEST, not_too_deep, too_deep},
    visible::{is_unseen, visible},
};

/// Cuts `text` into tokens that all have its span.
pub(crate) fn lex(text: &Rc<QuotedText>) -> Result<Vec<LocatedToken>, syn::Error> {
    let mut lexer = Lexer {
        text,
        at: 0,
        depth: 0,
    };
    let tokens = lexer.tokens(None)?;
    Ok(tokens)
}

/// Reads what stands in a string literal as something else than a policy, for
/// advice: nothing is reported.
pub(crate) fn quoted<T: syn::parse::Parse>(text: &syn::LitStr) -> Option<T> {
    let text = Rc::new(QuotedText {
        value: text.value(),
        span: text.span(),
    });
    syn::parse2(stream(&lex(&text).ok()?)).ok()
}

struct Lexer<'a> {
    text: &'a Rc<QuotedText>,
    at: usize,
    /// How many brackets are open.
    depth: usize,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.text.value[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn place(&self, from: usize) -> Location {
        Location::Text {
            text: Rc::clone(self.text),
            from,
            to: self.at,
        }
    }

    fn skip_while(&mut self, accept: impl Fn(char) -> bool) {
        let rest = self.rest();
        self.at += rest.find(|c| !accept(c)).unwrap_or(rest.len());
    }

    /// Reads up to the delimiter that closes `open`, or to the end.
    fn tokens(
        &mut self,
        open: Option<(Delimiter, &Location)>,
    ) -> Result<Vec<LocatedToken>, syn::Error> {
        let mut tokens = Vec::new();
        loop {
            self.skip_while(char::is_whitespace);
            let Some(char) = self.peek() else {
                return match open {
                    None => not_too_deep(&tokens).map(|()| tokens),
                    Some((delimiter, place)) => Err(place.error(format!(
                        "this is never closed; expected a `{}`",
                        closing(delimiter)
                    ))),
                };
            };
            if matches!(char, ')' | ']' | '}') {
                return match open {
                    Some((delimiter, _)) if closing(delimiter) == char => {
                        not_too_deep(&tokens).map(|()| tokens)
                    }
                    Some((delimiter, _)) => Err(self
                        .here()
                        .error(format!("expected a `{}`", closing(delimiter)))),
                    None => Err(self.here().error(format!(
                        "`{char}` closes nothing: it has no opening bracket"
                    ))),
                };
            }
            tokens.push(self.token(char)?);
        }
    }

    fn here(&self) -> Location {
        Location::Text {
            text: Rc::clone(self.text),
            from: self.at,
            to: self.at + self.peek().map_or(0, char::len_utf8),
        }
    }

    fn token(&mut self, char: char) -> Result<LocatedToken, syn::Error> {
        let from = self.at;
        let span = self.text.span;
        let tree = match char {
            '(' | '[' | '{' => {
                let delimiter = match char {
                    '(' => Delimiter::Parenthesis,
                    '[' => Delimiter::Bracket,
                    _ => Delimiter::Brace,
                };
                if self.depth == DEEPEST {
                    return Err(too_deep(&self.here()));
                }
                self.at += 1;
                self.depth += 1;
                let inner = self.tokens(Some((delimiter, &self.place(from))))?;
                self.depth -= 1;
                let close = self.here();
                self.at += 1;
                Tree::Group {
                    delimiter,
                    inner,
                    close,
                    span,
                }
            }
            '0'..='9' => {
                self.number();
                self.literal(from)?
            }
            '"' => {
                self.quoted('"', from)?;
                self.literal(from)?
            }
            '\'' if self.is_lifetime() => {
                self.at += 1;
                Tree::Punct(punct('\'', Spacing::Joint, span))
            }
            '\'' => {
                self.quoted('\'', from)?;
                self.literal(from)?
            }
            _ if self.prefixed_string(from)? => self.literal(from)?,
            _ if is_name_start(char) => self.ident(from)?,
            '!' | '%' | '&' | '*' | '+' | ',' | '-' | '.' | '/' | ':' | ';' | '<' | '=' | '>'
            | '?' | '@' | '^' | '|' | '~' | '#' | '$' => {
                self.at += 1;
                let spacing = match self.peek() {
                    Some(next) if next.is_ascii_punctuation() && !"()[]{}\"_\\`".contains(next) => {
                        Spacing::Joint
                    }
                    _ => Spacing::Alone,
                };
                Tree::Punct(punct(char, spacing, span))
            }
            _ => {
                let shown = if is_unseen(char) {
                    char.escape_unicode().to_string()
                } else {
                    char.to_string()
                };
                return Err(self.here().error(format!("unexpected `{shown}`")));
            }
        };
        Ok(LocatedToken {
            tree,
            place: self.place(from),
        })
    }

    fn ident(&mut self, from: usize) -> Result<Tree, syn::Error> {
        let is_raw = self.rest().starts_with("r#");
        if is_raw {
            self.at += 2;
        }
        let start = self.at;
        self.skip_while(|c| c == '_' || unicode_ident::is_xid_continue(c));
        let name = &self.text.value[start..self.at];
        let span = self.text.span;
        if !is_raw {
            return Ok(Tree::Ident(Ident::new(name, span)));
        }
        match name {
            "_" | "self" | "Self" | "super" | "crate" => {
                Err(self.place(from).error(format!("`r#{name}` is not a name")))
            }
            _ if !name.starts_with(is_name_start) => {
                Err(self.place(from).error(format!("`r#{name}` is not a name")))
            }
            _ => Ok(Tree::Ident(Ident::new_raw(name, span))),
        }
    }

    /// Digits, a fraction, an exponent, a suffix: `1_000`, `0x1F`, `1.5s`, `1e-3`.
    fn number(&mut self) {
        let word = |c: char| c == '_' || c.is_alphanumeric();
        let is_based = self.rest().starts_with("0x")
            || self.rest().starts_with("0b")
            || self.rest().starts_with("0o");
        let from = self.at;
        self.skip_while(word);
        if is_based {
            return;
        }
        let mut after = self.rest().chars();
        if after.next() == Some('.') && after.next().is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
            self.skip_while(word);
        }
        let so_far = &self.text.value[from..self.at];
        let is_exponent = so_far.ends_with(['e', 'E'])
            && so_far[..so_far.len() - 1]
                .chars()
                .all(|c| c.is_ascii_digit() || c == '_' || c == '.');
        if is_exponent && self.rest().starts_with(['-', '+']) {
            self.at += 1;
            self.skip_while(word);
        }
    }

    fn quoted(&mut self, quote: char, from: usize) -> Result<(), syn::Error> {
        self.at += 1;
        loop {
            match self.peek() {
                None => return Err(self.place(from).error("this is never closed")),
                Some('\\') => {
                    self.at += 1;
                    self.at += self.peek().map_or(0, char::len_utf8);
                }
                Some(char) => {
                    self.at += char.len_utf8();
                    if char == quote {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Returns whether a lifetime comes next: `'a` not followed by a quote.
    fn is_lifetime(&self) -> bool {
        let is_word = |c: char| c == '_' || unicode_ident::is_xid_continue(c);
        let word = &self.rest()[1..];
        let after = word.trim_start_matches(is_word);
        after.len() < word.len()
            && !word.starts_with(|c: char| c.is_ascii_digit())
            && !after.starts_with('\'')
    }

    /// Reads `b"…"`, `b'…'`, `c"…"`, and the raw forms.
    fn prefixed_string(&mut self, from: usize) -> Result<bool, syn::Error> {
        let rest = self.rest();
        let prefix = rest.trim_start_matches(['b', 'c', 'r']);
        let length = rest.len() - prefix.len();
        if length == 0 || length > 2 {
            return Ok(false);
        }
        let is_raw = rest[..length].ends_with('r');
        let hashes = prefix.len() - prefix.trim_start_matches('#').len();
        if is_raw && prefix[hashes..].starts_with('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            let start = length + hashes + 1;
            let Some(found) = rest[start..].find(&end) else {
                self.at = self.text.value.len();
                return Err(self.place(from).error("this is never closed"));
            };
            self.at += start + found + end.len();
            return Ok(true);
        }
        match prefix.chars().next() {
            Some(quote @ ('"' | '\'')) if !is_raw => {
                self.at += length;
                self.quoted(quote, from)?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Refuses what is not a literal: the compiler would say so at a
    /// place that the user can't see.
    fn literal(&self, from: usize) -> Result<Tree, syn::Error> {
        let text = &self.text.value[from..self.at];
        let mut literal = literal::check(text)
            .and_then(|()| {
                text.parse::<Literal>()
                    .map_err(|_| "it is no literal of Rust".to_owned())
            })
            .map_err(|why| {
                self.place(from)
                    .error(format!("`{}` can't be read: {why}", visible(text)))
            })?;
        literal.set_span(self.text.span);
        Ok(Tree::Literal(literal))
    }
}

fn punct(char: char, spacing: Spacing, span: proc_macro2::Span) -> Punct {
    let mut punct = Punct::new(char, spacing);
    punct.set_span(span);
    punct
}

fn is_name_start(char: char) -> bool {
    char == '_' || unicode_ident::is_xid_start(char)
}

fn closing(delimiter: Delimiter) -> char {
    match delimiter {
        Delimiter::Bracket => ']',
        Delimiter::Brace => '}',
        Delimiter::Parenthesis | Delimiter::None => ')',
    }
}

#[cfg(test)]
mod tests {
    use proc_macro2::{Span, TokenStream};

    use super::*;

    fn lexed(text: &str) -> Result<Vec<LocatedToken>, syn::Error> {
        lex(&Rc::new(QuotedText {
            value: text.to_owned(),
            span: Span::call_site(),
        }))
    }

    #[track_caller]
    fn same_as_the_compiler(text: &str) {
        let expected: TokenStream = text.parse().unwrap();
        assert_eq!(
            stream(&lexed(text).unwrap()).to_string(),
            expected.to_string()
        );
    }

    #[test]
    fn tokens_are_those_of_rust() {
        same_as_the_compiler(
            "MinRequests(20) & (FailureRate(0.5) | SlowRate(0.3, threshold = 1s))",
        );
        same_as_the_compiler("Matches(ApiError::Status(500..=599) | ApiError::Timeout)");
        same_as_the_compiler("Backoff(initial = 1.5s, multiplier = 2e0, max_duration = 1e-3)");
        same_as_the_compiler(r#"Custom(|e: &'static str| e == "a \" )" || e == 'x' as _)"#);
        same_as_the_compiler(r##"Custom(f(r#"("#, b"\"", b'(', '\'', '(', r"\"))"##);
        same_as_the_compiler("A<'a, { N + 1 }>::r#type[0x1F_u8] != !b && c");
        same_as_the_compiler("x.0.1 ..= 1..2");
    }

    #[test]
    fn open_brackets_are_pointed_at() {
        let error = lexed("MinRequests(20").map(|_| ()).unwrap_err().to_string();
        assert_eq!(
            error,
            "this is never closed; expected a `)`\n\n    MinRequests(20\n               ^"
        );
        let error = lexed("Closed)").map(|_| ()).unwrap_err().to_string();
        assert!(
            error.starts_with("`)` closes nothing: it has no opening bracket"),
            "{error}"
        );
        let error = lexed("(Closed]").map(|_| ()).unwrap_err().to_string();
        assert!(error.starts_with("expected a `)`"), "{error}");
        let error = lexed("Custom(\"x)").map(|_| ()).unwrap_err().to_string();
        assert!(error.starts_with("this is never closed"), "{error}");
    }
}
