//! `Name` and `Name(argument, name = argument)`: the form of every policy.

use proc_macro2::{Delimiter, Ident};
use syn::{Expr, ExprClosure, ext::IdentExt, parse::Parse};

use super::Param;
use crate::{
    settings::table,
    suggest::did_you_mean,
    tokens::{
        Cursor, Place, Token, Tree,
        errors::{Errors, Reported},
    },
};

/// A policy as written, its arguments not looked at yet.
pub(crate) struct Call<'a> {
    pub(crate) ident: Ident,
    pub(crate) name: String,
    pub(crate) place: Place,
    /// The name alone.
    pub(crate) name_place: Place,
    pub(super) arguments: Option<Cursor<'a>>,
}

/// One argument, by position or by name.
pub(crate) struct Argument<'a> {
    pub(crate) cursor: Cursor<'a>,
    pub(crate) place: Place,
    /// What messages call it, as in "the ratio of `FailureRate`".
    pub(crate) what: String,
}

impl<'a> Call<'a> {
    /// Reads a name and, if there are any, takes the arguments. `what` is the
    /// kind of policy.
    pub(crate) fn read(
        cursor: &mut Cursor<'a>,
        what: &str,
        names: &[&str],
        errors: &Errors,
    ) -> Result<Self, Reported> {
        let Some(token) = cursor.peek() else {
            return Err(errors.at(
                &cursor.place(),
                format!("expected a {what}: one of {}", listed(names)),
            ));
        };
        if let Some(error) = not_a_closure(cursor, what, errors) {
            return Err(error);
        }
        let Some(ident) = token.ident().cloned() else {
            let advice = match what {
                "tracker" if token.text() == "[" => {
                    "for errors of several types write `TypeOf(A, B)`".to_owned()
                }
                _ => format!("write one of {}", listed(names)),
            };
            return Err(errors.at(
                &token.place,
                format!("expected a {what}, found `{}`; {advice}", token.text()),
            ));
        };
        let name = ident.unraw().to_string();
        let mut name_place = token.place.clone();
        cursor.next();
        if cursor.at_punct(':') {
            return Err(path(cursor, &name, &name_place, what, names, errors));
        }
        let arguments = cursor.group(Delimiter::Parenthesis);
        let mut place = name_place.clone();
        if let Some(group) = cursor.peek().filter(|_| arguments.is_some()) {
            place = place.to(&group.place);
            if let (Place::Tokens { .. }, Tree::Group { close, .. }) = (&name_place, &group.tree) {
                place = name_place.to(close);
            }
            cursor.next();
        }
        if let Place::Tokens { .. } = name_place {
            name_place = Place::at(ident.span());
        }
        Ok(Self {
            ident,
            name,
            place,
            name_place,
            arguments,
        })
    }

    /// The error for a name that is none of `names`.
    pub(crate) fn unknown(
        &self,
        what: &str,
        names: &[&'static str],
        advice: &str,
        errors: &Errors,
    ) -> Reported {
        let meant = did_you_mean(&self.name, names.iter().copied());
        let advice = if meant.is_empty() {
            format!("; expected one of {}{advice}", listed(names))
        } else {
            meant
        };
        errors.at(
            &self.name_place,
            format!("unknown {what} `{}`{advice}", self.name),
        )
    }

    /// For policies that take none: `Closed` and `Closed()`.
    pub(crate) fn no_arguments(&self, errors: &Errors) -> Option<()> {
        self.bind(&[], errors).map(|_| ())
    }

    /// The arguments, unread.
    pub(crate) fn arguments(&self) -> Option<Cursor<'a>> {
        self.arguments.clone()
    }

    /// The one expression in `Custom(…)`.
    pub(crate) fn custom(&self, params: &'static [Param], errors: &Errors) -> Option<Expr> {
        let bound = self.bind(params, errors)?;
        bound.into_iter().next()??.expr(errors)
    }
}

impl Argument<'_> {
    pub(crate) fn expr(mut self, errors: &Errors) -> Option<Expr> {
        let (expr, _) = self.cursor.parse(Expr::parse, errors).ok()?;
        if !self.cursor.is_empty() {
            errors.at(&self.cursor.whole(), "expected `,` or `)`");
            return None;
        }
        Some(expr)
    }
}

/// A closure is a policy, but not by itself.
pub(super) fn not_a_closure(cursor: &Cursor<'_>, what: &str, errors: &Errors) -> Option<Reported> {
    // Asked of each leaf: most are seen to be none.
    let may_be = cursor.at_punct('|')
        || cursor.peek().and_then(Token::ident).is_some_and(|word| {
            ["move", "async", "static", "for"]
                .iter()
                .any(|keyword| word == keyword)
        });
    if !may_be {
        return None;
    }
    let mut closure = cursor.clone();
    let (_, taken) = closure.parse(ExprClosure::parse, &Errors::trial()).ok()?;
    Some(errors.at(
        &taken.whole(),
        format!("a closure is a {what} of your own: write `Custom(|…| …)`"),
    ))
}

/// A policy value that is one call from beginning to end.
pub(crate) fn policy<'a>(
    cursor: &mut Cursor<'a>,
    what: &str,
    names: &[&str],
    errors: &Errors,
) -> Option<Call<'a>> {
    let call = Call::read(cursor, what, names, errors).ok()?;
    if let Some(message) = table::separator(cursor) {
        errors.at(&cursor.place(), message);
        return None;
    }
    if !cursor.at_boundary() {
        let rest = cursor.until_comma();
        let operator = ["&", "|", "!", "~"]
            .into_iter()
            .find(|operator| rest.peek().is_some_and(|token| token.text() == *operator));
        let message = match operator {
            Some(operator) => {
                format!("a {what} can't be combined with `{operator}`; give one {what}")
            }
            None => format!("expected nothing more after the {what} `{}`", call.name),
        };
        errors.at(&rest.whole(), message);
        return None;
    }
    Some(call)
}

/// The error for `tripper::MinRequests(…)` and `MinRequests::new(…)`.
fn path(
    cursor: &mut Cursor<'_>,
    first: &str,
    place: &Place,
    what: &str,
    names: &[&str],
    errors: &Errors,
) -> Reported {
    let mut segments = vec![first.to_owned()];
    let mut end = place.clone();
    while let Some(token) = cursor.peek() {
        match token.ident() {
            Some(ident) => segments.push(ident.to_string()),
            None if token.is_punct(':') => {}
            None => break,
        }
        end = token.place.clone();
        cursor.next();
    }
    let arguments = cursor.group(Delimiter::Parenthesis);
    if arguments.is_some() {
        cursor.next();
    }
    let known = segments.iter().find(|name| names.contains(&name.as_str()));
    let advice = match known {
        Some(name) if arguments.as_ref().is_some_and(|inside| !inside.is_empty()) => {
            format!("write `{name}(…)`, without a path")
        }
        Some(name) => format!("write `{name}`, without a path"),
        None if what == "tracker" => {
            let path = segments.join("::");
            format!(
                "for errors of a type write `TypeOf({path})`, for a variant `Matches({path})`, \
                 and a tracker of your own goes into `Custom(…)`"
            )
        }
        None => format!(
            "a {what} of your own goes into `Custom(…)`; the others are {}",
            listed(names)
        ),
    };
    errors.at(
        &place.to(&end),
        format!("a {what} is written by its name alone: {advice}"),
    )
}

/// `A`, `B`, … for messages.
pub(crate) fn listed(names: &[&str]) -> String {
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}
