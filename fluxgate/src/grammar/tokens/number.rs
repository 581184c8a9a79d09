//! Literals as Rust reads them: digits and a suffix.

use std::fmt::Write as _;

/// What a literal is.
pub(crate) enum Lit {
    Int(Number),
    Float(Number),
    /// What stands between the quotes.
    Str(String),
    Char,
    /// Bytes and the like, as written.
    Other(String),
}

/// A number as written, its digits in base 10, and the suffix.
pub(crate) struct Number {
    pub(crate) text: String,
    pub(crate) digits: String,
    pub(crate) suffix: String,
}

/// Returns whether a number goes on after its suffix: `1s.5`.
pub(super) fn is_broken(text: &str) -> bool {
    if !text.contains(['.', '+', '-']) {
        return false;
    }
    match Lit::new(text) {
        Lit::Int(number) | Lit::Float(number) => number.suffix.contains(['.', '+', '-']),
        _ => false,
    }
}

impl Lit {
    /// Reads the text of a literal that was checked to be one.
    pub(crate) fn new(text: &str) -> Self {
        let number = |(digits, suffix): (String, &str)| Number {
            text: text.to_owned(),
            digits,
            suffix: suffix.to_owned(),
        };
        match text.as_bytes().first() {
            Some(b'0'..=b'9') => match integer(text) {
                Some(parts) => Self::Int(number(parts)),
                None => Self::Float(number(float(text))),
            },
            Some(b'\'') => Self::Char,
            Some(b'"' | b'r') => {
                let inside = text.trim_start_matches(['r', '#']).trim_end_matches('#');
                Self::Str(inside.trim_matches('"').to_owned())
            }
            _ => Self::Other(text.to_owned()),
        }
    }
}

/// Returns the digits of an integer in base 10 and its suffix; `None` if it has a
/// fraction or an exponent.
fn integer(text: &str) -> Option<(String, &str)> {
    let radix = match text.as_bytes() {
        [b'0', b'x', ..] => 16,
        [b'0', b'o', ..] => 8,
        [b'0', b'b', ..] => 2,
        _ => 10,
    };
    let written = if radix == 10 { text } else { &text[2..] };
    let is_digit = |c: char| c == '_' || c.is_digit(radix);
    let suffix = written.trim_start_matches(is_digit);
    let digits = &written[..written.len() - suffix.len()];
    if radix == 10 {
        let has_exponent = suffix.strip_prefix(['e', 'E']).is_some_and(|exponent| {
            let exponent = exponent.trim_start_matches('_');
            exponent.starts_with(|c: char| c.is_ascii_digit() || c == '+' || c == '-')
        });
        if suffix.starts_with('.') || has_exponent {
            return None;
        }
    }
    Some((decimal(digits, radix), suffix))
}

/// What is below one limb of a long number.
const LIMB: u128 = 1_000_000_000_000_000_000;

/// Writes the digits of any base in base 10, without leading zeros.
fn decimal(digits: &str, radix: u32) -> String {
    let digits = digits.chars().filter_map(|c| c.to_digit(radix));
    if radix == 10 {
        let all: String = digits.filter_map(|d| char::from_digit(d, 10)).collect();
        let kept = all.trim_start_matches('0');
        return if kept.is_empty() { "0" } else { kept }.to_owned();
    }
    // In limbs of 18 decimal digits, the lowest first; fifteen digits at a time, so that
    // the longest text is no work.
    let digits: Vec<u32> = digits.collect();
    let mut limbs = vec![0_u128];
    for chunk in digits.chunks(15) {
        let (mut scale, mut carry) = (1, 0);
        for digit in chunk {
            scale *= u128::from(radix);
            carry = carry * u128::from(radix) + u128::from(*digit);
        }
        for limb in &mut limbs {
            let value = *limb * scale + carry;
            *limb = value % LIMB;
            carry = value / LIMB;
        }
        while carry > 0 {
            limbs.push(carry % LIMB);
            carry /= LIMB;
        }
    }
    let mut text = String::new();
    for limb in limbs.iter().rev() {
        if text.is_empty() {
            text.push_str(&limb.to_string());
        } else {
            let _ = write!(text, "{limb:018}");
        }
    }
    text
}

/// Returns the digits of a number with a fraction or an exponent, as
/// [`str::parse`] reads them, and its suffix.
fn float(text: &str) -> (String, &str) {
    let mut digits = String::new();
    let mut has_exponent = false;
    for (at, c) in text.char_indices() {
        match c {
            '_' => {}
            '0'..='9' => digits.push(c),
            '.' if !has_exponent && !digits.contains('.') => digits.push(c),
            'e' | 'E' if !has_exponent && is_exponent(&text[at + 1..]) => {
                has_exponent = true;
                digits.push('e');
            }
            '-' | '+' if digits.ends_with('e') => {
                if c == '-' {
                    digits.push('-');
                }
            }
            _ => return (digits, &text[at..]),
        }
    }
    (digits, "")
}

fn is_exponent(after: &str) -> bool {
    let after = after.trim_start_matches('_');
    after.starts_with(|c: char| c.is_ascii_digit() || c == '+' || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn is_int(text: &str, digits: &str, suffix: &str) {
        let Lit::Int(number) = Lit::new(text) else {
            panic!("{text} is an integer");
        };
        assert_eq!(
            (&*number.digits, &*number.suffix),
            (digits, suffix),
            "{text}"
        );
    }

    #[track_caller]
    fn is_float(text: &str, digits: &str, suffix: &str) {
        let Lit::Float(number) = Lit::new(text) else {
            panic!("{text} has a fraction or an exponent");
        };
        assert_eq!(
            (&*number.digits, &*number.suffix),
            (digits, suffix),
            "{text}"
        );
    }

    #[test]
    fn literals_are_split_as_in_rust() {
        is_int("0", "0", "");
        is_int("007ms", "7", "ms");
        is_int("1_000u32", "1000", "u32");
        is_int("0x1F_u8", "31", "u8");
        is_int("0b101", "5", "");
        is_int("0o17s", "15", "s");
        is_int(
            "0xffffffffffffffffffffffffffffffffff",
            "87112285931760246646623899502532662132735",
            "",
        );
        is_int("5e", "5", "e");
        is_int("5min", "5", "min");
        is_float("1.50s", "1.50", "s");
        is_float("1e3ms", "1e3", "ms");
        is_float("1E-3", "1e-3", "");
        is_float("1_0.0_1e+_2f64", "10.01e2", "f64");
    }
}
