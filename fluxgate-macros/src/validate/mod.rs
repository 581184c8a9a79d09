//! Rules about the attribute as a whole. One function a rule.

pub(crate) mod key_type;
pub(crate) mod validated;

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::Expr;

use crate::{
    analysis::{self, Facts},
    item::{
        function::{Body, Shape, Target},
        return_type,
    },
    settings::{
        BreakerOptions, Options,
        table::{KEYS, Owner},
    },
    tokens::{Place, errors::Errors},
};

pub(crate) fn check(options: &Options, target: &Target, errors: &Errors) {
    not_const(target, errors);
    callers_are_not_tracked(target, errors);
    has_a_body(target, errors);
    shared_breakers_are_configured_where_they_are(options, errors);
    one_says_what_counts(options, errors);
    rejections_have_one_way(options, target, errors);
    keys_are_told_apart(options, errors);
    settings_use_no_arguments(options, target, errors);
    handle_is_another_function(options, target, errors);
    comes_back(target, errors);
    only_async_functions_have_async_fallbacks(options, target, errors);
    rule(&options.breaker, errors);
}

/// What the settings of a breaker mean together.
pub(crate) fn rule(options: &BreakerOptions, errors: &Errors) {
    if let Some(facts) = Facts::of(options) {
        analysis::check(&facts, errors);
    }
}

/// Without a type the breaker of a `breaker!` has no keys.
pub(crate) fn keys_have_a_type(options: &Options, errors: &Errors) {
    if !options.given.contains_key("key_type") {
        about_keys(
            options,
            "what type the keys are of, as in `key_type = String`",
            errors,
        );
    }
}

/// A function with breakers of its own by key says what the key is.
fn keys_are_told_apart(options: &Options, errors: &Errors) {
    let is_told = ["key", "breaker"]
        .iter()
        .any(|key| options.given.contains_key(key));
    if !is_told {
        about_keys(options, "what the key is, as in `key = tenant`", errors);
    }
}

/// The breaker is a static: it is there before the function is called.
fn settings_use_no_arguments(options: &Options, target: &Target, errors: &Errors) {
    let arguments = target.arguments();
    for (ident, key) in &options.variables {
        let name = ident.to_string();
        if !arguments.contains(&name) {
            continue;
        }
        let function = &target.sig.ident;
        let what = if name == "self" {
            format!("`self` is known when `{function}` is called")
        } else {
            format!("`{name}` is an argument of `{function}`")
        };
        let advice = match (*key, name.as_str()) {
            (_, "self") => {
                "keep a breaker in each instance and write `breaker = self.breaker`".to_owned()
            }
            ("name", _) => format!("for one breaker for each `{name}` write `key = {name}`"),
            _ => format!(
                "write a constant, or share a breaker that is made elsewhere: `breaker = …`"
            ),
        };
        errors.at(
            &Place::at(ident.span()),
            format!("{what}, and its breaker is made once, for all calls; {advice}"),
        );
    }
}

fn handle_is_another_function(options: &Options, target: &Target, errors: &Errors) {
    if let Some(handle) = options
        .handle
        .as_ref()
        .filter(|handle| handle.ident == target.sig.ident)
    {
        errors.at(
            &Place::at(handle.ident.span()),
            format!(
                "`handle` makes a function beside this one, so it needs a name of its own, as in \
                 `handle = {}_breaker`",
                target.sig.ident
            ),
        );
    }
}

fn about_keys(options: &Options, missing: &str, errors: &Errors) {
    for name in ["key_type", "max_keys", "max_labels"] {
        if let Some(place) = options.given.get(name) {
            errors.at(
                place,
                format!("`{name}` is about one breaker for each key; add {missing}"),
            );
        }
    }
}

/// A call through a breaker reads clocks and changes a static.
fn not_const(target: &Target, errors: &Errors) {
    if let Some(constness) = &target.sig.constness {
        errors.at(
            &Place::of(constness),
            "a `const fn` can't be protected: its calls may be evaluated by the compiler; \
             remove `const`, or protect the function that calls it",
        );
    }
}

/// The body runs in a closure, whose caller is the breaker.
fn callers_are_not_tracked(target: &Target, errors: &Errors) {
    for attr in &target.attrs {
        if let Some(word) = track_caller(attr.meta.to_token_stream()) {
            errors.at(
                &Place::of(&word),
                format!(
                    "`#[track_caller]` is lost on a protected function: its body is called by the \
                     breaker, at a place in fluxgate; remove it, and where the place is needed let \
                     a `#[track_caller]` function around `{}` pass `Location::caller()` on",
                    target.sig.ident
                ),
            );
        }
    }
}

/// The word in an attribute, also in one that `cfg_attr` applies.
fn track_caller(attr: TokenStream) -> Option<Ident> {
    let mut tokens = attr.into_iter();
    let TokenTree::Ident(first) = tokens.next()? else {
        return None;
    };
    if first == "track_caller" {
        return Some(first);
    }
    let Some(TokenTree::Group(arguments)) = tokens.next().filter(|_| first == "cfg_attr") else {
        return None;
    };
    // The first one is the condition.
    let arguments: Vec<_> = arguments.stream().into_iter().collect();
    let is_comma =
        |tree: &TokenTree| matches!(tree, TokenTree::Punct(punct) if punct.as_char() == ',');
    let mut applied = arguments.split(is_comma).skip(1);
    applied.find_map(|attr| track_caller(attr.iter().cloned().collect()))
}

fn has_a_body(target: &Target, errors: &Errors) {
    if let Body::None = target.body {
        errors.at(
            &Place::of(&target.sig.ident),
            "there is no body to protect here; put the attribute on the implementations",
        );
    }
}

/// `breaker = X` means that everything about the breaker is said at `X`.
fn shared_breakers_are_configured_where_they_are(options: &Options, errors: &Errors) {
    if !options.given.contains_key("breaker") {
        return;
    }
    for key in KEYS.iter().filter(|key| key.owner == Owner::Breaker) {
        if let Some(place) = options.given.get(key.name) {
            errors.at(
                place,
                format!(
                    "`{}` belongs to the breaker, and this function uses one that is defined \
                     elsewhere; move it to that `breaker!`",
                    key.name
                ),
            );
        }
    }
    if let Some(place) = options.given.get("handle") {
        errors.at(
            place,
            "`handle` makes a way to a breaker of the function's own; the one named by `breaker` \
             can be reached by that name",
        );
    }
}

fn only_async_functions_have_async_fallbacks(options: &Options, target: &Target, errors: &Errors) {
    let Some(Expr::Closure(closure)) = &options.fallback else {
        return;
    };
    if let (Some(asyncness), Shape::Sync) = (&closure.asyncness, target.shape()) {
        errors.at(
            &Place::of(asyncness),
            format!(
                "an async fallback needs an async function, and `{}` is none; \
                 remove this `async`, or make the function async",
                target.sig.ident
            ),
        );
    }
}

/// A classifier is asked about every result: nobody would ask the others.
fn one_says_what_counts(options: &Options, errors: &Errors) {
    if !options.given.contains_key("classify") {
        return;
    }
    for (name, instead) in [
        (
            "tracker",
            "`Outcome::Ignored` or `Outcome::Failure` for its errors",
        ),
        ("failure_if", "`Outcome::Failure` for its results"),
    ] {
        if let Some(place) = options.given.get(name) {
            errors.at(
                place,
                format!(
                    "`{name}` would never be asked: `classify` says what every result means; \
                     let it give {instead}, or remove one of the two"
                ),
            );
        }
    }
}

/// A rejection goes to the fallback, or becomes an error.
fn rejections_have_one_way(options: &Options, target: &Target, errors: &Errors) {
    let Some(place) = options.given.get("map_rejection") else {
        return;
    };
    if options.given.contains_key("fallback") {
        errors.at(
            place,
            "`map_rejection` would never be asked: rejections go to the `fallback`; make the \
             error there, or remove one of the two",
        );
    }
    let returned = match target.shape() {
        Shape::Future(future) => Some(future.output),
        Shape::Sync | Shape::Async => target.return_type().cloned(),
    };
    let has_error = returned.is_some_and(|ty| !return_type::is_unknown(&return_type::erase(&ty).0));
    if !has_error {
        errors.at(
            place,
            "`map_rejection` makes an error, and this function returns none; return a `Result`, \
             or write a `fallback` in its place",
        );
    }
}

/// Without a return there is no outcome.
fn comes_back(target: &Target, errors: &Errors) {
    if let Some(syn::Type::Never(never)) = target.return_type() {
        errors.at(
            &Place::of(never),
            "a function that never returns has no outcome that a breaker could count",
        );
    }
}
