//! Numbers as they are written.

use crate::grammar::{
    policy::Argument,
    tokens::{
        Cursor, Delimiter, LocatedToken, Location, Tree,
        errors::{ErrorList, Reported},
        number::Lit,
    },
};

/// What a number is written as.
pub(super) struct Written {
    pub(super) lit: Literal,
    pub(super) negative: bool,
}

pub(super) enum Literal {
    Lit(Lit),
    Bool,
}

/// Reads the one literal that an argument is. Code, which the attribute takes, is
/// refused: `wanted` is what to write instead.
pub(super) fn number(
    argument: &Argument<'_>,
    wanted: &str,
    errors: &ErrorList,
) -> Result<Written, Reported> {
    let mut cursor = argument.cursor.clone();
    let read = read(&mut cursor);
    match read {
        Some(written) if cursor.is_empty() => Ok(written),
        Some(_) if !continues(&cursor) => Err(errors.at(&cursor.whole(), "expected `,` or `)`")),
        _ => Err(errors.at(
            &argument.place,
            format!(
                "{} must be written out, as {wanted}: this is Rust code, which is read while \
                 compiling alone",
                argument.what
            ),
        )),
    }
}

fn read(cursor: &mut Cursor<'_>) -> Option<Written> {
    let mut negative = false;
    while cursor.eat_punct('-') {
        negative = !negative;
    }
    if let Some(mut inside) = cursor.group(Delimiter::Parenthesis) {
        let written = read(&mut inside)?;
        cursor.next();
        return inside.is_empty().then_some(Written {
            negative: negative != written.negative,
            ..written
        });
    }
    let lit = match &cursor.peek()?.tree {
        Tree::Literal(text) => Literal::Lit(Lit::new(text)),
        Tree::Ident(name) if name == "true" || name == "false" => Literal::Bool,
        _ => return None,
    };
    cursor.next();
    Some(Written { lit, negative })
}

/// Returns whether what follows a literal makes an expression of it.
fn continues(rest: &Cursor<'_>) -> bool {
    let next = rest.peek();
    next.is_some_and(|token| {
        let is_operator =
            |tree: &Tree| matches!(tree, Tree::Punct { char, .. } if "+-*/%^|&<>.?=!".contains(*char));
        is_operator(&token.tree)
            || token.ident() == Some("as")
            || matches!(token.tree, Tree::Group { .. })
    })
}

pub(super) fn is_number_suffix(suffix: &str) -> bool {
    matches!(
        suffix,
        "" | "u8" | "u16" | "u32" | "u64" | "usize" | "i32" | "i64" | "f32" | "f64"
    )
}

/// Reports a literal that is no number.
pub(super) fn wrong_kind(
    lit: &Literal,
    what: &str,
    wanted: &str,
    place: &Location,
    errors: &ErrorList,
) -> Reported {
    let found = match lit {
        Literal::Bool => "true or false".to_owned(),
        Literal::Lit(Lit::Str(bare)) => {
            let is_number = bare.starts_with(|c: char| c.is_ascii_digit())
                && match Lit::new(bare) {
                    Lit::Int(number) | Lit::Float(number) => {
                        let suffix = number.suffix;
                        suffix.chars().all(|c| c == '_' || c.is_alphanumeric())
                    }
                    _ => false,
                };
            let hint = if is_number {
                format!("; write `{bare}`, without quotes")
            } else {
                String::new()
            };
            format!("a string{hint}")
        }
        Literal::Lit(Lit::Char) => "a character".to_owned(),
        Literal::Lit(Lit::Other(text)) => format!("`{text}`"),
        Literal::Lit(Lit::Int(number) | Lit::Float(number)) => format!("`{}`", number.text),
    };
    errors.at(place, format!("{what} must be {wanted}, but is {found}"))
}

/// Refuses `50%`.
pub(super) fn not_percent(argument: &Argument<'_>, errors: &ErrorList) -> Result<(), Reported> {
    let mut cursor = argument.cursor.clone();
    let text = cursor.next().map(LocatedToken::text);
    let number = text.and_then(|text| text.parse::<f64>().ok());
    match number {
        Some(value) if cursor.at_punct('%') && cursor.tokens().len() == 1 => Err(errors.at(
            &argument.place,
            format!(
                "{} is a plain number; for {value} % write `{:?}`",
                argument.what,
                value / 100.0
            ),
        )),
        _ => Ok(()),
    }
}
