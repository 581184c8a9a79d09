//! `#[outcome(…)]`: its grammar.

use proc_macro2::{Ident, Span, TokenStream};
use syn::{
    Attribute, Expr, Lit, Member, Meta, Path, Token,
    ext::IdentExt,
    parse::{Parse, ParseStream, Parser},
    spanned::Spanned,
};

use crate::{
    describe::words,
    suggest::did_you_mean,
    tokens::errors::{ErrorList, Reported},
};

/// What a variant says.
pub(super) enum VariantClass {
    Success,
    Failure(Option<WaitField>),
    Overloaded(Option<WaitField>),
    Alive,
    Ignored,
    /// The function of the variant's fields that says it.
    With(Expr),
    /// What the error in the variant says.
    Transparent(Span),
}

/// The field with the time that the dependency asked for.
pub(super) struct WaitField {
    pub(super) field: Member,
}

const CLASSES: [&str; 7] = [
    "failure",
    "overloaded",
    "alive",
    "ignored",
    "success",
    "transparent",
    "with",
];

/// The classes with what each is for, for messages.
pub(super) const HELP: &str = "`#[outcome(failure)]` (the dependency is broken), `overloaded` (too \
     much), `alive` (an error that proves it answers), `ignored` (says nothing about it), `success`, \
     `transparent` (as the error inside says), or `with = f` (as a function of the field says)";

/// One word of the attribute.
enum Word {
    Class(VariantClass, Ident),
    RetryAfter(WaitField, Ident),
    Crate(Path, Span),
}

/// What stood in an attribute at a variant or a struct.
#[derive(Default)]
pub(super) struct Said {
    pub(super) class: Option<VariantClass>,
    pub(super) krate: Option<(Path, Span)>,
    /// An attribute was there, right or wrong.
    pub(super) is_there: bool,
    /// What is wrong with it was reported.
    pub(super) reported: Option<Reported>,
}

/// Reads the `#[outcome(…)]` among `attrs`.
pub(super) fn read(attrs: &[Attribute], errors: &ErrorList) -> Said {
    let mut said = Said::default();
    let mut first: Option<Ident> = None;
    let mut retry_after: Option<(WaitField, Ident)> = None;
    for attr in attrs.iter().filter(|it| it.path().is_ident("outcome")) {
        said.is_there = true;
        for word in words_of(attr, errors) {
            match word {
                Err(reported) => said.reported = Some(reported),
                Ok(word) => match word {
                    Word::Crate(path, span) => said.krate = Some((path, span)),
                    Word::RetryAfter(wait, key) => match retry_after {
                        None => retry_after = Some((wait, key)),
                        Some(_) => {
                            said.reported =
                                Some(errors.push(syn::Error::new(
                                    key.span(),
                                    "`retry_after` is given twice",
                                )));
                        }
                    },
                    Word::Class(class, name) => match &first {
                        None => {
                            first = Some(name);
                            said.class = Some(class);
                        }
                        Some(first) => {
                            said.reported = Some(errors.push(syn::Error::new(
                                name.span(),
                                format!("one outcome is enough: `{first}` or `{name}`"),
                            )));
                        }
                    },
                },
            }
        }
    }
    if let Some((wait, key)) = retry_after {
        match &mut said.class {
            Some(VariantClass::Failure(slot) | VariantClass::Overloaded(slot)) => {
                *slot = Some(wait);
            }
            _ => {
                said.reported = Some(errors.push(syn::Error::new(
                    key.span(),
                    "only `failure` and `overloaded` have a wait: write \
                     `#[outcome(failure, retry_after = …)]` or \
                     `#[outcome(overloaded, retry_after = …)]`",
                )));
            }
        }
    }
    said
}

/// Reads the words of one attribute, each by itself, so that each mistake is reported.
fn words_of(attr: &Attribute, errors: &ErrorList) -> Vec<Result<Word, Reported>> {
    let tokens = match &attr.meta {
        Meta::List(list) if !list.tokens.is_empty() => list.tokens.clone(),
        _ => {
            return vec![Err(errors.push(syn::Error::new_spanned(
                attr,
                format!("what outcome? Write {HELP}"),
            )))];
        }
    };
    let parts = split(tokens).into_iter();
    parts
        .map(|part| syn::parse2::<Word>(part).map_err(|error| errors.push(error)))
        .collect()
}

/// Splits the tokens at commas. Generic arguments with commas stand in no path that
/// is a function here without turbofish, so an expression is parsed as a whole.
fn split(tokens: TokenStream) -> Vec<TokenStream> {
    let parts = |input: ParseStream<'_>| {
        let mut parts = Vec::new();
        while !input.is_empty() {
            let mut part = TokenStream::new();
            if let Some(value) = key_value(input, &mut part) {
                part.extend(value);
            }
            while !input.is_empty() && !input.peek(Token![,]) {
                part.extend([input.parse::<proc_macro2::TokenTree>()?]);
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
            parts.push(part);
        }
        Ok(parts)
    };
    // It takes any tokens.
    parts.parse2(tokens).unwrap_or_default()
}

/// Moves `key = expression` into `part` if that is next, for the commas in
/// turbofishes.
fn key_value(input: ParseStream<'_>, part: &mut TokenStream) -> Option<TokenStream> {
    let ahead = input.fork();
    ahead.call(Ident::parse_any).ok()?;
    ahead.parse::<Token![=]>().ok()?;
    ahead.parse::<Expr>().ok()?;
    let key: Ident = input.call(Ident::parse_any).ok()?;
    let equals: Token![=] = input.parse().ok()?;
    let value: Expr = input.parse().ok()?;
    quote::ToTokens::to_tokens(&key, part);
    quote::ToTokens::to_tokens(&equals, part);
    Some(quote::ToTokens::to_token_stream(&value))
}

impl Parse for Word {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let Ok(name) = input.call(Ident::parse_any) else {
            return Err(input.error(format!("expected an outcome: {HELP}")));
        };
        let class = match name.to_string().as_str() {
            "success" => VariantClass::Success,
            "failure" => VariantClass::Failure(None),
            "overloaded" => VariantClass::Overloaded(None),
            "alive" => VariantClass::Alive,
            "ignored" => VariantClass::Ignored,
            "transparent" => VariantClass::Transparent(name.span()),
            "with" => VariantClass::With(callable(&name, input)?),
            "retry_after" => {
                let wait = WaitField {
                    field: member(&name, input)?,
                };
                return Ok(Self::RetryAfter(wait, name));
            }
            "crate" => {
                input.parse::<Token![=]>()?;
                let path: Path = input.call(Path::parse_mod_style)?;
                return Ok(Self::Crate(path, name.span()));
            }
            unknown => return Err(unknown_class(unknown, &name)),
        };
        if !input.is_empty() {
            let advice = if input.peek(Token![=]) || input.peek(syn::token::Paren) {
                format!("`{name}` takes no value; write `#[outcome({name})]`")
            } else {
                format!("expected `,` after `{name}`")
            };
            return Err(input.error(advice));
        }
        Ok(Self::Class(class, name))
    }
}

fn unknown_class(given: &str, name: &Ident) -> syn::Error {
    let habit = match given {
        "error" | "fail" | "failed" | "down" | "broken" | "unavailable" | "transient" | "retry"
        | "retryable" | "unknown" => Some("failure"),
        "overload" | "throttled" | "throttle" | "rate_limited" | "busy" | "too_many" => {
            Some("overloaded")
        }
        "ignore" | "skip" | "untracked" | "exclude" => Some("ignored"),
        "ok" => Some("success"),
        "permanent" | "client" | "caller" | "answered" => Some("alive"),
        "from" | "inner" | "delegate" | "forward" => Some("transparent"),
        "classify" | "function" | "by" => Some("with"),
        _ => None,
    };
    let meant = match habit {
        Some(class) => format!("; did you mean `{class}`?"),
        None => did_you_mean(given, CLASSES.into_iter().chain(["retry_after"])),
    };
    let meant = if meant.is_empty() {
        format!("; write {HELP}")
    } else {
        meant
    };
    syn::Error::new(name.span(), format!("unknown outcome `{given}`{meant}"))
}

fn callable(name: &Ident, input: ParseStream<'_>) -> syn::Result<Expr> {
    if !input.peek(Token![=]) {
        return Err(syn::Error::new(
            name.span(),
            "`with` needs a function of the field, as in `with = fluxgate::http::outcome_of_status`",
        ));
    }
    input.parse::<Token![=]>()?;
    let expr: Expr = input.parse()?;
    if let Expr::Lit(lit) = &expr {
        let advice = match &lit.lit {
            Lit::Str(text) if text.parse::<Path>().is_ok() => {
                format!("; write `with = {}`, without quotes", text.value())
            }
            _ => ", as in `with = fluxgate::http::outcome_of_status`".to_owned(),
        };
        return Err(syn::Error::new_spanned(
            &expr,
            format!("`with` takes a function or a closure{advice}"),
        ));
    }
    rest(input)?;
    Ok(expr)
}

fn member(name: &Ident, input: ParseStream<'_>) -> syn::Result<Member> {
    if !input.peek(Token![=]) {
        return Err(syn::Error::new(
            name.span(),
            "`retry_after` needs the field that holds the wait, as in `retry_after = wait`, or \
             `retry_after = 0` in a tuple",
        ));
    }
    input.parse::<Token![=]>()?;
    let ahead = input.fork();
    let is_field = ahead.parse::<Member>().is_ok() && ahead.is_empty();
    if is_field {
        return input.parse();
    }
    let given: TokenStream = input.parse()?;
    let advice = match syn::parse2::<syn::LitStr>(given.clone()) {
        Ok(text) => format!("; write `retry_after = {}`, without quotes", text.value()),
        Err(_) => "; for anything computed write `with = |field| …`".to_owned(),
    };
    Err(syn::Error::new(
        given.span(),
        format!(
            "`retry_after` takes the name or the number of a field, not `{}`{advice}",
            words::tokens(&given)
        ),
    ))
}

fn rest(input: ParseStream<'_>) -> syn::Result<()> {
    if input.is_empty() {
        Ok(())
    } else {
        Err(input.error("expected `,`"))
    }
}
