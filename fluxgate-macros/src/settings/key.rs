//! The values that are about keys of calls.

use syn::{Expr, ExprLit, Lit, Type, parse::Parse};

use crate::settings::value::expr;
use crate::tokens::{Cursor, errors::Errors, quoted};

/// What tells one breaker from another: an expression over the arguments.
pub(super) fn key_of_call(cursor: &mut Cursor<'_>, errors: &Errors) -> Option<Expr> {
    let expr = expr(cursor, errors)?;
    let advice = match &expr {
        Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }) if quoted::<Expr>(text).is_some() => {
            format!("; write `key = {}`, without quotes", text.value())
        }
        Expr::Lit(_) => "; a key that is always the same is a breaker without keys".to_owned(),
        Expr::Closure(_) => ": what the closure would return".to_owned(),
        _ => return Some(expr),
    };
    errors.push(syn::Error::new_spanned(
        &expr,
        format!("`key` takes an expression over the arguments{advice}"),
    ));
    None
}

pub(super) fn key_type(cursor: &mut Cursor<'_>, errors: &Errors) -> Option<Type> {
    let quoted = cursor.peek().filter(|token| token.text().starts_with('"'));
    if let Some(token) = quoted {
        errors.at(
            &token.place,
            "`key_type` takes a type, as in `key_type = String`; write it without quotes",
        );
        cursor.next();
        return None;
    }
    cursor.parse(Type::parse, errors).ok().map(|(ty, _)| ty)
}
