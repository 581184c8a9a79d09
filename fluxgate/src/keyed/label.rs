//! Keys as text: how long they are, and what they are called in names.

use std::fmt::{self, Write};

use crate::util::panic::catch_panic;

/// So many characters of a key become part of a name.
const SHOWN: usize = 100;

/// Returns how many bytes a key is shown with, `limit` + 1 standing for all beyond
/// `limit`; 0 if it can't be shown.
pub(super) fn length(key: &impl fmt::Display, limit: usize) -> usize {
    let mut length = Length { bytes: 0, limit };
    // The counter refuses what is too long, which is no failure.
    let shown = catch_panic(|| write!(length, "{key}").is_ok());
    if shown == Some(true) || length.bytes > limit {
        length.bytes
    } else {
        0
    }
}

struct Length {
    bytes: usize,
    limit: usize,
}

impl Write for Length {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.bytes = self.bytes.saturating_add(text.len()).min(self.limit + 1);
        if self.bytes > self.limit {
            return Err(fmt::Error);
        }
        Ok(())
    }
}

/// Returns what a key is called: its text, in which everything is escaped that is
/// not printed as itself (line breaks, control characters, those that turn the
/// direction of writing) and the backslash. Of a long one the beginning and a hash
/// of the whole. `None` if it can't be shown.
pub(super) fn of(key: &impl fmt::Display) -> Option<String> {
    let mut label = Label {
        text: String::new(),
        characters: 0,
        is_long: false,
        hash: FNV_BASIS,
    };
    catch_panic(|| write!(label, "{key}"))?.ok()?;
    let Label {
        mut text,
        is_long,
        hash,
        ..
    } = label;
    if is_long {
        // It can't fail.
        let _ = write!(text, "…{hash:016x}");
    }
    // That is the overflow breaker's.
    Some(if text == "*" { "\\*".into() } else { text })
}

/// FNV-1a: the same in every process and every version, as names must be.
const FNV_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

struct Label {
    text: String,
    characters: usize,
    is_long: bool,
    hash: u64,
}

impl Write for Label {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME);
        }
        for character in text.chars() {
            if self.is_long {
                break;
            }
            let escaped = escaped(character);
            let more = escaped.chars().count();
            if self.characters + more > SHOWN {
                self.is_long = true;
            } else {
                self.characters += more;
                self.text.push_str(&escaped);
            }
        }
        Ok(())
    }
}

fn escaped(character: char) -> String {
    match character {
        '"' | '\'' => character.into(),
        // Not the first of its text, so that a combining mark is as it is.
        _ => {
            let text: String = ['_', character].iter().collect();
            text.escape_debug().skip(1).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(key: &str) -> String {
        of(&key).expect("it can be shown")
    }

    #[test]
    fn plain_text_is_shown_as_it_is() {
        for key in [
            "",
            "a",
            "eu-1",
            "it's \"x\"",
            "größe",
            "e\u{301}",
            "日本",
            "नमस्ते",
        ] {
            assert_eq!(label(key), key);
        }
    }

    #[test]
    fn invisible_characters_are_escaped() {
        assert_eq!(label("a\nb"), r"a\nb");
        assert_eq!(label("\0\u{1b}[31m"), r"\0\u{1b}[31m");
        assert_eq!(label("a\u{202e}b\u{2066}"), r"a\u{202e}b\u{2066}");
        assert_eq!(label("\u{2028}\u{85}\u{200b}"), r"\u{2028}\u{85}\u{200b}");
        assert_eq!(label(r"a\nb"), r"a\\nb");
        assert_eq!((label("*"), label("\\*")), (r"\*".into(), r"\\*".into()));
    }

    #[test]
    fn long_keys_keep_names_of_their_own() {
        let long = "x".repeat(SHOWN);
        assert_eq!(label(&long), long);
        let [a, b] = ["a", "b"].map(|end| label(&format!("{long}{end}")));
        assert_ne!(a, b);
        assert!(a.starts_with(&long) && a.chars().count() == SHOWN + 17);
        // Stable: it stands in metrics and alerts.
        assert!(label(&"x".repeat(200)).ends_with("…6ee14c8caecd5c45"));
        assert!(label(&"\n".repeat(80)).chars().count() <= SHOWN + 17);
    }

    #[test]
    fn lengths_are_counted_up_to_the_limit() {
        assert_eq!(length(&"abc", 3), 3);
        assert_eq!(length(&"é", 3), 2);
        assert_eq!(length(&"abcd", 3), 4);
        assert_eq!(length(&"x".repeat(100), 3), 4);
    }

    #[test]
    fn keys_that_can_not_be_shown_have_none() {
        struct Refuses;
        impl fmt::Display for Refuses {
            fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
                Err(fmt::Error)
            }
        }
        struct Panics;
        impl fmt::Display for Panics {
            fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
                panic!("shown")
            }
        }
        assert_eq!((of(&Refuses), length(&Refuses, 9)), (None, 0));
        assert_eq!((of(&Panics), length(&Panics, 9)), (None, 0));
    }
}
