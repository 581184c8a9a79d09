//! Who is told: `[LogListener, SlackListener(channel = "…", token = env("…")), mine()]`.

use proc_macro2::{Delimiter, Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::{Expr, ExprLit, Lit, parse::Parse};

use super::{Argument, Call, Param, call::listed};
use crate::{
    describe::words,
    suggest::is_misspelt,
    tokens::{Cursor, Token, errors::Errors, stream},
};

pub(crate) enum Listener {
    Log(Ident),
    Prometheus {
        ident: Ident,
        registry: Option<Expr>,
    },
    Slack(Box<Slack>),
    /// A closure, whose argument needs no type.
    Closure(Expr),
    Any(Expr),
}

pub(crate) struct Slack {
    pub(crate) ident: Ident,
    pub(crate) channel: Text,
    pub(crate) token: Option<Text>,
    /// Where to post, if not to Slack itself.
    pub(crate) url: Option<Text>,
    /// What else the builder takes, by the names of its methods.
    pub(crate) rest: Vec<(&'static str, Expr)>,
}

/// A piece of text that may come from the environment.
pub(crate) enum Text {
    Env(Expr),
    Given(Expr),
}

const EXAMPLE: &str =
    "SlackListener(channel = env(\"SLACK_CHANNEL\"), token = env(\"SLACK_TOKEN\"))";
const SLACK: &[Param] = &[
    Param::required("channel", EXAMPLE),
    Param::optional("token"),
    Param::optional("url"),
    Param::optional("templates"),
    Param::optional("policy"),
    Param::optional("delivery"),
];
const PROMETHEUS: &[Param] = &[Param::optional("registry")];

/// Reads the list.
pub(crate) fn read(cursor: &mut Cursor<'_>, errors: &Errors) -> Option<Vec<Listener>> {
    let Some(mut list) = cursor.group(Delimiter::Bracket) else {
        errors.at(
            &cursor.clone().expression().whole(),
            format!(
                "`listeners` takes a list: write `listeners = [{}]`",
                words::tokens(&stream(cursor.clone().expression().tokens()))
            ),
        );
        return None;
    };
    cursor.next();
    let mut listeners = Vec::new();
    let mut sound = true;
    while !list.is_empty() {
        let mut element = list.expression();
        match listener(&mut element, errors) {
            Some(listener) => listeners.push(listener),
            None => sound = false,
        }
        if !list.is_empty() && !list.eat_punct(',') {
            errors.at(&list.place(), "expected `,` or `]` after a listener");
            return None;
        }
    }
    sound.then_some(listeners)
}

fn listener(element: &mut Cursor<'_>, errors: &Errors) -> Option<Listener> {
    let known = element
        .peek()
        .and_then(Token::ident)
        .map(ToString::to_string)
        .filter(|_| !element.peek_second().is_some_and(|next| next.is_punct(':')));
    if let Some(advice) = known
        .as_deref()
        .and_then(|name| not_a_listener(name, element))
    {
        errors.at(&element.place(), advice);
        return None;
    }
    match known.as_deref() {
        Some(name @ ("LogListener" | "PrometheusListener" | "SlackListener")) => {
            let call = Call::read(element, "listener", &[], errors).ok()?;
            if !element.is_empty() {
                errors.at(&element.whole(), "expected `,` or `]` after a listener");
                return None;
            }
            let ident = call.ident.clone();
            match name {
                "LogListener" => {
                    call.no_arguments(errors)?;
                    Some(Listener::Log(ident))
                }
                "PrometheusListener" => {
                    let registry = call.bind(PROMETHEUS, errors)?.remove(0);
                    let registry = match registry {
                        Some(registry) => Some(registry.expr(errors)?),
                        None => None,
                    };
                    Some(Listener::Prometheus { ident, registry })
                }
                _ => slack(&call, errors).map(|slack| Listener::Slack(Box::new(slack))),
            }
        }
        _ if element.at_punct('#') => {
            errors.at(
                &element.whole(),
                "a listener in the list can't have attributes; for a list that depends on a `cfg`, \
                 write `#[cfg_attr(…, circuit_breaker(…))]`",
            );
            None
        }
        _ if element.is_empty() => {
            errors.at(&element.place(), "expected a listener before this comma");
            None
        }
        _ => {
            let (expr, _) = element.parse(Expr::parse, errors).ok()?;
            if !element.is_empty() {
                errors.at(&element.whole(), "expected `,` or `]` after a listener");
                return None;
            }
            Some(match expr {
                Expr::Closure(_) => Listener::Closure(expr),
                Expr::Lit(lit) => {
                    errors.push(syn::Error::new_spanned(
                        &lit,
                        "expected a listener: `LogListener`, `PrometheusListener`, `SlackListener(…)`, \
                         a closure, or a value of a type of your own",
                    ));
                    return None;
                }
                expr => Listener::Any(expr),
            })
        }
    }
}

const KNOWN: [&str; 3] = ["LogListener", "PrometheusListener", "SlackListener"];

/// What to write for a listener of the original, for a misspelt one, and for a
/// type that is called like a function.
fn not_a_listener(name: &str, element: &Cursor<'_>) -> Option<String> {
    if KNOWN.contains(&name) {
        return None;
    }
    if let Some(known) = name
        .strip_prefix("Async")
        .and_then(|rest| KNOWN.iter().find(|known| **known == rest))
    {
        return Some(format!(
            "`{name}` is `{known}` here: one listener serves sync and async functions"
        ));
    }
    match name {
        "TransitionListener" | "BaseListener" | "Listener" | "AsyncListener" => {
            return Some(format!(
                "`{name}` is no listener, but what one implements; write a value of your own \
                 type, or a closure: `|signal| …`"
            ));
        }
        _ => {}
    }
    if let Some(known) = KNOWN.iter().find(|known| is_misspelt(name, known)) {
        return Some(format!(
            "unknown listener `{name}`; did you mean `{known}`?"
        ));
    }
    let mut call = element.clone();
    call.next();
    let inside = call.group(Delimiter::Parenthesis)?;
    let is_type = name.starts_with(char::is_uppercase);
    (is_type && inside.second_is_equals()).then(|| {
        format!(
            "`{name}` is not one of the listeners known by name, {}, and one of your own is a \
             value in Rust: write `{name}::new(…)`",
            listed(&KNOWN)
        )
    })
}

fn slack(call: &Call<'_>, errors: &Errors) -> Option<Slack> {
    let mut bound = call.bind(SLACK, errors)?.into_iter();
    let channel = text(bound.next()??, errors);
    let mut optional = || match bound.next()? {
        Some(argument) => text(argument, errors).map(Some),
        None => Some(None),
    };
    let (token, url) = (optional(), optional());
    let mut rest = Vec::new();
    for (name, argument) in ["templates", "policy", "delivery"].into_iter().zip(bound) {
        if let Some(argument) = argument {
            rest.push((name, argument.expr(errors)?));
        }
    }
    let (channel, token, url) = (channel?, token?, url?);
    let is_delivered = rest.iter().any(|(name, _)| *name == "delivery");
    if token.is_none() && !is_delivered {
        errors.at(
            &call.place,
            format!("`SlackListener` needs its token, as in `{EXAMPLE}`"),
        );
        return None;
    }
    Some(Slack {
        ident: call.ident.clone(),
        channel,
        token,
        url,
        rest,
    })
}

fn text(argument: Argument<'_>, errors: &Errors) -> Option<Text> {
    let (place, what) = (argument.place.clone(), argument.what.clone());
    let is_token = what.starts_with("the token");
    let expr = argument.expr(errors)?;
    match &expr {
        Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }) => {
            let value = text.value();
            if value.trim().is_empty() {
                errors.at(&place, format!("{what} must not be empty"));
                return None;
            }
            if is_token && value.starts_with("xox") {
                errors.at(
                    &place,
                    "a token in the source is a token in every copy of it; \
                     write `token = env(\"SLACK_BOT_TOKEN\")` and revoke this one",
                );
                return None;
            }
            Some(Text::Given(expr))
        }
        Expr::Lit(_) => {
            errors.at(
                &place,
                format!("{what} must be a string or `env(\"NAME\")`"),
            );
            None
        }
        Expr::Call(call) if is_env(&call.func) => match call.args.first() {
            Some(Expr::Lit(ExprLit {
                lit: Lit::Str(name),
                ..
            })) if name.value().trim().is_empty() => {
                errors.at(&place, "`env` needs the name of an environment variable");
                None
            }
            Some(name) if call.args.len() == 1 => Some(Text::Env(name.clone())),
            _ => {
                errors.at(
                    &place,
                    "`env` takes the name of one environment variable, as in `env(\"SLACK_BOT_TOKEN\")`",
                );
                None
            }
        },
        _ => Some(Text::Given(expr)),
    }
}

fn is_env(function: &Expr) -> bool {
    matches!(function, Expr::Path(path) if path.path.is_ident("env"))
}

impl ToTokens for Text {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Env(name) => quote!(env(#name)).to_tokens(tokens),
            Self::Given(text) => text.to_tokens(tokens),
        }
    }
}
