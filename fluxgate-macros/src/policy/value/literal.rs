//! Numbers as they are written: literals and named constants.

use quote::ToTokens;
use syn::{Expr, ExprLit, ExprUnary, Lit, UnOp};

use crate::policy::Argument;
use crate::tokens::{
    LocatedToken, Location,
    errors::{ErrorList, Reported},
    quoted,
};

/// What a number is written as.
pub(super) enum Written {
    Literal {
        lit: Lit,
        negative: bool,
    },
    /// `f64::NAN` and the infinities.
    Unnamed(f64),
    /// A constant expression.
    Unknown,
}

/// Tells how a number is written.
pub(super) fn number(expr: &Expr) -> Written {
    match expr {
        Expr::Lit(ExprLit { lit, .. }) => Written::Literal {
            lit: lit.clone(),
            negative: false,
        },
        Expr::Unary(ExprUnary {
            op: UnOp::Neg(_),
            expr,
            ..
        }) => match number(expr) {
            Written::Literal { lit, negative } => Written::Literal {
                lit,
                negative: !negative,
            },
            Written::Unnamed(value) => Written::Unnamed(-value),
            Written::Unknown => Written::Unknown,
        },
        Expr::Group(group) => number(&group.expr),
        Expr::Paren(paren) => number(&paren.expr),
        Expr::Path(path) => {
            let segments = &path.path.segments;
            let is_f64 = segments.iter().any(|segment| segment.ident == "f64");
            match segments.last().map(|segment| segment.ident.to_string()) {
                Some(name) if is_f64 && name == "NAN" => Written::Unnamed(f64::NAN),
                Some(name) if is_f64 && name == "INFINITY" => Written::Unnamed(f64::INFINITY),
                Some(name) if is_f64 && name == "NEG_INFINITY" => {
                    Written::Unnamed(f64::NEG_INFINITY)
                }
                _ => Written::Unknown,
            }
        }
        _ => Written::Unknown,
    }
}

pub(super) fn is_number_suffix(suffix: &str) -> bool {
    matches!(
        suffix,
        "" | "u8" | "u16" | "u32" | "u64" | "usize" | "i32" | "i64" | "f32" | "f64"
    )
}

/// Reports a literal that is no number.
pub(super) fn wrong_kind(
    lit: &Lit,
    what: &str,
    wanted: &str,
    place: &Location,
    errors: &ErrorList,
) -> Reported {
    let found = match lit {
        Lit::Str(text) => {
            let bare = text.value();
            let is_number = matches!(quoted(text), Some(Lit::Int(_) | Lit::Float(_)));
            let hint = if is_number {
                format!("; write `{bare}`, without quotes")
            } else {
                String::new()
            };
            format!("a string{hint}")
        }
        Lit::Bool(_) => "true or false".to_owned(),
        Lit::Char(_) => "a character".to_owned(),
        other => format!("`{}`", other.to_token_stream()),
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
