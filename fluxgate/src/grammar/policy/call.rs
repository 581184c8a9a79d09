//! `Name` and `Name(argument, name = argument)`: the form of every policy.

use super::Params;
use crate::grammar::{
    habits,
    suggest::did_you_mean,
    tokens::{
        Cursor, Delimiter, LocatedToken, Location, Tree,
        errors::{ErrorList, Reported},
        number::Lit,
    },
};

/// A policy as written, its arguments not looked at yet.
pub(crate) struct PolicyCall<'a> {
    pub(crate) name: String,
    pub(crate) place: Location,
    /// The name alone.
    pub(crate) name_place: Location,
    pub(super) arguments: Option<Cursor<'a>>,
}

/// One argument, by position or by name.
pub(crate) struct Argument<'a> {
    pub(crate) cursor: Cursor<'a>,
    pub(crate) place: Location,
    /// What messages call it, as in "the ratio of `FailureRate`".
    pub(crate) what: String,
}

/// Where policies of the user's own go, after "expected one of …".
pub(super) const OWN: &str = "; one of your own is set in the code";

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
        not_a_closure(cursor, what, errors)?;
        let Some(name) = token.ident().map(ToOwned::to_owned) else {
            return Err(not_a_name(token, cursor, what, names, errors));
        };
        let name_place = token.place;
        cursor.next();
        if cursor.at_punct(':') {
            return Err(path(cursor, &name, &name_place, what, names, errors));
        }
        let arguments = cursor.group(Delimiter::Parenthesis);
        let mut place = name_place;
        if let Some(group) = cursor.peek().filter(|_| arguments.is_some()) {
            place = place.to(&group.place);
            cursor.next();
        }
        if name == "Custom" {
            return Err(errors.at(
                &place,
                format!(
                    "`Custom` takes Rust code, which is read while compiling alone: write {}, and \
                     set a {what} of your own in the code",
                    one_of(names)
                ),
            ));
        }
        Ok(Self {
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
}

/// Reports what is no name where a policy is expected.
fn not_a_name(
    token: &LocatedToken,
    cursor: &Cursor<'_>,
    what: &str,
    names: &[&str],
    errors: &ErrorList,
) -> Reported {
    let number = match &token.tree {
        Tree::Literal(text) => BareNumber::of(text),
        _ => None,
    };
    let advice = match (what, number) {
        ("tracker", _) if token.text() == "[" => {
            Some("for errors of several types write `TypeOf(A, B)`".to_owned())
        }
        (_, Some(number)) => number.advice(what),
        _ => None,
    };
    let advice = advice.unwrap_or_else(|| format!("write {}", one_of(names)));
    let place = match token.tree {
        Tree::Literal(_) => cursor.clone().expression().whole(),
        _ => token.place,
    };
    errors.at(
        &place,
        format!("expected a {what}, found `{}`; {advice}", token.text()),
    )
}

/// A number where a policy is expected: what was meant by it.
enum BareNumber {
    Whole(String),
    Fraction(String),
    Duration(String),
}

impl BareNumber {
    fn of(text: &str) -> Option<Self> {
        let text = text.to_owned();
        match Lit::new(&text) {
            Lit::Int(int) if int.suffix.is_empty() => Some(Self::Whole(text)),
            Lit::Float(float) if float.suffix.is_empty() => Some(Self::Fraction(text)),
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
            ("throttle", Self::Whole(k) | Self::Fraction(k)) => {
                format!("for {k} times the accepted calls write `Adaptive(k = {k})`")
            }
            ("throttle", Self::Duration(d)) => format!("write `Adaptive(k = 1.5, window = {d})`"),
            ("rule for cancelled calls", Self::Duration(d) | Self::Whole(d)) => {
                format!("write `FailAfter({d})`")
            }
            _ => return None,
        })
    }
}

/// Refuses a policy that is made in code, as `standard()` and `policies::STANDARD`,
/// which the attribute takes.
///
/// A name that looks like one of `names` is left to be reported as misspelt.
pub(super) fn made_in_code(
    cursor: &mut Cursor<'_>,
    what: &str,
    names: &[&str],
    errors: &ErrorList,
) -> Option<Reported> {
    let mut extent = cursor.clone();
    let mut segments = Vec::new();
    loop {
        while extent.eat_punct(':') {}
        segments.push(extent.next()?.ident()?.to_owned());
        if !extent.at_punct(':') {
            break;
        }
    }
    if !is_in_code(&segments, &extent, what, names) {
        return None;
    }
    skip_postfix(&mut extent);
    let taken = cursor.split(cursor.tokens().len() - extent.tokens().len());
    Some(errors.at(
        &taken.whole(),
        format!(
            "expected a {what}, found Rust code, which is read while compiling alone: write {}, and \
             set a {what} of your own in the code",
            one_of(names)
        ),
    ))
}

/// Skips calls, methods, fields and the arguments of a macro.
fn skip_postfix(extent: &mut Cursor<'_>) {
    loop {
        if extent.group(Delimiter::Parenthesis).is_some() {
            extent.next();
            continue;
        }
        let second = extent.peek_second();
        let is_field = extent.at_punct('.') && second.and_then(LocatedToken::ident).is_some();
        let is_macro = extent.at_punct('!')
            && second.is_some_and(|next| matches!(next.tree, Tree::Group { .. }));
        if !is_field && !is_macro {
            return;
        }
        extent.next();
        extent.next();
    }
}

/// Returns whether a name stands for something of the user's own: one that is written as
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

/// Refuses `if …`, `match …` and `Duration::from_secs(5)`, which are no policies but
/// may lead to one.
fn not_an_expression(
    cursor: &mut Cursor<'_>,
    what: &str,
    errors: &ErrorList,
) -> Result<(), Reported> {
    let Some(message) = expression_advice(cursor, what) else {
        return Ok(());
    };
    let place = cursor.place();
    cursor.until_comma();
    Err(errors.at(&place, message))
}

fn expression_advice(cursor: &Cursor<'_>, what: &str) -> Option<String> {
    let word = cursor.peek()?.ident()?;
    Some(match (word, what) {
        ("if" | "match" | "loop" | "unsafe", _) => format!(
            "`{word}` can't stand here: Rust code is read while compiling alone; set a {what} of \
             your own in the code"
        ),
        ("Duration" | "std" | "core" | "time", _) => {
            let mut ahead = cursor.clone();
            let value = ahead.until_comma();
            let is_duration = value
                .tokens()
                .iter()
                .filter_map(LocatedToken::ident)
                .any(|ident| ident == "Duration");
            let advice = match what {
                "retry" => "`Cooldown(…)`, with the duration inside, such as `30s`",
                "window" => "`TimeWindow(…)`, with the duration inside, such as `30s`",
                "rule for cancelled calls" => {
                    "`FailAfter(…)`, with the duration inside, such as `30s`"
                }
                _ => return None,
            };
            if !is_duration {
                return None;
            }
            format!("expected a {what}, found a duration in Rust code; write {advice}")
        }
        _ => return None,
    })
}

/// Words that begin no policy.
const KEYWORDS: &[&str] = &[
    "not", "and", "or", "if", "match", "loop", "while", "for", "let", "unsafe", "move", "async",
    "return", "break", "true", "false", "fn", "impl", "dyn", "const", "static", "ref", "mut",
];

/// Refuses a closure, which the attribute takes.
pub(super) fn not_a_closure(
    cursor: &Cursor<'_>,
    what: &str,
    errors: &ErrorList,
) -> Result<(), Reported> {
    let second = |char| cursor.peek_second().is_some_and(|next| next.is_punct(char));
    let word = cursor.peek().and_then(LocatedToken::ident);
    let is_closure = cursor.at_punct('|') && !cursor.tokens()[1..].is_empty() && {
        let after = &cursor.tokens()[1..];
        after.iter().any(|token| token.is_punct('|'))
            && !second('|')
            && !after
                .iter()
                .take_while(|token| !token.is_punct('|'))
                .any(|token| matches!(token.tree, Tree::Group { .. }))
    } || matches!(word, Some("move" | "async" | "static")) && second('|');
    if !is_closure {
        return Ok(());
    }
    Err(errors.at(
        &cursor.clone().until_comma().whole(),
        format!(
            "a {what} can't be a closure here: Rust code is read while compiling alone; set a \
             {what} of your own in the code"
        ),
    ))
}

/// Reads a policy value that has a name.
pub(crate) fn policy<'a>(
    cursor: &mut Cursor<'a>,
    what: &str,
    names: &[&str],
    errors: &ErrorList,
) -> Result<PolicyCall<'a>, Reported> {
    if let Some(reported) = made_in_code(cursor, what, names, errors) {
        return Err(reported);
    }
    let call = PolicyCall::read(cursor, what, names, errors)?;
    alone(cursor, what, &call.name, errors)?;
    Ok(call)
}

/// Refuses what follows the one value.
pub(super) fn alone(
    cursor: &mut Cursor<'_>,
    what: &str,
    name: &str,
    errors: &ErrorList,
) -> Result<(), Reported> {
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

/// Reports `tripper::MinRequests(…)` and `MinRequests::new(…)`.
fn path(
    cursor: &mut Cursor<'_>,
    first: &str,
    place: &Location,
    what: &str,
    names: &[&str],
    errors: &ErrorList,
) -> Reported {
    let mut segments = vec![first.to_owned()];
    let mut end = *place;
    while let Some(token) = cursor.peek() {
        match token.ident() {
            Some(ident) => segments.push(ident.to_string()),
            None if token.is_punct(':') => {}
            None => break,
        }
        end = token.place;
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
        None if ["tripper", "window", "retry", "permit"].contains(&what) => format!(
            "one of your own is set in the code; the others are {}",
            listed(names)
        ),
        None => format!("write {}", one_of(names)),
    };
    errors.at(
        &place.to(&end),
        format!("a {what} is written by its name alone: {advice}"),
    )
}

/// Says which names there are: `A`, or one of `A`, `B`, ….
fn one_of(names: &[&str]) -> String {
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
