//! The text as tokens of Rust, so that it reads as in the attribute.

use super::{
    Delimiter, LocatedToken, Location, Tree,
    errors::LexError,
    literal, number,
    token::{DEEPEST, not_too_deep, too_deep},
    visible::{is_unseen, visible},
};

/// Cuts `text` into tokens.
pub(crate) fn lex(text: &str) -> Result<Vec<LocatedToken>, LexError> {
    let mut lexer = Lexer {
        text,
        at: 0,
        depth: 0,
    };
    lexer.tokens(None)
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    /// How many brackets are open.
    depth: usize,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn place(&self, from: usize) -> Location {
        Location { from, to: self.at }
    }

    fn skip_while(&mut self, accept: impl Fn(char) -> bool) {
        let rest = self.rest();
        self.at += rest.find(|c| !accept(c)).unwrap_or(rest.len());
    }

    /// Reads up to the delimiter that closes `open`, or to the end.
    fn tokens(
        &mut self,
        open: Option<(Delimiter, &Location)>,
    ) -> Result<Vec<LocatedToken>, LexError> {
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
        Location {
            from: self.at,
            to: self.at + self.peek().map_or(0, char::len_utf8),
        }
    }

    fn token(&mut self, char: char) -> Result<LocatedToken, LexError> {
        let from = self.at;
        let tree = match char {
            '(' | '[' | '{' => {
                let delimiter = match char {
                    '(' => Delimiter::Parenthesis,
                    '[' => Delimiter::Bracket,
                    _ => Delimiter::Brace,
                };
                if self.depth == DEEPEST {
                    return Err(too_deep(self.here()));
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
                Tree::Punct {
                    char: '\'',
                    joint: true,
                }
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
                let joint = self.peek().is_some_and(|next| {
                    next.is_ascii_punctuation() && !"()[]{}\"_\\`".contains(next)
                });
                Tree::Punct { char, joint }
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

    fn ident(&mut self, from: usize) -> Result<Tree, LexError> {
        let is_raw = self.rest().starts_with("r#");
        if is_raw {
            self.at += 2;
        }
        let start = self.at;
        self.skip_while(|c| c == '_' || c.is_alphanumeric());
        let name = &self.text[start..self.at];
        if !is_raw {
            return Ok(Tree::Ident(name.to_owned()));
        }
        match name {
            "_" | "self" | "Self" | "super" | "crate" => {
                Err(self.place(from).error(format!("`r#{name}` is not a name")))
            }
            _ if !name.starts_with(is_name_start) => {
                Err(self.place(from).error(format!("`r#{name}` is not a name")))
            }
            _ => Ok(Tree::Ident(format!("r#{name}"))),
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
        let so_far = &self.text[from..self.at];
        let is_exponent = so_far.ends_with(['e', 'E'])
            && so_far[..so_far.len() - 1]
                .chars()
                .all(|c| c.is_ascii_digit() || c == '_' || c == '.');
        if is_exponent && self.rest().starts_with(['-', '+']) {
            self.at += 1;
            self.skip_while(word);
        }
    }

    fn quoted(&mut self, quote: char, from: usize) -> Result<(), LexError> {
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
        let is_word = |c: char| c == '_' || c.is_alphanumeric();
        let word = &self.rest()[1..];
        let after = word.trim_start_matches(is_word);
        after.len() < word.len()
            && !word.starts_with(|c: char| c.is_ascii_digit())
            && !after.starts_with('\'')
    }

    /// Reads `b"…"`, `b'…'`, `c"…"`, and the raw forms.
    fn prefixed_string(&mut self, from: usize) -> Result<bool, LexError> {
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
                self.at = self.text.len();
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
    fn literal(&self, from: usize) -> Result<Tree, LexError> {
        let text = &self.text[from..self.at];
        let checked = literal::check(text).and_then(|()| {
            if number::is_broken(text) {
                return Err("it is no literal of Rust".to_owned());
            }
            Ok(())
        });
        checked.map_err(|why| {
            self.place(from)
                .error(format!("`{}` can't be read: {why}", visible(text)))
        })?;
        Ok(Tree::Literal(text.to_owned()))
    }
}

fn is_name_start(char: char) -> bool {
    char == '_' || char.is_alphabetic()
}

fn closing(delimiter: Delimiter) -> char {
    match delimiter {
        Delimiter::Bracket => ']',
        Delimiter::Brace => '}',
        Delimiter::Parenthesis => ')',
    }
}
