//! `Name` and `Name(argument, name = argument)`: the form of every policy.

use proc_macro2::{Delimiter, Ident};
use syn::{Expr, ext::IdentExt, parse::Parse};

use super::{
    Params,
    in_code::in_code,
    misplaced::{not_a_closure, not_a_name, not_an_expression, path},
};
use crate::{
    describe::words,
    settings::{habits, table},
    suggest::did_you_mean,
    tokens::{
        Cursor, Location, Tree,
        errors::{ErrorList, Reported},
    },
};

/// A policy as written, its arguments not looked at yet.
pub(crate) struct PolicyCall<'a> {
    pub(crate) ident: Ident,
    pub(crate) name: String,
    pub(crate) place: Location,
    /// The name alone.
    pub(crate) name_place: Location,
    pub(super) arguments: Option<Cursor<'a>>,
}

/// The name of a policy of the user's own, where there may be one.
pub(super) const CUSTOM: &str = "Custom";

/// One argument, by position or by name.
pub(crate) struct Argument<'a> {
    pub(crate) cursor: Cursor<'a>,
    pub(crate) place: Location,
    /// What messages call it, as in "the ratio of `FailureRate`".
    pub(crate) what: String,
}

impl<'a> PolicyCall<'a> {
    /// Reads a name and, if there are any, takes the arguments. `what` is the
    /// kind of policy.
    pub(crate) fn read(
        cursor: &mut Cursor<'a>,
        what: &str,
        names: &[&str],
        errors: &ErrorList,
    ) -> Result<Self, Reported> {
        let Some(token) = cursor.peek() else {
            return Err(errors.at(
                &cursor.place(),
                format!("expected a {what}: {}", one_of(names)),
            ));
        };
        not_an_expression(cursor, what, errors)?;
        not_a_closure(cursor, what, names, errors)?;
        let Some(ident) = token.ident().cloned() else {
            return Err(not_a_name(token, cursor, what, names, errors));
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
            if let (Location::Tokens { .. }, Tree::Group { close, .. }) = (&name_place, &group.tree)
            {
                place = name_place.to(close);
            }
            cursor.next();
        }
        if let Location::Tokens { .. } = name_place {
            name_place = Location::at(ident.span());
        }
        Ok(Self {
            ident,
            name,
            place,
            name_place,
            arguments,
        })
    }

    /// Reports a name that is none of `names`.
    pub(crate) fn unknown(
        &self,
        what: &str,
        names: &[&'static str],
        advice: &str,
        errors: &ErrorList,
    ) -> Reported {
        let meant = did_you_mean(&self.name, names.iter().copied());
        let advice = match habits::policy(what, &self.name) {
            Some(habit) => format!("; {habit}"),
            None if meant.is_empty() => format!("; expected {}{advice}", one_of(names)),
            None => meant,
        };
        errors.at(
            &self.name_place,
            format!("unknown {what} `{}`{advice}", self.name),
        )
    }

    /// Refuses arguments, for policies that take none: `Closed` and `Closed()`.
    pub(crate) fn no_arguments(&self, errors: &ErrorList) -> Result<(), Reported> {
        self.bind(&Params::required([], ""), errors).map(|_| ())
    }

    /// Returns the arguments, unread.
    pub(crate) fn arguments(&self) -> Option<Cursor<'a>> {
        self.arguments.clone()
    }

    /// Reads the one expression in `Custom(…)`.
    pub(crate) fn custom(
        &self,
        params: &Params<1, 0>,
        errors: &ErrorList,
    ) -> Result<Expr, Reported> {
        let ([custom], []) = self.bind(params, errors)?;
        custom.expr(errors)
    }
}

impl Argument<'_> {
    /// Reads it as an expression.
    pub(crate) fn expr(mut self, errors: &ErrorList) -> Result<Expr, Reported> {
        let (expr, _) = self.cursor.parse(Expr::parse, errors)?;
        if !self.cursor.is_empty() {
            return Err(errors.at(&self.cursor.whole(), "expected `,` or `)`"));
        }
        Ok(expr)
    }
}

/// A policy value: one call from beginning to end, or made in code.
pub(crate) enum PolicyValue<'a> {
    Known(PolicyCall<'a>),
    InCode(Expr),
}

/// Reads a policy value, also one that is made in code.
pub(crate) fn policy_value<'a>(
    cursor: &mut Cursor<'a>,
    what: &str,
    names: &[&str],
    errors: &ErrorList,
) -> Result<PolicyValue<'a>, Reported> {
    match in_code(cursor, what, names, errors)? {
        None => policy(cursor, what, names, errors).map(PolicyValue::Known),
        Some(expr) => {
            alone(cursor, what, &words::source(Some(&expr)), errors)?;
            Ok(PolicyValue::InCode(expr))
        }
    }
}

/// Reads a policy value that has a name.
pub(crate) fn policy<'a>(
    cursor: &mut Cursor<'a>,
    what: &str,
    names: &[&str],
    errors: &ErrorList,
) -> Result<PolicyCall<'a>, Reported> {
    let call = PolicyCall::read(cursor, what, names, errors)?;
    alone(cursor, what, &call.name, errors)?;
    Ok(call)
}

/// Refuses what follows the one value.
fn alone(
    cursor: &mut Cursor<'_>,
    what: &str,
    name: &str,
    errors: &ErrorList,
) -> Result<(), Reported> {
    if let Some(message) = table::separator(cursor) {
        return Err(errors.at(&cursor.place(), message));
    }
    if cursor.at_boundary() {
        return Ok(());
    }
    let rest = cursor.until_comma();
    let operator = ["&", "|", "!", "~"]
        .into_iter()
        .find(|operator| rest.peek().is_some_and(|token| token.text() == *operator));
    let message = match operator {
        Some(operator) => {
            format!("a {what} can't be combined with `{operator}`; give one {what}")
        }
        None => format!("expected nothing more after the {what} `{name}`"),
    };
    Err(errors.at(&rest.whole(), message))
}

/// Says which names there are: `A`, or one of `A`, `B`, ….
pub(super) fn one_of(names: &[&str]) -> String {
    let several = if names.len() == 1 { "" } else { "one of " };
    format!("{several}{}", listed(names))
}

/// Lists names for messages: `A`, `B`, ….
pub(crate) fn listed(names: &[&str]) -> String {
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}
