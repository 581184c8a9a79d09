//! Names and reasons that users wrote, made fit for a terminal and for XML.

/// Replaces what would move a terminal's cursor or end a line.
pub(super) fn printable(text: &str) -> String {
    let shown = |character: char| match character {
        control if control.is_control() => char::REPLACEMENT_CHARACTER,
        // Line and paragraph separators, and marks that turn the direction of writing.
        '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => {
            char::REPLACEMENT_CHARACTER
        }
        other => other,
    };
    text.chars().map(shown).collect()
}

/// Writes text for XML 1.0, between tags or quotes.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in printable(text).chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // Not allowed in XML.
            '\u{FFFE}' | '\u{FFFF}' => out.push(char::REPLACEMENT_CHARACTER),
            other => out.push(other),
        }
    }
    out
}

/// Writes text for a cell of a table in Markdown.
pub(super) fn cell(text: &str) -> String {
    printable(text).replace('|', "\\|")
}
