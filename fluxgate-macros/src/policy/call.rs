//! `Name` and `Name(argument, name = argument)`: the form of every policy.

use proc_macro2::{Delimiter, Ident};
use syn::{Expr, ext::IdentExt, parse::Parse};

use crate::{
    errors::{Errors, Reported},
    source::{Cursor, Place, Tree},
    suggest::did_you_mean,
};

/// A policy as written, its arguments not looked at yet.
pub(crate) struct Call<'a> {
    pub(crate) ident: Ident,
    pub(crate) name: String,
    pub(crate) place: Place,
    /// The name alone.
    pub(crate) name_place: Place,
    arguments: Option<Cursor<'a>>,
}

/// A parameter of a policy, by the original's name.
pub(crate) struct Param {
    pub(crate) name: &'static str,
    pub(crate) required: bool,
    /// For the message when it is missing.
    pub(crate) example: &'static str,
}

impl Param {
    pub(crate) const fn required(name: &'static str, example: &'static str) -> Self {
        Self {
            name,
            required: true,
            example,
        }
    }

    pub(crate) const fn optional(name: &'static str) -> Self {
        Self {
            name,
            required: false,
            example: "",
        }
    }
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
        let Some(ident) = token.ident().cloned() else {
            return Err(errors.at(
                &token.place,
                format!(
                    "expected a {what}, found `{}`; write one of {}",
                    token.text(),
                    listed(names)
                ),
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

    /// The arguments in the order of `params`, `None` for each that is missing.
    /// `None` as a whole if anything was wrong.
    pub(crate) fn bind(
        &self,
        params: &'static [Param],
        errors: &Errors,
    ) -> Option<Vec<Option<Argument<'a>>>> {
        let mut bound: Vec<Option<Argument<'a>>> = params.iter().map(|_| None).collect();
        let mut sound = true;
        let mut position = 0;
        let mut named: Option<String> = None;
        let mut cursor = match &self.arguments {
            Some(arguments) => arguments.clone(),
            None => Cursor::new(&[], self.name_place.clone()),
        };
        while let Some(token) = cursor.peek() {
            let name_place = token.place.clone();
            let name = token.ident().filter(|_| cursor.second_is_equals());
            let slot = if let Some(name) = name {
                let name = name.unraw().to_string();
                cursor.next();
                cursor.next();
                let slot = params.iter().position(|param| param.name == name);
                if slot.is_none() {
                    self.unknown_argument(&name, &name_place, params, errors);
                }
                named = Some(name);
                slot
            } else {
                if let Some(name) = &named {
                    errors.at(
                        &cursor.clone().expression().whole(),
                        format!(
                            "a value without a name can't follow `{name} = …`; name this one, too"
                        ),
                    );
                    return None;
                }
                position += 1;
                if position > params.len() {
                    let most = match params.len() {
                        0 => "takes no arguments".to_owned(),
                        1 => format!("takes one argument, `{}`", params[0].name),
                        n => format!("takes {n} arguments: {}", listed_params(params)),
                    };
                    errors.at(
                        &cursor.clone().expression().whole(),
                        format!("`{}` {most}", self.name),
                    );
                    return None;
                }
                Some(position - 1)
            };
            let value = cursor.expression();
            if !cursor.is_empty() && !cursor.eat_punct(',') {
                errors.at(&cursor.place(), "expected `,` or `)`");
                return None;
            }
            let Some(slot) = slot else {
                sound = false;
                continue;
            };
            let what = format!("the {} of `{}`", params[slot].name, self.name);
            if value.is_empty() {
                errors.at(&name_place, format!("{what} has no value"));
                sound = false;
                continue;
            }
            if bound[slot].is_some() {
                errors.at(&name_place, format!("{what} is given twice"));
                sound = false;
                continue;
            }
            bound[slot] = Some(Argument {
                place: value.whole(),
                cursor: value,
                what,
            });
        }
        for (param, value) in params.iter().zip(&bound) {
            if param.required && value.is_none() && sound {
                errors.at(
                    &self.place,
                    format!(
                        "`{}` needs its {}, as in `{}`",
                        self.name, param.name, param.example
                    ),
                );
                return None;
            }
        }
        sound.then_some(bound)
    }

    fn unknown_argument(&self, name: &str, place: &Place, params: &[Param], errors: &Errors) {
        let names = params.iter().map(|param| param.name);
        let meant = did_you_mean(name, names);
        let takes = match params {
            [] => "; it takes no arguments".to_owned(),
            _ if meant.is_empty() => format!("; it takes {}", listed_params(params)),
            _ => meant,
        };
        errors.at(
            place,
            format!("`{}` has no argument `{name}`{takes}", self.name),
        );
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

/// A policy value that is one call from beginning to end.
pub(crate) fn policy<'a>(
    cursor: &mut Cursor<'a>,
    what: &str,
    names: &[&str],
    errors: &Errors,
) -> Option<Call<'a>> {
    let call = Call::read(cursor, what, names, errors).ok()?;
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

fn listed_params(params: &[Param]) -> String {
    let names: Vec<_> = params.iter().map(|param| param.name).collect();
    listed(&names)
}
