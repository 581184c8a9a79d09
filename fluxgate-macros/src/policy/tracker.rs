//! Trackers, which say what errors count: `TypeOf(io::Error) | Matches(ApiError::Timeout)`.

use syn::{Expr, Pat, Type, parse::Parse};

use std::cell::Cell;

use super::{
    Formula, Grammar, Negation, Param, Params, PolicyCall, formula::LeafResult, in_code::in_code,
};
use crate::tokens::{
    self, Cursor,
    errors::{ErrorList, Reported},
};

pub(crate) type TrackerFormula = Formula<Matched>;

/// What one tracker matches.
#[derive(Clone)]
pub(crate) enum Matched {
    All,
    TypeOf(Vec<Type>),
    Custom(Expr),
    Matches { pattern: Pat, guard: Option<Expr> },
    Not(Box<TrackerFormula>),
}

const NAMES: &[&str] = &["All", "TypeOf", "Matches", "Custom"];
const GUARDED: &str = "Matches(error if error.is_timeout())";
const CUSTOM: Params<1, 0> = Params::required(
    [Param::new("tracker")],
    "Custom(|error| error.is_timeout())",
);

/// Reads the whole tracker.
pub(crate) fn read(
    cursor: &mut Cursor<'_>,
    errors: &ErrorList,
) -> Result<TrackerFormula, Reported> {
    Grammar {
        what: "tracker",
        negation: Negation::Leaf(|tracker| Matched::Not(Box::new(tracker))),
        leaf,
        count: Cell::new(0),
        errors,
    }
    .read(cursor)
}

fn leaf(cursor: &mut Cursor<'_>, errors: &ErrorList) -> LeafResult<Matched> {
    match in_code(cursor, "tracker", NAMES, errors) {
        Ok(None) => {}
        Ok(Some(expr)) => return Ok(Ok(Matched::Custom(expr))),
        Err(reported) => return Ok(Err(reported)),
    }
    let call = PolicyCall::read(cursor, "tracker", NAMES, errors)?;
    Ok(matched(&call, errors))
}

fn matched(call: &PolicyCall<'_>, errors: &ErrorList) -> Result<Matched, Reported> {
    match call.name.as_str() {
        "All" => call.no_arguments(errors).map(|()| Matched::All),
        "TypeOf" => types(call, errors),
        "Matches" => matches(call, errors),
        "Custom" => call.custom(&CUSTOM, errors).map(Matched::Custom),
        _ => {
            let advice = format!(
                "; for errors of a type write `TypeOf({})`, for a variant `Matches(…)`, \
                 for a closure `Custom(…)`",
                call.name
            );
            Err(call.unknown("tracker", NAMES, &advice, errors))
        }
    }
}

/// Returns the arguments of a call that can't do without.
fn inside<'a>(
    call: &PolicyCall<'a>,
    missing: &str,
    errors: &ErrorList,
) -> Result<Cursor<'a>, Reported> {
    let inside = call.arguments().filter(|inside| !inside.is_empty());
    inside.ok_or_else(|| errors.at(&call.place, missing))
}

fn types(call: &PolicyCall<'_>, errors: &ErrorList) -> Result<Matched, Reported> {
    let missing = "`TypeOf` needs at least one error type, as in `TypeOf(std::io::Error)`; \
                   `All` is for every error";
    let mut cursor = inside(call, missing, errors)?;
    let mut types = Vec::new();
    while let Some(token) = cursor.peek() {
        if token.text().starts_with('"') {
            return Err(errors.at(
                &token.place,
                format!(
                    "`TypeOf` takes types; write `{}`, without quotes",
                    token.text().trim_matches('"')
                ),
            ));
        }
        let (parsed, _) = cursor.parse(Type::parse, errors)?;
        types.push(parsed);
        if !cursor.is_empty() && !cursor.eat_punct(',') {
            return Err(errors.at(
                &cursor.place(),
                "expected `,` or `)` after the type; for a variant of an enum or a condition write `Matches(…)`",
            ));
        }
    }
    Ok(Matched::TypeOf(types))
}

fn matches(call: &PolicyCall<'_>, errors: &ErrorList) -> Result<Matched, Reported> {
    let missing = "`Matches` needs a pattern, as in `Matches(ApiError::Timeout)`";
    let mut cursor = inside(call, missing, errors)?;
    let (pattern, _) = cursor.parse(Pat::parse_multi_with_leading_vert, errors)?;
    let is_guarded = cursor
        .peek()
        .and_then(tokens::LocatedToken::ident)
        .is_some_and(|ident| ident == "if");
    let guard = if is_guarded {
        let place = cursor.place();
        cursor.next();
        if cursor.is_empty() {
            return Err(errors.at(&place, format!("`if` needs a condition, as in `{GUARDED}`")));
        }
        let (condition, _) = cursor.parse(Expr::parse, errors)?;
        Some(condition)
    } else {
        None
    };
    cursor.eat_punct(',');
    if !cursor.is_empty() {
        return Err(errors.at(
            &cursor.whole(),
            format!(
                "expected `|`, `if` or the end of the pattern; a condition stands after `if`, \
                 as in `{GUARDED}`"
            ),
        ));
    }
    Ok(Matched::Matches { pattern, guard })
}
