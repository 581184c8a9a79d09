//! Rules about function and settings as a whole. One function a rule.

use proc_macro2::{Group, Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::Expr;

use crate::{
    analysis::{self, Facts},
    item::{
        function::{Asyncness, Function},
        return_type,
    },
    policy::{ParsedRule, ParsedSlowProbes},
    settings::{
        BreakerSettings, FreeName, ItemSettings,
        table::{Owner, SETTINGS},
    },
    tokens::{
        Location,
        errors::{ErrorList, Reported},
    },
};

/// Applies every rule to a function. Returns its body.
pub(super) fn function(
    settings: &ItemSettings,
    function: &Function,
    body: Option<Group>,
    errors: &ErrorList,
) -> Result<Group, Reported> {
    not_const(function, errors);
    callers_are_not_tracked(function, errors);
    let body = body.ok_or_else(|| no_body(function, errors));
    shared_breakers_are_configured_where_they_are(settings, errors);
    one_says_what_counts(settings, errors);
    rejections_have_one_way(settings, function, errors);
    keyed_breakers_join_no_fleet(settings, &["key", "key_type"], errors);
    let missing = "what the key is, as in `key = tenant`";
    keys_are_told_apart(settings, &["key", "breaker"], missing, errors);
    settings_use_no_arguments(settings, function, errors);
    handle_is_another_function(settings, function, errors);
    comes_back(function, errors);
    only_async_functions_have_async_fallbacks(settings, function, errors);
    rule(&settings.breaker, errors);
    slow_probes_have_a_threshold(settings, errors);
    body
}

/// Applies every rule to a breaker of `breaker!`.
pub(super) fn breaker(settings: &ItemSettings, errors: &ErrorList) {
    rule(&settings.breaker, errors);
    slow_probes_have_a_threshold(settings, errors);
    keyed_breakers_join_no_fleet(settings, &["key_type"], errors);
    let missing = "what type the keys are of, as in `key_type = String`";
    keys_are_told_apart(settings, &["key_type"], missing, errors);
}

/// Refuses a rule that can't mean what it says.
fn rule(settings: &BreakerSettings, errors: &ErrorList) {
    if let Some(facts) = Facts::of(settings) {
        analysis::check(&facts, errors);
    }
}

/// Refuses `slow_probes = Fail` under a rule that says of no call that it is slow.
fn slow_probes_have_a_threshold(settings: &ItemSettings, errors: &ErrorList) {
    let breaker = &settings.breaker;
    let Some(ParsedSlowProbes { ident }) =
        breaker.slow_probes.as_ref().filter(|it| it.ident == "Fail")
    else {
        return;
    };
    if settings.is_given("breaker") || settings.sound("tripper").is_err() {
        return;
    }
    // A rule of the user's own may have a threshold.
    let mut may_have = false;
    if let Some(tripper) = &breaker.tripper {
        tripper.leaves(&mut |leaf| {
            may_have |= matches!(
                leaf.rule,
                ParsedRule::SlowRate { .. } | ParsedRule::Custom(_) | ParsedRule::InCode(_)
            );
        });
    }
    if !may_have {
        errors.at(
            &Location::at(ident.span()),
            "`slow_probes = Fail` is about probes that take the threshold of a `SlowRate`, and \
             the rule has none; add one, as in \
             `MinRequests(20) & (FailureRate(0.5) | SlowRate(0.3, threshold = 1s))`, or leave \
             `slow_probes` out",
        );
    }
}

/// Refuses settings of a set of breakers without the type of its keys, or whatever
/// else makes it one.
fn keys_are_told_apart(settings: &ItemSettings, by: &[&str], missing: &str, errors: &ErrorList) {
    if by.iter().any(|name| settings.is_given(name)) {
        return;
    }
    for name in ["key_type", "max_keys", "max_labels"] {
        if let Some(place) = settings.place(name) {
            errors.at(
                place,
                format!("`{name}` is about one breaker for each key; add {missing}"),
            );
        }
    }
}

/// Refuses a fleet of breakers by key.
fn keyed_breakers_join_no_fleet(settings: &ItemSettings, by: &[&str], errors: &ErrorList) {
    let Some(place) = settings.place("fleet") else {
        return;
    };
    if let Some(by) = by.iter().find(|name| settings.is_given(name)) {
        errors.at(
            place,
            format!(
                "breakers by key take no part in a fleet; leave `fleet` out, or `{by}`: one \
                 breaker for all keys does"
            ),
        );
    }
}

/// Refuses arguments in settings of the breaker, which is a static and made before
/// the function is called.
fn settings_use_no_arguments(settings: &ItemSettings, function: &Function, errors: &ErrorList) {
    let arguments = function.arguments();
    for FreeName { ident, setting } in &settings.variables {
        let name = ident.to_string();
        if !arguments.contains(&name) {
            continue;
        }
        let function = &function.sig.ident;
        let what = if name == "self" {
            format!("`self` is known when `{function}` is called")
        } else {
            format!("`{name}` is an argument of `{function}`")
        };
        let advice = match (*setting, name.as_str()) {
            (_, "self") => {
                "keep a breaker in each instance and write `breaker = self.breaker`".to_owned()
            }
            ("name", _) => format!("for one breaker for each `{name}` write `key = {name}`"),
            _ => "write a constant, or share a breaker that is made elsewhere: `breaker = …`"
                .to_owned(),
        };
        errors.at(
            &Location::at(ident.span()),
            format!("{what}, and its breaker is made once, for all calls; {advice}"),
        );
    }
}

fn handle_is_another_function(settings: &ItemSettings, function: &Function, errors: &ErrorList) {
    if let Some(handle) = settings
        .function
        .handle
        .as_ref()
        .filter(|handle| handle.ident == function.sig.ident)
    {
        errors.at(
            &Location::at(handle.ident.span()),
            format!(
                "`handle` makes a function beside this one, so it needs a name of its own, as in \
                 `handle = {}_breaker`",
                function.sig.ident
            ),
        );
    }
}

/// Refuses `const fn`: a call through a breaker reads clocks and changes a static.
fn not_const(function: &Function, errors: &ErrorList) {
    if let Some(constness) = &function.sig.constness {
        errors.at(
            &Location::of(constness),
            "a `const fn` can't be protected: its calls may be evaluated by the compiler; \
             remove `const`, or protect the function that calls it",
        );
    }
}

/// Refuses `#[track_caller]`: the body runs in a closure, whose caller is the breaker.
fn callers_are_not_tracked(function: &Function, errors: &ErrorList) {
    for attr in &function.attrs {
        if let Some(word) = track_caller(attr.meta.to_token_stream()) {
            errors.at(
                &Location::of(&word),
                format!(
                    "`#[track_caller]` is lost on a protected function: its body is called by the \
                     breaker, at a place in fluxgate; remove it, and where the place is needed let \
                     a `#[track_caller]` function around `{}` pass `Location::caller()` on",
                    function.sig.ident
                ),
            );
        }
    }
}

/// Finds the word in an attribute, also in one that `cfg_attr` applies.
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

/// Reports a declaration in a trait.
fn no_body(function: &Function, errors: &ErrorList) -> Reported {
    errors.at(
        &Location::of(&function.sig.ident),
        "there is no body to protect here; put the attribute on the implementations",
    )
}

/// Refuses settings of a breaker that is defined elsewhere.
fn shared_breakers_are_configured_where_they_are(settings: &ItemSettings, errors: &ErrorList) {
    if !settings.is_given("breaker") {
        return;
    }
    for setting in SETTINGS
        .iter()
        .filter(|setting| setting.owner == Owner::Breaker)
    {
        if let Some(place) = settings.place(setting.name) {
            errors.at(
                place,
                format!(
                    "`{}` belongs to the breaker, and this function uses one that is defined \
                     elsewhere; move it to that `breaker!`",
                    setting.name
                ),
            );
        }
    }
    if let Some(place) = settings.place("handle") {
        errors.at(
            place,
            "`handle` makes a way to a breaker of the function's own; the one named by `breaker` \
             can be reached by that name",
        );
    }
}

fn only_async_functions_have_async_fallbacks(
    settings: &ItemSettings,
    function: &Function,
    errors: &ErrorList,
) {
    let Some(Expr::Closure(closure)) = &settings.function.fallback else {
        return;
    };
    if let (Some(asyncness), Asyncness::Sync) = (&closure.asyncness, function.asyncness()) {
        errors.at(
            &Location::of(asyncness),
            format!(
                "an async fallback needs an async function, and `{}` is none; \
                 remove this `async`, or make the function async",
                function.sig.ident
            ),
        );
    }
}

/// Refuses what is never asked beside a classifier, which is asked about every result.
fn one_says_what_counts(settings: &ItemSettings, errors: &ErrorList) {
    if !settings.is_given("classify") {
        return;
    }
    for (name, instead) in [
        (
            "tracker",
            "`Outcome::Ignored` or `Outcome::Failure` for its errors",
        ),
        ("failure_if", "`Outcome::Failure` for its results"),
    ] {
        if let Some(place) = settings.place(name) {
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

/// Refuses a rejection that has two ways, or none: it goes to the fallback, or becomes
/// an error.
fn rejections_have_one_way(settings: &ItemSettings, function: &Function, errors: &ErrorList) {
    let Some(place) = settings.place("map_rejection") else {
        return;
    };
    if settings.is_given("fallback") {
        errors.at(
            place,
            "`map_rejection` would never be asked: rejections go to the `fallback`; make the \
             error there, or remove one of the two",
        );
    }
    let returned = match function.asyncness() {
        Asyncness::Future(future) => Some(future.output),
        Asyncness::Sync | Asyncness::Async => function.return_type().cloned(),
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

/// Refuses a function that never returns: it has no outcome.
fn comes_back(function: &Function, errors: &ErrorList) {
    if let Some(syn::Type::Never(never)) = function.return_type() {
        errors.at(
            &Location::of(never),
            "a function that never returns has no outcome that a breaker could count",
        );
    }
}
