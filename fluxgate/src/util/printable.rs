//! Foreign text within messages: names, keys, errors, variables.

use std::borrow::Cow;

/// Returns the text with everything escaped that is not printed as itself: line
/// breaks, control characters, those that turn the direction of writing and other
/// invisible ones. So it forges no line of a log, and hides nothing in one.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    let mut escaped = String::new();
    let mut copied = 0;
    for (at, character) in text.char_indices() {
        if is_printed(character) {
            continue;
        }
        escaped.push_str(&text[copied..at]);
        escaped.extend(character.escape_debug());
        copied = at + character.len_utf8();
    }
    if copied == 0 {
        return text.into();
    }
    escaped.push_str(&text[copied..]);
    escaped.into()
}

/// Returns whether a character is printed as itself, alone or on the one before.
fn is_printed(character: char) -> bool {
    if character.is_ascii() {
        return !character.is_ascii_control();
    }
    // Not the first of its text, so that a combining mark is as it is.
    let text: String = ['_', character].iter().collect();
    text.escape_debug().eq(text.chars())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printed_text_is_left_alone() {
        for text in [
            "",
            "a",
            "it's \"x\" \\n",
            "größe",
            "e\u{301}",
            "日本",
            "नमस्ते",
        ] {
            assert!(matches!(printable(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn what_forges_or_hides_is_escaped() {
        for (text, expected) in [
            ("\n", r"\n"),
            ("a\nb\r\u{85}", r"a\nb\r\u{85}"),
            ("\0\u{1b}[31m\u{7f}", r"\0\u{1b}[31m\u{7f}"),
            ("x\u{202e}y\u{2066}\u{2028}", r"x\u{202e}y\u{2066}\u{2028}"),
            ("\u{200b}é\u{feff}", r"\u{200b}é\u{feff}"),
        ] {
            assert_eq!(printable(text), expected);
        }
    }
}
