//! Listeners: `[LogListener, SlackListener(channel = "…", token = env("…")), mine()]`.

use proc_macro2::{Delimiter, Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::{Expr, ExprLit, Lit, parse::Parse};

use super::{Argument, Param, Params, PolicyCall, call::listed};
use crate::{
    describe::words,
    suggest::is_misspelt,
    tokens::{
        Cursor, LocatedToken,
        errors::{ErrorList, Reported},
        stream,
    },
};

pub(crate) enum ParsedListener {
    Log(Ident),
    Exporter(Exporter),
    Slack(Box<Slack>),
    /// A closure, whose argument needs no type.
    Closure(Expr),
    Any(Expr),
}

/// A listener that exports metrics.
pub(crate) struct Exporter {
    pub(crate) ident: Ident,
    pub(crate) kind: &'static ExporterKind,
    /// Where to, if not to the default.
    pub(crate) target: Option<Expr>,
}

pub(crate) struct ExporterKind {
    name: &'static str,
    params: Params<0, 1>,
    /// What the documentation calls it.
    pub(crate) shown: &'static str,
    /// The macro of the runtime that makes it.
    pub(crate) made_by: &'static str,
    /// The name of its argument.
    pub(crate) target: &'static str,
}

pub(crate) struct Slack {
    pub(crate) ident: Ident,
    pub(crate) channel: SlackText,
    pub(crate) token: Option<SlackText>,
    /// Where to post, if not to Slack itself.
    pub(crate) url: Option<SlackText>,
    /// What else the builder takes, by the names of its methods.
    pub(crate) rest: Vec<(&'static str, Expr)>,
}

/// A piece of text that may come from the environment.
pub(crate) enum SlackText {
    Env(Expr),
    Expr(Expr),
}

const EXAMPLE: &str =
    "SlackListener(channel = env(\"SLACK_CHANNEL\"), token = env(\"SLACK_TOKEN\"))";
const SLACK: Params<1, 5> = Params {
    required: [Param::new("channel")],
    optional: [
        Param::new("token"),
        Param::new("url"),
        Param::new("templates"),
        Param::new("policy"),
        Param::new("delivery"),
    ],
    example: EXAMPLE,
};
static EXPORTERS: [ExporterKind; 3] = [
    exporter(
        "PrometheusListener",
        "Prometheus",
        "prometheus_listener",
        "registry",
    ),
    exporter(
        "MetricsListener",
        "the metrics facade",
        "metrics_listener",
        "recorder",
    ),
    exporter(
        "OpenTelemetryListener",
        "OpenTelemetry",
        "opentelemetry_listener",
        "meter",
    ),
];

const fn exporter(
    name: &'static str,
    shown: &'static str,
    made_by: &'static str,
    target: &'static str,
) -> ExporterKind {
    ExporterKind {
        name,
        params: Params {
            required: [],
            optional: [Param::new(target)],
            example: "",
        },
        shown,
        made_by,
        target,
    }
}

/// Reads the list.
pub(crate) fn read(
    cursor: &mut Cursor<'_>,
    errors: &ErrorList,
) -> Result<Vec<ParsedListener>, Reported> {
    let Some(mut list) = cursor.group(Delimiter::Bracket) else {
        return Err(errors.at(
            &cursor.clone().expression().whole(),
            format!(
                "`listeners` takes a list: write `listeners = [{}]`",
                words::tokens(&stream(cursor.clone().expression().tokens()))
            ),
        ));
    };
    cursor.next();
    let mut listeners = Vec::new();
    while !list.is_empty() {
        let mut element = list.expression();
        listeners.push(listener(&mut element, errors));
        if !list.is_empty() && !list.eat_punct(',') {
            return Err(errors.at(&list.place(), "expected `,` or `]` after a listener"));
        }
    }
    listeners.into_iter().collect()
}

fn listener(element: &mut Cursor<'_>, errors: &ErrorList) -> Result<ParsedListener, Reported> {
    let name = element
        .peek()
        .and_then(LocatedToken::ident)
        .map(ToString::to_string)
        .filter(|_| !element.peek_second().is_some_and(|next| next.is_punct(':')));
    if let Some(name) = name {
        if KNOWN.contains(&&*name) {
            return known(element, errors);
        }
        if let Some(advice) = not_a_listener(&name, element) {
            return Err(errors.at(&element.place(), advice));
        }
    }
    if element.at_punct('#') {
        return Err(errors.at(
            &element.whole(),
            "a listener in the list can't have attributes; for a list that depends on a `cfg`, \
             write `#[cfg_attr(…, circuit_breaker(…))]`",
        ));
    }
    if element.is_empty() {
        return Err(errors.at(&element.place(), "expected a listener before this comma"));
    }
    let (expr, _) = element.parse(Expr::parse, errors)?;
    nothing_follows(element, errors)?;
    match expr {
        Expr::Closure(_) => Ok(ParsedListener::Closure(expr)),
        Expr::Lit(lit) => Err(errors.push(syn::Error::new_spanned(
            &lit,
            "expected a listener: `LogListener`, `PrometheusListener`, `SlackListener(…)`, \
             a closure, or a value of a type of your own",
        ))),
        expr => Ok(ParsedListener::Any(expr)),
    }
}

/// Reads a listener of [`KNOWN`].
fn known(element: &mut Cursor<'_>, errors: &ErrorList) -> Result<ParsedListener, Reported> {
    let call = PolicyCall::read(element, "listener", &[], errors)?;
    nothing_follows(element, errors)?;
    match call.name.as_str() {
        "LogListener" => {
            call.no_arguments(errors)?;
            Ok(ParsedListener::Log(call.ident))
        }
        name => {
            let Some(kind) = EXPORTERS.iter().find(|kind| kind.name == name) else {
                return slack(&call, errors).map(|slack| ParsedListener::Slack(Box::new(slack)));
            };
            let ([], [target]) = call.bind(&kind.params, errors)?;
            let target = target.map(|target| target.expr(errors)).transpose()?;
            Ok(ParsedListener::Exporter(Exporter {
                ident: call.ident,
                kind,
                target,
            }))
        }
    }
}

fn nothing_follows(element: &Cursor<'_>, errors: &ErrorList) -> Result<(), Reported> {
    if element.is_empty() {
        return Ok(());
    }
    Err(errors.at(&element.whole(), "expected `,` or `]` after a listener"))
}

/// The listeners with a name in the attribute.
const KNOWN: [&str; 5] = [
    "LogListener",
    "PrometheusListener",
    "MetricsListener",
    "OpenTelemetryListener",
    "SlackListener",
];

/// Says what to write for a listener of the original, for a misspelt one, and for a
/// type that is called like a function.
fn not_a_listener(name: &str, element: &Cursor<'_>) -> Option<String> {
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

fn slack(call: &PolicyCall<'_>, errors: &ErrorList) -> Result<Slack, Reported> {
    let ([channel], [token, url, templates, policy, delivery]) = call.bind(&SLACK, errors)?;
    let is_delivered = delivery.is_some();
    let channel = text(channel, errors);
    let token = token.map(|token| text(token, errors));
    let url = url.map(|url| text(url, errors));
    let mut rest = Vec::new();
    for (name, argument) in [
        ("templates", templates),
        ("policy", policy),
        ("delivery", delivery),
    ] {
        if let Some(argument) = argument {
            rest.push((name, argument.expr(errors)?));
        }
    }
    let (channel, token, url) = (channel?, token.transpose()?, url.transpose()?);
    if token.is_none() && !is_delivered {
        return Err(errors.at(
            &call.place,
            format!("`SlackListener` needs its token, as in `{EXAMPLE}`"),
        ));
    }
    Ok(Slack {
        ident: call.ident.clone(),
        channel,
        token,
        url,
        rest,
    })
}

/// Reads a string, a variable of the environment, or an expression.
fn text(argument: Argument<'_>, errors: &ErrorList) -> Result<SlackText, Reported> {
    let (place, what) = (argument.place.clone(), argument.what.clone());
    let is_token = what.starts_with("the token");
    let expr = argument.expr(errors)?;
    let message = match &expr {
        Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }) => {
            let value = text.value();
            if value.trim().is_empty() {
                format!("{what} must not be empty")
            } else if is_token && value.starts_with("xox") {
                "a token in the source is a token in every copy of it; \
                 write `token = env(\"SLACK_BOT_TOKEN\")` and revoke this one"
                    .to_owned()
            } else {
                return Ok(SlackText::Expr(expr));
            }
        }
        Expr::Lit(_) => format!("{what} must be a string or `env(\"NAME\")`"),
        Expr::Call(call) if is_env(&call.func) => match call.args.first() {
            Some(Expr::Lit(ExprLit {
                lit: Lit::Str(name),
                ..
            })) if name.value().trim().is_empty() => {
                "`env` needs the name of an environment variable".to_owned()
            }
            Some(name) if call.args.len() == 1 => return Ok(SlackText::Env(name.clone())),
            _ => "`env` takes the name of one environment variable, as in \
                  `env(\"SLACK_BOT_TOKEN\")`"
                .to_owned(),
        },
        _ => return Ok(SlackText::Expr(expr)),
    };
    Err(errors.at(&place, message))
}

fn is_env(function: &Expr) -> bool {
    matches!(function, Expr::Path(path) if path.path.is_ident("env"))
}

impl ToTokens for SlackText {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Env(name) => quote!(env(#name)).to_tokens(tokens),
            Self::Expr(text) => text.to_tokens(tokens),
        }
    }
}
