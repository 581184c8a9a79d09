//! The arguments of the attribute: `key = value, …`, into options that remember
//! where they were written.

pub(crate) mod habits;
mod key;
pub(crate) mod table;
mod value;

use std::collections::BTreeMap;

use proc_macro2::{Ident, Span, TokenStream};
use syn::{Expr, Path, Type, ext::IdentExt};

use crate::{
    policy::{
        Count, Listener, OnCancel, Permit, Retry, SlowProbes, Throttle, Time, Tracker, Tripper,
        Window,
    },
    suggest::did_you_mean,
    tokens::{Cursor, Place, Token, Tree, errors::Errors, read},
};
use table::{KEYS, Key, Owner};

/// Everything an attribute, or one breaker of `breaker!`, may say.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) breaker: BreakerOptions,
    pub(crate) key: Option<Expr>,
    pub(crate) tracker: Option<Tracker>,
    pub(crate) failure_if: Option<Expr>,
    pub(crate) classify: Option<Expr>,
    pub(crate) fallback: Option<Expr>,
    pub(crate) map_rejection: Option<Expr>,
    pub(crate) handle: Option<Handle>,
    pub(crate) shared: Option<Expr>,
    pub(crate) docs: Option<bool>,
    pub(crate) krate: Option<Path>,
    /// Every key that was given, right or wrong, by its place.
    pub(crate) given: BTreeMap<&'static str, Place>,
    /// The names in settings of the breaker that may stand for a variable.
    pub(crate) variables: Vec<(Ident, &'static str)>,
}

/// What it says about the breaker.
#[derive(Default)]
pub(crate) struct BreakerOptions {
    pub(crate) name: Option<Expr>,
    pub(crate) window: Option<Window>,
    pub(crate) tripper: Option<Tripper>,
    pub(crate) retry: Option<Retry>,
    pub(crate) permit: Option<Permit>,
    pub(crate) max_half_open_calls: Option<Count>,
    pub(crate) close_after: Option<Count>,
    pub(crate) reopen_after: Option<Count>,
    pub(crate) probe_lease: Option<Time>,
    pub(crate) on_cancel: Option<OnCancel>,
    pub(crate) slow_probes: Option<SlowProbes>,
    pub(crate) throttle: Option<Throttle>,
    pub(crate) durations: Option<bool>,
    pub(crate) listeners: Option<Vec<Listener>>,
    pub(crate) key_type: Option<Type>,
    pub(crate) max_keys: Option<Count>,
    pub(crate) max_labels: Option<Count>,
}

/// The function that gives access to the breaker.
pub(crate) struct Handle {
    pub(crate) ident: Ident,
    /// Written `Self::ident`: the function is an associated one.
    pub(crate) associated: bool,
}

/// Where the keys stand: the attribute of a function takes all of them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Site {
    Attribute,
    Breaker,
}

impl Options {
    pub(crate) fn parse(tokens: TokenStream, site: Site, end: Span, errors: &Errors) -> Self {
        let tokens = match read(tokens) {
            Ok(tokens) => tokens,
            Err(error) => {
                errors.push(error);
                return Self::default();
            }
        };
        let mut cursor = Cursor::new(&tokens, Place::at(end));
        let mut options = Self::default();
        while !cursor.is_empty() {
            let is_sound = options.setting(&mut cursor, site, errors).is_some();
            if is_sound && (cursor.is_empty() || cursor.eat_punct(',')) {
                continue;
            }
            if is_sound {
                let message = table::separator(&cursor);
                let message = message
                    .as_deref()
                    .unwrap_or("expected `,` between settings");
                errors.at(&cursor.place(), message);
            }
            skip_to_next_key(&mut cursor);
        }
        options
    }

    /// What else is known of a breaker whose settings are wrong.
    pub(crate) fn kind(self) -> Self {
        Self {
            breaker: BreakerOptions {
                key_type: self.breaker.key_type,
                ..BreakerOptions::default()
            },
            krate: self.krate,
            ..Self::default()
        }
    }

    /// Reads `key = value`.
    fn setting(&mut self, cursor: &mut Cursor<'_>, site: Site, errors: &Errors) -> Option<()> {
        let (key, place) = key(cursor, site, errors)?;
        if let Some(first) = self.given.get(key.name) {
            let mut error = place.error(format!("`{}` is given twice", key.name));
            error.combine(first.error("it was first given here"));
            errors.push(error);
            // Read all the same, so that what is wrong inside is reported, too.
            Self::default().value(key, cursor, errors);
            return None;
        }
        self.given.insert(key.name, place.clone());
        if is_none(cursor) {
            errors.at(
                &cursor.place(),
                format!(
                    "`None` is no value here; leave `{}` out for the default",
                    key.name
                ),
            );
            return None;
        }
        let before = cursor.tokens();
        let read = self.value(key, cursor, errors);
        if key.owner == Owner::Breaker {
            let taken = &before[..before.len() - cursor.tokens().len()];
            variables(taken, key.name, &mut self.variables);
        }
        read
    }
}

/// Finds the names that stand alone: not in a path, no field, method, function or
/// argument. Closures have variables of their own, and are left out.
fn variables(tokens: &[Token], key: &'static str, found: &mut Vec<(Ident, &'static str)>) {
    if tokens.iter().any(|token| token.is_punct('|')) && key == "listeners" {
        return;
    }
    for (at, token) in tokens.iter().enumerate() {
        let is = |other: Option<&Token>, chars: &[char]| {
            other.is_some_and(|other| chars.iter().any(|char| other.is_punct(*char)))
        };
        let before = at.checked_sub(1).map(|at| &tokens[at]);
        let after = tokens.get(at + 1);
        match &token.tree {
            Tree::Ident(ident)
                if !is(before, &['.', ':', '\'']) && !is(after, &['=', ':', '!']) =>
            {
                let is_call = after.is_some_and(|next| matches!(next.tree, Tree::Group { .. }));
                if !is_call {
                    found.push((ident.clone(), key));
                }
            }
            Tree::Group { inner, .. } => {
                let is_closure = inner.iter().any(|token| token.is_punct('|'));
                let of = before.and_then(Token::ident);
                if !(is_closure && of.is_some_and(|of| of == "Custom")) {
                    variables(inner, key, found);
                }
            }
            _ => {}
        }
    }
}

/// The key, up to and with its `=`.
fn key(cursor: &mut Cursor<'_>, site: Site, errors: &Errors) -> Option<(&'static Key, Place)> {
    let token = cursor.peek()?;
    let place = token.place.clone();
    let Some(ident) = token.ident() else {
        let advice = if token.text().starts_with('"') {
            format!("; to name the breaker write `name = {}`", token.text())
        } else {
            format!("; the keys are {}", listed(site))
        };
        errors.at(
            &place,
            format!("expected `key = value`, found `{}`{advice}", token.text()),
        );
        return None;
    };
    let name = ident.unraw().to_string();
    cursor.next();
    let found = table::find(&name);
    match found {
        None if !cursor.at_equals() && is_breaker(ident, cursor) => {
            let place = if cursor.at_boundary() {
                place
            } else {
                place.to(&cursor.until_comma().whole())
            };
            errors.at(
                &place,
                "expected `key = value`; to use a breaker defined elsewhere write \
                 `breaker = …`, as in `breaker = PAYMENTS`",
            );
            return None;
        }
        None => {
            let names = keys_of(site).map(|key| key.name);
            let advice = match habits::key(&name) {
                Some(habit) => format!("; {habit}"),
                None => match did_you_mean(&name, names) {
                    meant if meant.is_empty() => format!("; the keys are {}", listed(site)),
                    meant => meant,
                },
            };
            errors.at(&place, format!("unknown key `{name}`{advice}"));
            return None;
        }
        Some(key) if site == Site::Breaker && key.name == "breaker" => {
            errors.at(
                &place,
                "`breaker` names a breaker to be used, and this one is being defined; to use \
                 another write `#[circuit_breaker(breaker = …)]` at the function",
            );
            return None;
        }
        Some(key) if site == Site::Breaker && key.owner == Owner::Function => {
            errors.at(
                &place,
                format!(
                    "`{name}` belongs to a function that uses the breaker: \
                     `#[circuit_breaker(breaker = …, {})]`",
                    key.example
                ),
            );
            return None;
        }
        Some(_) => {}
    }
    let key = found?;
    if !cursor.at_equals() {
        errors.at(
            &place,
            match cursor.peek().map(Token::text) {
                Some(found) if found == ":" || found == "(" => format!(
                    "a value follows `=`, and not `{found}`: write `{}`",
                    key.example
                ),
                _ => format!("`{name}` needs a value, as in `{}`", key.example),
            },
        );
        return None;
    }
    cursor.next();
    if cursor.at_boundary() {
        errors.at(
            &place,
            format!("`{name}` needs a value, as in `{}`", key.example),
        );
        return None;
    }
    Some((key, place))
}

/// `PAYMENTS`, `self.breaker`, `breakers::PAYMENTS`: a value without its key.
fn is_breaker(ident: &Ident, rest: &Cursor<'_>) -> bool {
    let name = ident.to_string();
    rest.at_punct('.')
        || rest.at_punct(':') && rest.peek_second().is_some_and(|next| next.is_punct(':'))
        || rest.at_boundary() && name.len() > 1 && !name.contains(char::is_lowercase)
}

/// How Python leaves something out.
fn is_none(cursor: &Cursor<'_>) -> bool {
    let mut after = cursor.clone();
    after
        .next()
        .and_then(Token::ident)
        .is_some_and(|ident| ident == "None")
        && after.at_boundary()
}

fn keys_of(site: Site) -> impl Iterator<Item = &'static Key> {
    KEYS.iter()
        .filter(move |key| site == Site::Attribute || key.owner != Owner::Function)
}

fn listed(site: Site) -> String {
    keys_of(site)
        .map(|key| format!("`{}`", key.name))
        .collect::<Vec<_>>()
        .join(", ")
}

/// After a mistake: to the next `key =`, or to the end.
fn skip_to_next_key(cursor: &mut Cursor<'_>) {
    while let Some(token) = cursor.peek() {
        if table::is_next(cursor) {
            return;
        }
        let is_separator = token.is_punct(',') || token.is_punct(';');
        cursor.next();
        if is_separator && may_be_key(cursor) {
            return;
        }
    }
}

/// Also one with the wrong sign after it.
fn may_be_key(cursor: &Cursor<'_>) -> bool {
    let Some(ident) = cursor.peek().and_then(Token::ident) else {
        return cursor.is_empty();
    };
    cursor.second_is_equals()
        || table::find(&ident.unraw().to_string()).is_some()
            && cursor
                .peek_second()
                .is_none_or(|next| matches!(next.text().as_str(), ":" | "(" | ","))
}
