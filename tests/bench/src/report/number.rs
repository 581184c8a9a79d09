//! Numbers for people.

/// One decimal below ten, none above, and a thin space between thousands; `?` for what could not be
/// measured.
pub fn figures(value: f64) -> String {
    if value.is_nan() {
        "?".to_owned()
    } else if value < 10.0 {
        format!("{value:.1}")
    } else {
        let whole = format!("{value:.0}");
        let mut grouped = String::new();
        for (i, digit) in whole.chars().enumerate() {
            if i > 0 && (whole.len() - i) % 3 == 0 {
                grouped.push('\u{202f}');
            }
            grouped.push(digit);
        }
        grouped
    }
}

#[cfg(test)]
mod tests {
    use super::figures;

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(figures(f64::NAN), "?");
        assert_eq!(figures(0.84), "0.8");
        assert_eq!(figures(999.6), "1\u{202f}000");
        assert_eq!(figures(1_234_567.0), "1\u{202f}234\u{202f}567");
    }
}
