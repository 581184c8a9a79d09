//! Foreign text made fit for a log: without secrets, on one line, and short.
//!
//! Foreign is whatever Slack (or what answers in its place), a poster or the
//! name of a breaker says. It may repeat the token, end the line and begin
//! another, or have no end.

use std::fmt::Write as _;

use reqwest::Url;

/// The secrets of one delivery: its token and what its URL keeps from others.
#[derive(Default)]
pub(super) struct Redactor {
    /// Each secret as it is, in hexadecimal and in Base64.
    needles: Vec<String>,
}

/// Stands where a secret stood.
const MASK: &str = "***";

/// The shortest text that is taken for a secret: to hide every `a` would make
/// logs unreadable and protect nothing.
const SHORTEST: usize = 4;

/// The length of a code, a name or an error in a log, in characters.
pub(super) const SHORT: usize = 200;

/// The length of a message about what is wrong.
pub(super) const SENTENCE: usize = 500;

/// The length of a message's body in a log. Slack truncates far below.
pub(super) const PAYLOAD: usize = 64 * 1024;

impl Redactor {
    pub(super) fn new(token: &str, url: &Url) -> Self {
        let mut redactor = Self::default();
        redactor.add(token);
        redactor.add(url.password().unwrap_or_default());
        redactor.add(url.query().unwrap_or_default());
        for (_, value) in url.query_pairs() {
            redactor.add(&value);
        }
        // The path of a webhook is a secret; that of Slack's API is not.
        if !url.path().starts_with("/api/") {
            for segment in url.path_segments().into_iter().flatten() {
                if segment.len() >= 2 * SHORTEST && segment != "services" {
                    redactor.add(segment);
                }
            }
        }
        // A secret that contains another is hidden as a whole.
        redactor
            .needles
            .sort_by_key(|needle| std::cmp::Reverse(needle.len()));
        redactor.needles.dedup();
        redactor
    }

    fn add(&mut self, secret: &str) {
        if secret.len() < SHORTEST {
            return;
        }
        self.needles.push(secret.to_owned());
        let hex = secret.bytes().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        self.needles.push(hex);
        self.needles.extend(base64_forms(secret.as_bytes()));
    }

    /// Returns the text with every secret masked: the delivery's own however it
    /// is encoded, and what looks like a token or a webhook of Slack.
    pub(super) fn conceal(&self, text: &str) -> String {
        self.conceal_some(text, usize::MAX).0
    }

    /// Masks only as much of a text without end as will be shown: at least so
    /// many characters, and what is left. What is masked is looked for in all of
    /// the text, since half a token is a secret, too.
    fn conceal_some<'a>(&self, text: &'a str, limit: usize) -> (String, &'a str) {
        let mut shown = String::new();
        let (mut rest, mut count) = (text, 0);
        while count < limit
            && let Some(first) = rest.chars().next()
        {
            if let Some(length) = self.secret(rest) {
                shown.push_str(MASK);
                rest = &rest[length..];
                count += MASK.len();
            } else if let Some((kept, length)) = pattern(rest) {
                shown.push_str(&rest[..kept]);
                shown.push_str(MASK);
                rest = &rest[length..];
                count += kept + MASK.len();
            } else {
                shown.push(first);
                rest = &rest[first.len_utf8()..];
                count += 1;
            }
        }
        (shown, rest)
    }

    /// Returns whether the text has a secret in it.
    pub(super) fn finds(&self, text: &str) -> bool {
        text.char_indices()
            .any(|(at, _)| self.secret(&text[at..]).is_some() || pattern(&text[at..]).is_some())
    }

    /// Returns the text as one word of a log line: quoted unless it is a plain
    /// word, so that it can't pretend to be another field.
    pub(super) fn word(&self, text: &str) -> String {
        let text = self.line(text, SHORT);
        let is_plain = |c: char| c.is_alphanumeric() || "#@&+-_.,:/()*…".contains(c);
        if !text.is_empty() && text.chars().all(is_plain) {
            return text;
        }
        format!("\"{}\"", text.replace('"', "'"))
    }

    /// Returns the text without secrets, on one line, of about `limit` characters
    /// at most.
    pub(super) fn line(&self, text: &str, limit: usize) -> String {
        let (concealed, rest) = self.conceal_some(text, limit);
        let mut line = String::with_capacity(concealed.len());
        for c in concealed.chars() {
            match c {
                '"' | '\'' | '\\' => line.push(c),
                c => line.extend(c.escape_debug()),
            }
        }
        if !rest.is_empty() {
            let _ = write!(line, "… ({} more bytes)", rest.len());
        }
        line
    }

    /// Returns how long the secret is that the text begins with.
    fn secret(&self, text: &str) -> Option<usize> {
        self.needles
            .iter()
            .find_map(|needle| encoded(text.as_bytes(), needle.as_bytes()))
    }
}

/// Returns how many bytes of the text's beginning stand for the secret: each of
/// its characters as it is, in either case, or escaped.
fn encoded(text: &[u8], secret: &[u8]) -> Option<usize> {
    let Some((byte, secret)) = secret.split_first() else {
        return Some(0);
    };
    units(text, *byte)
        .into_iter()
        .flatten()
        .find_map(|used| Some(used + encoded(&text[used..], secret)?))
}

/// Returns the lengths of what may stand for the byte at the text's beginning.
fn units(text: &[u8], byte: u8) -> [Option<usize>; 2] {
    let plain = text
        .first()
        .is_some_and(|first| first.eq_ignore_ascii_case(&byte))
        .then_some(1);
    // The longer first, so that nothing of it stays.
    [escape(text, byte), plain]
}

/// Recognises `%2d` (encoded any number of times), `\x2d`, `\u002d`, `\u{2d}`,
/// `\-`, `&#45;` and `&#x2d;`.
fn escape(text: &[u8], byte: u8) -> Option<usize> {
    let is = |digits: &[u8], radix| {
        let digits = std::str::from_utf8(digits).ok()?;
        let value = u32::from_str_radix(digits, radix).ok()?;
        let value = u8::try_from(value).ok()?;
        value.eq_ignore_ascii_case(&byte).then_some(())
    };
    let until = |from: usize, end: u8| {
        let digits = text.get(from..)?.iter().take(8);
        Some(from + digits.take_while(|byte| **byte != end).count())
    };
    match text.first()? {
        b'%' => {
            let mut at = 1;
            while text.get(at..at + 2) == Some(b"25") && text.len() > at + 3 {
                at += 2;
            }
            // `%25` by itself is the percent sign.
            let found = is(text.get(at..at + 2)?, 16).map(|()| at + 2);
            found.or_else(|| is(text.get(1..3)?, 16).map(|()| 3))
        }
        b'\\' => match text.get(1)? {
            b'x' => is(text.get(2..4)?, 16).map(|()| 4),
            b'u' if text.get(2) == Some(&b'{') => {
                let end = until(3, b'}')?;
                is(text.get(3..end)?, 16).map(|()| end + 1)
            }
            b'u' => is(text.get(2..6)?, 16).map(|()| 6),
            escaped => escaped.eq_ignore_ascii_case(&byte).then_some(2),
        },
        b'&' if text.get(1) == Some(&b'#') => {
            let hex = matches!(text.get(2), Some(b'x' | b'X'));
            let from = if hex { 3 } else { 2 };
            let end = until(from, b';')?;
            is(text.get(from..end)?, if hex { 16 } else { 10 }).map(|()| (end + 1).min(text.len()))
        }
        _ => None,
    }
}

/// Returns how the secret's bytes look inside a longer Base64 text, at each of
/// the three places where they may begin, in both alphabets.
fn base64_forms(secret: &[u8]) -> Vec<String> {
    let digits = |alphabet: &[u8; 64], skip: usize| -> String {
        // Only digits that the secret alone decides.
        let bits = |i: usize| (0..6).map(move |bit| 6 * i + bit);
        let bit = |at: usize| {
            let byte = at / 8;
            let byte = byte.checked_sub(skip).and_then(|byte| secret.get(byte))?;
            Some(usize::from(byte >> (7 - at % 8) & 1))
        };
        (0..(secret.len() + skip) * 8 / 6)
            .filter_map(|i| bits(i).try_fold(0, |digit, at| Some(2 * digit + bit(at)?)))
            .map(|digit| char::from(alphabet[digit]))
            .collect()
    };
    let alphabets = [
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
    ];
    let forms = alphabets
        .into_iter()
        .flat_map(|alphabet| (0..3).map(move |skip| digits(alphabet, skip)));
    forms.filter(|form| form.len() >= 2 * SHORTEST).collect()
}

/// Returns the length of what stays and of the whole, where the text begins with
/// a token of Slack's or with the URL of a webhook.
fn pattern(text: &str) -> Option<(usize, usize)> {
    let starts = |prefix: &str| {
        let start = text.get(..prefix.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    if starts("hooks.slack") {
        let end = text.find(|c: char| c.is_whitespace() || "\"'<>".contains(c));
        let host = text.find(['/', '%', '\\'])?;
        return (host < end.unwrap_or(text.len())).then_some((host, end.unwrap_or(text.len())));
    }
    if !(starts("xox") || starts("xapp")) {
        return None;
    }
    // `xoxb`, `xoxe.xoxp`: the kind, then a dash however it is written.
    let kind = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.'))?;
    let dash = escape(&text.as_bytes()[kind..], b'-');
    if !(text[kind..].starts_with('-') || dash.is_some()) {
        return None;
    }
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-_.%\\{}&#;".contains(c);
    let end = text[kind..].find(|c: char| !is_part(c));
    let kept = if starts("xox") { 3 } else { 4 };
    Some((kept, end.map_or(text.len(), |end| kind + end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor(token: &str, url: &str) -> Redactor {
        Redactor::new(token, &Url::parse(url).unwrap())
    }

    fn own(token: &str) -> Redactor {
        redactor(token, "http://127.0.0.1/api/chat.postMessage")
    }

    #[test]
    fn own_token_is_masked_however_it_is_encoded() {
        let all = |f: fn(u8) -> String| "s3cret/-tok".bytes().map(f).collect::<String>();
        for form in [
            "s3cret/-tok".to_owned(),
            "S3CRET/-TOK".to_owned(),
            "s3cret%2F%2dtok".to_owned(),
            "s3cret%252F%25252Dtok".to_owned(),
            r"s3cret\/\u002dtok".to_owned(),
            "s3cret&#47;&#x2D;tok".to_owned(),
            all(|byte| format!("%{byte:02X}")),
            all(|byte| format!("\\u{byte:04x}")),
            all(|byte| format!("\\u{{{byte:x}}}")),
            all(|byte| format!("\\x{byte:02x}")),
            all(|byte| format!("&#{byte};")),
            all(|byte| format!("{byte:02x}")),
        ] {
            let shown = own("s3cret/-tok").conceal(&format!("a {form} b {form}"));
            assert_eq!(shown, "a *** b ***", "{form}");
        }
    }

    #[test]
    fn percent_signs_in_a_token_are_found() {
        for form in ["a%25b%", "a%2525b%25", "%61%25%32%35%62%25"] {
            assert_eq!(own("a%25b%").conceal(form), "***", "{form}");
        }
    }

    #[test]
    fn base64_of_the_token_is_masked() {
        // `Bearer xoxb-1-abcdef` and `…:xoxb-1-abcdef` with 0, 1, 2 bytes before.
        for (text, secret) in [
            ("eG94Yi0xLWFiY2RlZg==", "xoxb-1-abcdef"),
            ("OnhveGItMS1hYmNkZWY=", "xoxb-1-abcdef"),
            ("YTp4b3hiLTEtYWJjZGVm", "xoxb-1-abcdef"),
        ] {
            let shown = own(secret).conceal(text);
            assert!(shown.contains(MASK) && shown.len() < 12, "{shown}");
        }
    }

    #[test]
    fn foreign_tokens_and_webhooks_are_masked() {
        let none = Redactor::default();
        for (text, shown) in [
            ("xoxb-1-abc, a xoxo", "xox***, a xoxo"),
            ("XOXP-2_d!", "XOX***!"),
            ("xoxb%2D1%2Dabc", "xox***"),
            (r"xoxb\u002d1", "xox***"),
            ("xoxe.xoxp-1-a", "xox***"),
            ("xapp-1-A0", "xapp***"),
            ("xapple xox", "xapple xox"),
            (
                "https://hooks.slack.com/services/T/B/x y",
                "https://hooks.slack.com*** y",
            ),
            ("hooks.slack.com%2Fservices%2FT", "hooks.slack.com***"),
        ] {
            assert_eq!(none.conceal(text), shown);
        }
    }

    #[test]
    fn secrets_of_the_url_are_masked() {
        let hook = redactor(
            "tok-1",
            "http://u:passw0rd@h/services/T012/B34567890/s3cr3ts3cr3t",
        );
        let shown = hook.conceal("no /services/T012/B34567890/s3cr3ts3cr3t for passw0rd");
        assert_eq!(shown, "no /services/T012/***/*** for ***");
        let query = redactor("tok-1", "http://h/?sig=a%2Fbcdef");
        assert_eq!(query.conceal("a/bcdef a%2Fbcdef"), "*** ***");
        assert_eq!(
            own("tok-1").conceal("/api/chat.postMessage"),
            "/api/chat.postMessage"
        );
    }

    #[test]
    fn a_word_is_on_one_line_and_can_not_be_a_field() {
        let none = Redactor::default();
        assert_eq!(none.word("not_in_channel"), "not_in_channel");
        assert_eq!(none.word("#alerts"), "#alerts");
        assert_eq!(none.word("a\nERROR b"), "\"a\\nERROR b\"");
        assert_eq!(none.word("x code=\"y\""), "\"x code='y'\"");
        for bad in [
            '\u{1b}', '\r', '\u{85}', '\u{9b}', '\u{2028}', '\u{202e}', '\u{7f}', '\0',
        ] {
            let shown = none.word(&format!("a{bad}b"));
            assert!(!shown.contains(bad), "{shown}");
        }
    }

    #[test]
    fn lines_are_cut_after_they_are_masked() {
        let shown = own("xoxb-secret").word(&format!("{}xoxb-secret", "a".repeat(SHORT - 4)));
        assert!(!shown.contains("xoxb"), "{shown}");
        let shown = own("xoxb-secret").word(&"é".repeat(100_000));
        assert!(shown.chars().count() < SHORT + 40, "{shown}");
    }
}
