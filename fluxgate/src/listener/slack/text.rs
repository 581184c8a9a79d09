//! Text as Slack wants it.

use std::{fmt::Write, time::SystemTime};

use crate::util::utc::Utc;

/// Slack's limit for the text of a section, in characters.
pub(super) const SECTION: usize = 3000;
/// For each field of a section.
pub(super) const FIELD: usize = 2000;
/// For the text of a message, as Slack advises.
pub(super) const MESSAGE: usize = 4000;
/// For what is put into a template: many times what is ever needed, and little
/// enough that the whole stays far below the limits.
const VALUE: usize = 500;

/// Returns text with its markup escaped (`&`, `<` and `>`), so that a name can't
/// mention a channel or pretend to be a link, and shortened to a bounded length.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c => out.push(c),
        }
    }
    shortened(out, VALUE)
}

/// Returns the text cut to at most `limit` characters, with `…` at the end if it
/// was cut. It is never cut inside an escape.
pub(super) fn shortened(mut text: String, limit: usize) -> String {
    if units(&text) <= limit {
        return text;
    }
    let mut used = 0;
    let mut end = text.len();
    for (at, c) in text.char_indices() {
        if used + c.len_utf16() > limit - 1 {
            end = at;
            break;
        }
        used += c.len_utf16();
    }
    if let Some(escape) = text[..end].rfind('&')
        && end - escape <= "&amp".len()
        && !text[escape..end].contains(';')
    {
        end = escape;
    }
    text.truncate(end);
    text.push('…');
    text
}

/// Returns the length in UTF-16 units: of the ways in which Slack may count, the
/// one that gives the largest number.
pub(super) fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// Returns markup for a time that each reader sees in their own time zone, with
/// UTC for clients that can't.
pub(super) fn date(time: SystemTime) -> String {
    let utc = Utc(time);
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => format!(
            "<!date^{}^{{date_num}} {{time_secs}}|{utc} UTC>",
            since.as_secs()
        ),
        Err(_) => format!("{utc} UTC"),
    }
}

/// Puts values into the places of a template named `{…}`; what is not named
/// stays as it is written.
pub(super) fn filled(template: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        let (before, from) = rest.split_at(open);
        out.push_str(before);
        let place = values.iter().find_map(|(name, value)| {
            let after = from[1..].strip_prefix(name)?.strip_prefix('}')?;
            Some((value, after))
        });
        if let Some((value, after)) = place {
            let _ = out.write_str(value);
            rest = after;
        } else {
            out.push('{');
            rest = &from[1..];
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn markup_in_a_name_is_only_text() {
        assert_eq!(escaped("<!channel> & co"), "&lt;!channel&gt; &amp; co");
        assert_eq!(escaped("*s* é 漢\n"), "*s* é 漢\n");
    }

    #[test]
    fn text_is_cut_outside_escapes() {
        assert_eq!(shortened("abcd".into(), 4), "abcd");
        assert_eq!(shortened("abcde".into(), 4), "abc…");
        assert_eq!(shortened("漢字漢字漢".into(), 4), "漢字漢…");
        assert_eq!(shortened("🚨🚨🚨".into(), 5), "🚨🚨…");
        for limit in 2..30 {
            let cut = shortened(escaped("a<&>b<&>cc&&&"), limit);
            assert!(units(&cut) <= limit, "{cut}");
            let whole = cut.trim_end_matches('…');
            let plain = whole
                .replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&amp;", "&");
            assert!("a<&>b<&>cc&&&".starts_with(&plain), "{cut}");
        }
    }

    #[test]
    fn what_is_put_in_is_short() {
        assert_eq!(units(&escaped(&"&".repeat(100_000))), VALUE / 5 * 5 - 5 + 1);
    }

    #[test]
    fn dates_name_the_second_and_have_a_fallback() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_999);
        assert_eq!(
            date(time),
            "<!date^1700000000^{date_num} {time_secs}|2023-11-14 22:13:20 UTC>"
        );
        let before = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!(date(before), "1969-12-31 23:59:59 UTC");
    }

    #[test]
    fn only_named_places_are_filled() {
        let values = [("name", "{old}"), ("old", "x")];
        assert_eq!(filled("{name} {old} {new} {", &values), "{old} x {new} {");
    }
}
