//! `Name` and `Name(argument, name = argument)`: the form of every policy.

use proc_macro2::{Delimiter, Ident, Literal};
use syn::{Expr, ExprClosure, Lit, ext::IdentExt, parse::Parse};

use super::Param;
use crate::{
    describe::words,
    settings::{habits, table},
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
        if let Some(error) = not_an_expression(cursor, what, errors) {
            return Err(error);
        }
        if let Some(error) = not_a_closure(cursor, what, errors) {
            return Err(error);
        }
        let Some(ident) = token.ident().cloned() else {
            let value = cursor.clone().expression();
            let found = match &token.tree {
                Tree::Literal(literal) => Given::of(literal),
                _ => None,
            };
            let advice = match (what, found) {
                ("tracker", _) if token.text() == "[" => {
                    "for errors of several types write `TypeOf(A, B)`".to_owned()
                }
                (_, Some(found)) => found
                    .advice(what)
                    .unwrap_or_else(|| format!("write one of {}", listed(names))),
                _ => format!("write one of {}", listed(names)),
            };
            let place = match token.tree {
                Tree::Literal(_) => value.whole(),
                _ => token.place.clone(),
            };
            return Err(errors.at(
                &place,
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
        let advice = match habits::policy(what, &self.name) {
            Some(habit) => format!("; {habit}"),
            None if meant.is_empty() => format!("; expected one of {}{advice}", listed(names)),
            None => meant,
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

/// A number where a policy is expected: what was meant by it.
enum Given {
    Whole(String),
    Fraction(String),
    Duration(String),
}

impl Given {
    fn of(literal: &Literal) -> Option<Self> {
        let text = literal.to_string();
        match Lit::new(literal.clone()) {
            Lit::Int(int) if int.suffix().is_empty() => Some(Self::Whole(text)),
            Lit::Float(float) if float.suffix().is_empty() => Some(Self::Fraction(text)),
            Lit::Int(_) | Lit::Float(_) => Some(Self::Duration(text)),
            _ => None,
        }
    }

    fn advice(&self, what: &str) -> Option<String> {
        Some(match (what, self) {
            ("retry", Self::Whole(n)) => format!(
                "this says when an open circuit is probed again: for {n} seconds write \
                 `Cooldown({n}s)`; fluxgate repeats no call, and a crate such as `backon` around \
                 the function does"
            ),
            ("retry", Self::Fraction(n)) => format!("for {n} seconds write `Cooldown({n}s)`"),
            ("retry", Self::Duration(d)) => format!("write `Cooldown({d})`"),
            ("window", Self::Whole(n)) => {
                format!(
                    "for the last {n} calls write `CountWindow({n})`, for seconds `TimeWindow({n}s)`"
                )
            }
            ("window", Self::Duration(d)) => format!("write `TimeWindow({d})`"),
            ("tripper", Self::Whole(n)) => {
                format!("for {n} failures in a row write `FailureStreak({n})`")
            }
            ("tripper", Self::Fraction(ratio)) => {
                format!("for this part of the calls write `MinRequests(20) & FailureRate({ratio})`")
            }
            ("tripper", Self::Duration(d)) => {
                format!("for slow calls write `SlowRate(0.5, threshold = {d})`")
            }
            ("permit", Self::Fraction(ratio)) => format!("write `Random({ratio})`"),
            ("permit", Self::Whole(n)) => {
                format!("how many probes there are at once is `max_half_open_calls = {n}`")
            }
            ("tracker", Self::Whole(n)) => {
                format!("for errors with a code write `Matches(ApiError::Status({n}))`")
            }
            ("rule for cancelled calls", Self::Duration(d) | Self::Whole(d)) => {
                format!("write `FailAfter({d})`")
            }
            _ => return None,
        })
    }
}

/// Reads a policy that is made in code: a call, a constant, or what is reached from
/// one, as `standard()`, `policies::STANDARD` and `config().retry()`.
///
/// A name that looks like one of `names` is left to be reported as misspelt.
pub(super) fn in_code(
    cursor: &mut Cursor<'_>,
    what: &str,
    names: &[&str],
    errors: &Errors,
) -> Option<Option<Expr>> {
    let mut extent = cursor.clone();
    let mut segments = Vec::new();
    loop {
        while extent.eat_punct(':') {}
        let ident = extent.next().and_then(Token::ident)?;
        segments.push(ident.unraw().to_string());
        if !extent.at_punct(':') {
            break;
        }
    }
    if !is_in_code(&segments, &extent, what, names) {
        return None;
    }
    if segments[0] == "self" && what != "tracker" {
        errors.at(
            &cursor.place(),
            format!(
                "this {what} can't come from `self`: the breaker is made once, for all instances; \
                 keep a breaker in each instance and write `breaker = self.breaker`"
            ),
        );
        cursor.until_comma();
        return Some(None);
    }
    loop {
        if extent.group(Delimiter::Parenthesis).is_some() {
            extent.next();
        } else if extent.at_punct('.') && extent.peek_second().and_then(Token::ident).is_some() {
            extent.next();
            extent.next();
        } else if extent.at_punct('!')
            && extent
                .peek_second()
                .is_some_and(|next| matches!(next.tree, Tree::Group { .. }))
        {
            extent.next();
            extent.next();
        } else {
            break;
        }
    }
    let mut taken = cursor.take(cursor.tokens().len() - extent.tokens().len());
    let expr = taken.parse(Expr::parse, errors).ok();
    Some(expr.map(|(expr, _)| expr))
}

/// Whether a name stands for something of the user's own: one that is written as
/// functions and constants are, and is no misspelt policy.
fn is_in_code(segments: &[String], after: &Cursor<'_>, what: &str, names: &[&str]) -> bool {
    let Some(last) = segments.last() else {
        return false;
    };
    let is_constant = last.len() > 1 && !last.contains(char::is_lowercase);
    let is_function = last.starts_with(|c: char| c.is_lowercase() || c == '_');
    if segments.iter().any(|name| name == "Duration") {
        return false;
    }
    if segments.len() > 1 {
        let is_known = segments.iter().any(|name| names.contains(&name.as_str()));
        return !is_known && (is_constant || is_function);
    }
    if is_constant {
        return !["COUNT_BASED", "TIME_BASED"].contains(&last.as_str());
    }
    let takes_nothing = after
        .group(Delimiter::Parenthesis)
        .is_some_and(|inside| inside.is_empty());
    let is_policy = if takes_nothing {
        [
            "all",
            "any",
            "always",
            "never",
            "none",
            "closed",
            "half_opened",
            "half_open",
            "open",
        ]
        .contains(&last.as_str())
    } else {
        habits::is_policy(last)
            || habits::policy(what, last).is_some()
            || !did_you_mean(last, names.iter().copied()).is_empty()
    };
    is_function && !is_policy && !KEYWORDS.contains(&last.as_str())
}

/// `if …`, `match …`, `Duration::from_secs(5)`: what is no policy, but may lead to
/// one.
fn not_an_expression(cursor: &mut Cursor<'_>, what: &str, errors: &Errors) -> Option<Reported> {
    let word = cursor.peek()?.ident()?.to_string();
    let place = cursor.place();
    let advice = match (word.as_str(), what) {
        ("if" | "match" | "loop" | "unsafe", _) => format!(
            "`{word}` can't stand here; write a function that gives the {what}, and call it: \
             `my_{}()`",
            what.split(' ').next().unwrap_or(what)
        ),
        ("Duration" | "std" | "core" | "time", _) => {
            let mut ahead = cursor.clone();
            let value = ahead.until_comma();
            let is_duration = value
                .tokens()
                .iter()
                .filter_map(Token::ident)
                .any(|ident| ident == "Duration");
            let advice = match what {
                "retry" => "`Cooldown(…)`, with this duration inside",
                "window" => "`TimeWindow(…)`, with this duration inside",
                "rule for cancelled calls" => "`FailAfter(…)`, with this duration inside",
                _ => return None,
            };
            if !is_duration {
                return None;
            }
            format!("expected a {what}, found a duration; write {advice}")
        }
        _ => return None,
    };
    cursor.until_comma();
    Some(errors.at(&place, advice))
}

/// Words that begin no policy.
const KEYWORDS: &[&str] = &[
    "not", "and", "or", "if", "match", "loop", "while", "for", "let", "unsafe", "move", "async",
    "return", "break", "true", "false", "fn", "impl", "dyn", "const", "static", "ref", "mut",
];

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
pub(crate) enum Value<'a> {
    Known(Call<'a>),
    InCode(Expr),
}

/// Reads a policy value, also one that is made in code.
pub(crate) fn policy_value<'a>(
    cursor: &mut Cursor<'a>,
    what: &str,
    names: &[&str],
    errors: &Errors,
) -> Option<Value<'a>> {
    match in_code(cursor, what, names, errors) {
        None => policy(cursor, what, names, errors).map(Value::Known),
        Some(expr) => {
            let expr = expr?;
            alone(cursor, what, &words::source(Some(&expr)), errors)?;
            Some(Value::InCode(expr))
        }
    }
}

pub(crate) fn policy<'a>(
    cursor: &mut Cursor<'a>,
    what: &str,
    names: &[&str],
    errors: &Errors,
) -> Option<Call<'a>> {
    let call = Call::read(cursor, what, names, errors).ok()?;
    alone(cursor, what, &call.name, errors)?;
    Some(call)
}

fn alone(cursor: &mut Cursor<'_>, what: &str, name: &str, errors: &Errors) -> Option<()> {
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
            None => format!("expected nothing more after the {what} `{name}`"),
        };
        errors.at(&rest.whole(), message);
        return None;
    }
    Some(())
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
