//! Whether the text of a literal is one, in words of our own.
//!
//! The compiler has the last word, but it reports what is wrong at
//! `<proc-macro source code>`, where there is nothing to see.

use std::str::Chars;

/// Checks that a text is a literal.
///
/// # Errors
///
/// What is wrong.
pub(super) fn check(text: &str) -> Result<(), String> {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return number(text);
    }
    let Some(start) = text.find(['"', '\'']) else {
        return Err("it is no literal of Rust".to_owned());
    };
    let prefix = text[..start].trim_end_matches('#');
    if prefix.ends_with('r') {
        return raw(prefix, text);
    }
    let quote = &text[start..=start];
    let inside = text[start + 1..]
        .rsplit_once(quote)
        .map_or("", |(inside, _)| inside);
    let kind = QuoteKind {
        is_char: quote == "'",
        is_byte: prefix == "b",
        is_c: prefix == "c",
    };
    if kind.is_char && kind.is_c {
        return Err("there are no C characters".to_owned());
    }
    let count = escapes(inside, kind)?;
    match count {
        1 => Ok(()),
        _ if !kind.is_char => Ok(()),
        0 => Err("there is no character in it".to_owned()),
        _ => Err("a character in quotes is one; strings have double quotes".to_owned()),
    }
}

/// Checks a number. The compiler takes an unknown suffix: `250ms` is a number.
fn number(text: &str) -> Result<(), String> {
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = text.strip_prefix(prefix) {
            let digits = digits.trim_start_matches('_');
            if !digits.starts_with(|c: char| c.is_ascii_digit() || c.is_digit(radix)) {
                return Err(format!("there is no digit after `{prefix}`"));
            }
            let wrong = digits
                .chars()
                .take_while(char::is_ascii_digit)
                .find(|c| !c.is_digit(radix));
            return match wrong {
                Some(digit) => Err(format!("`{digit}` is no digit after `{prefix}`")),
                None => Ok(()),
            };
        }
    }
    let is_digit = |c: char| c.is_ascii_digit() || c == '_';
    let rest = text.trim_start_matches(is_digit);
    let rest = rest
        .strip_prefix('.')
        .map_or(rest, |fraction| fraction.trim_start_matches(is_digit));
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        let exponent = exponent.trim_start_matches('_');
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if !digits
            .trim_start_matches('_')
            .starts_with(|c: char| c.is_ascii_digit())
        {
            return Err("there is no exponent after the `e`".to_owned());
        }
    }
    Ok(())
}

fn raw(prefix: &str, text: &str) -> Result<(), String> {
    if prefix == "br" && !text.is_ascii() {
        return Err("bytes are written in ASCII".to_owned());
    }
    if prefix == "cr" && text.contains('\0') {
        return Err("a C string can't have a NUL inside".to_owned());
    }
    carriage_return(text)
}

fn carriage_return(text: &str) -> Result<(), String> {
    if text.contains('\r') {
        return Err("there is a carriage return in it; write `\\r`".to_owned());
    }
    Ok(())
}

#[derive(Clone, Copy)]
struct QuoteKind {
    is_char: bool,
    is_byte: bool,
    is_c: bool,
}

/// Returns how many characters there are.
fn escapes(inside: &str, kind: QuoteKind) -> Result<usize, String> {
    carriage_return(inside)?;
    let mut chars = inside.chars();
    let mut count = 0;
    while let Some(char) = chars.next() {
        count += 1;
        match char {
            '\\' => escape(&mut chars, kind)?,
            '\0' if kind.is_c => return Err("a C string can't have a NUL inside".to_owned()),
            '\n' | '\t' if kind.is_char => {
                return Err("line breaks and tabs are written `\\n` and `\\t`".to_owned());
            }
            char if kind.is_byte && !char.is_ascii() => {
                return Err("bytes are written in ASCII".to_owned());
            }
            _ => {}
        }
    }
    Ok(count)
}

fn escape(chars: &mut Chars<'_>, kind: QuoteKind) -> Result<(), String> {
    match chars.next() {
        Some('n' | 'r' | 't' | '\\' | '\'' | '"') => Ok(()),
        Some('0') if !kind.is_c => Ok(()),
        Some('\n') if !kind.is_char => Ok(()),
        Some('x') => {
            let digits: String = chars.take(2).collect();
            let value = u8::from_str_radix(&digits, 16)
                .ok()
                .filter(|_| digits.len() == 2);
            match value {
                Some(0) if kind.is_c => Err("a C string can't have a NUL inside".to_owned()),
                Some(128..) if !kind.is_byte && !kind.is_c => {
                    Err("`\\x` goes up to `\\x7F`; write `\\u{…}`".to_owned())
                }
                Some(_) => Ok(()),
                None => Err("`\\x` needs two hexadecimal digits".to_owned()),
            }
        }
        Some('u') if !kind.is_byte => unicode(chars, kind),
        Some(char) => Err(format!("`\\{}` is no escape", char.escape_debug())),
        None => Err("there is nothing after the last `\\`".to_owned()),
    }
}

fn unicode(chars: &mut Chars<'_>, kind: QuoteKind) -> Result<(), String> {
    let form = || "`\\u` needs a character, as in `\\u{e9}`".to_owned();
    if chars.next() != Some('{') {
        return Err(form());
    }
    let mut digits = String::new();
    loop {
        match chars.next() {
            Some('}') => break,
            Some('_') if !digits.is_empty() => {}
            Some(digit) if digit.is_ascii_hexdigit() && digits.len() < 6 => digits.push(digit),
            _ => return Err(form()),
        }
    }
    let value = u32::from_str_radix(&digits, 16).map_err(|_| form())?;
    if char::from_u32(value).is_none() {
        return Err(format!("there is no character `\\u{{{digits}}}`"));
    }
    if value == 0 && kind.is_c {
        return Err("a C string can't have a NUL inside".to_owned());
    }
    Ok(())
}
