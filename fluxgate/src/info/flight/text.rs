//! Foreign texts, made short and harmless.

use std::{
    fmt::{self, Write as _},
    sync::Arc,
};

use crate::util::panic::catch_panic;

/// How many bytes of a failure's text are kept.
const FAILURE: usize = 256;
/// How many bytes of the name of a command's author are kept.
const AUTHOR: usize = 128;

/// Returns what a failure says. A panic in its `Display` is contained.
pub(crate) fn failure(error: &dyn fmt::Display) -> String {
    let mut text = Bounded::new(FAILURE);
    let written = catch_panic(|| write!(text, "{error}"));
    match written {
        Some(_) => text.finish(),
        None => "(its `Display` panicked)".to_owned(),
    }
}

/// Returns the name of a command's author.
pub(crate) fn author(by: &str) -> Arc<str> {
    let mut text = Bounded::new(AUTHOR);
    let _ = text.write_str(by);
    text.finish().into()
}

/// Takes text up to a number of bytes, and refuses more of it so that the writer
/// stops.
struct Bounded {
    text: String,
    most: usize,
    is_cut: bool,
}

const CUT: char = '…';

impl Bounded {
    fn new(most: usize) -> Self {
        Self {
            text: String::new(),
            most,
            is_cut: false,
        }
    }

    fn finish(mut self) -> String {
        if self.is_cut {
            while self.text.len() + CUT.len_utf8() > self.most {
                self.text.pop();
            }
            self.text.push(CUT);
        }
        self.text
    }
}

impl fmt::Write for Bounded {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        for c in more.chars() {
            let c = if misleads(c) { ' ' } else { c };
            self.is_cut |= self.text.len() + c.len_utf8() > self.most;
            if self.is_cut {
                return Err(fmt::Error);
            }
            self.text.push(c);
        }
        Ok(())
    }
}

/// Returns whether a character could forge a line of a log, or turn the text around
/// it.
fn misleads(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{2028}' | '\u{2029}' | '\u{61C}' | '\u{200E}' | '\u{200F}'
        )
        || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(all(test, not(fluxgate_loom)))]
mod tests {
    use super::*;

    #[test]
    fn failure_text_is_short_and_harmless() {
        assert_eq!(failure(&"down"), "down");
        assert_eq!(failure(&"a\nb\u{1b}[31m\u{202E}c"), "a b [31m c");
        for unit in ["x", "é", "漢", "🚨"] {
            let exact = unit.repeat(FAILURE / unit.len());
            assert_eq!(failure(&exact), exact);
            let text = failure(&unit.repeat(1000));
            assert!(text.len() <= FAILURE && text.ends_with(CUT), "{text}");
        }
    }

    #[test]
    fn endless_and_panicking_texts_end() {
        struct Endless;
        impl fmt::Display for Endless {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                loop {
                    f.write_str("and so on ")?;
                }
            }
        }
        struct Panics;
        impl fmt::Display for Panics {
            fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
                panic!("in Display")
            }
        }
        assert!(failure(&Endless).ends_with("and…"), "{}", failure(&Endless));
        assert_eq!(failure(&Panics), "(its `Display` panicked)");
    }
}
