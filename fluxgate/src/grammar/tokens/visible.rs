//! Characters that can't be seen, and text without them.

/// Returns whether a character can't be seen: control characters, and those that change the direction of text or have no
/// width.
pub(crate) fn is_unseen(char: char) -> bool {
    char.is_control()
        || matches!(
            char,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// Returns the text with a mark for each character that can't be seen.
pub(crate) fn visible(text: &str) -> String {
    let shown = |c| match c {
        '\t' => ' ',
        c if is_unseen(c) => '\u{fffd}',
        c => c,
    };
    text.chars().map(shown).collect()
}
