//! Which errors count: `TypeOf(io::Error) | Matches(ApiError::Timeout)`.

use syn::{Expr, Pat, Type, parse::Parse};

use super::{Call, Formula, Grammar, Param, call::in_code};
use crate::tokens::{
    self, Cursor,
    errors::{Errors, Reported},
};

pub(crate) type Tracker = Formula<Matched>;

/// What one tracker matches.
#[derive(Clone)]
pub(crate) enum Matched {
    All,
    TypeOf(Vec<Type>),
    Custom(Expr),
    Matches { pattern: Pat, guard: Option<Expr> },
}

const NAMES: &[&str] = &["All", "TypeOf", "Matches", "Custom"];
const GUARDED: &str = "Matches(error if error.is_timeout())";
const CUSTOM: &[Param] = &[Param::required(
    "tracker",
    "Custom(|error| error.is_timeout())",
)];

/// Reads the whole tracker.
pub(crate) fn read(cursor: &mut Cursor<'_>, errors: &Errors) -> Option<Tracker> {
    Grammar {
        what: "tracker",
        no_not: None,
        leaf,
        errors,
    }
    .read(cursor)
}

fn leaf(cursor: &mut Cursor<'_>, errors: &Errors) -> Result<Option<Matched>, Reported> {
    if let Some(expr) = in_code(cursor, "tracker", NAMES, errors) {
        return Ok(expr.map(Matched::Custom));
    }
    let call = Call::read(cursor, "tracker", NAMES, errors)?;
    Ok(matched(&call, errors))
}

fn matched(call: &Call<'_>, errors: &Errors) -> Option<Matched> {
    match call.name.as_str() {
        "All" => {
            call.no_arguments(errors)?;
            Some(Matched::All)
        }
        "TypeOf" => types(call, errors),
        "Matches" => matches(call, errors),
        "Custom" => Some(Matched::Custom(call.custom(CUSTOM, errors)?)),
        _ => {
            let advice = format!(
                "; for errors of a type write `TypeOf({})`, for a variant `Matches(…)`, \
                 for a closure `Custom(…)`",
                call.name
            );
            call.unknown("tracker", NAMES, &advice, errors);
            None
        }
    }
}

fn types(call: &Call<'_>, errors: &Errors) -> Option<Matched> {
    let mut cursor = call
        .arguments()
        .filter(|inside| !inside.is_empty())
        .or_else(|| {
            errors.at(
                &call.place,
                "`TypeOf` needs at least one error type, as in `TypeOf(std::io::Error)`; \
                 `All` is for every error",
            );
            None
        })?;
    let mut types = Vec::new();
    while !cursor.is_empty() {
        if let Some(token) = cursor.peek().filter(|token| token.text().starts_with('"')) {
            errors.at(
                &token.place,
                format!(
                    "`TypeOf` takes types; write `{}`, without quotes",
                    token.text().trim_matches('"')
                ),
            );
            return None;
        }
        let (parsed, _) = cursor.parse(Type::parse, errors).ok()?;
        types.push(parsed);
        if !cursor.is_empty() && !cursor.eat_punct(',') {
            errors.at(
                &cursor.place(),
                "expected `,` or `)` after the type; for a variant of an enum or a condition write `Matches(…)`",
            );
            return None;
        }
    }
    Some(Matched::TypeOf(types))
}

fn matches(call: &Call<'_>, errors: &Errors) -> Option<Matched> {
    let mut cursor = call
        .arguments()
        .filter(|inside| !inside.is_empty())
        .or_else(|| {
            errors.at(
                &call.place,
                "`Matches` needs a pattern, as in `Matches(ApiError::Timeout)`",
            );
            None
        })?;
    let (pattern, _) = cursor
        .parse(Pat::parse_multi_with_leading_vert, errors)
        .ok()?;
    let mut guard = None;
    if cursor
        .peek()
        .and_then(tokens::Token::ident)
        .is_some_and(|ident| ident == "if")
    {
        let place = cursor.place();
        cursor.next();
        if cursor.is_empty() {
            errors.at(&place, format!("`if` needs a condition, as in `{GUARDED}`"));
            return None;
        }
        let (condition, _) = cursor.parse(Expr::parse, errors).ok()?;
        guard = Some(condition);
    }
    cursor.eat_punct(',');
    if !cursor.is_empty() {
        errors.at(
            &cursor.whole(),
            format!(
                "expected `|`, `if` or the end of the pattern; a condition stands after `if`, \
                 as in `{GUARDED}`"
            ),
        );
        return None;
    }
    Some(Matched::Matches { pattern, guard })
}
