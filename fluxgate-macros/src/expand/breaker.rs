//! Statics that hold breakers, and the calls that build them.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;

use super::{Runtime, constants, keyed, policies, respanned};
use crate::{
    describe,
    item::{breaker_macro::ParsedBreaker, function::Function},
    policy::{ParsedInitialState, ParsedSlowProbes},
    settings::{BreakerSettings, Fixed, HandleFn},
    validate::validated::{DefinedBreaker, FunctionBreaker, KeySet},
};

/// Names the hidden static. The policies are written inside its
/// initialiser, so it must be one that they do not mention.
pub(super) fn hidden() -> Ident {
    Ident::new("__FLUXGATE_BREAKER", Span::mixed_site())
}

/// Writes the breaker of a function, as an argument of the call.
///
/// ```text
/// Input:  #[circuit_breaker(retry = Always)]
/// Output: {
///             static __FLUXGATE_BREAKER: ::fluxgate::StaticBreaker =
///                 ::fluxgate::StaticBreaker::new(|| ::fluxgate::CircuitBreaker::builder(…)
///                     .retry(::fluxgate::retry::Always));
///             &__FLUXGATE_BREAKER
///         }
/// ```
///
/// In a block of its own, so that the function's body can't see it.
pub(super) fn reference(
    breaker: &FunctionBreaker,
    function: &Function,
    fluxgate: &Runtime<'_>,
) -> TokenStream {
    match breaker {
        FunctionBreaker::Shared { breaker, .. } => {
            // An error about it stands there.
            let place = breaker.span().resolved_at(Span::mixed_site());
            quote_spanned!(place=> &#breaker)
        }
        FunctionBreaker::Own {
            handle: Some(handle),
            ..
        } => {
            let ident = &handle.ident;
            if function.is_associated() || handle.associated {
                quote!(Self::#ident())
            } else {
                quote!(#ident())
            }
        }
        FunctionBreaker::Own { settings, keys, .. } => {
            let set = keys.as_ref().map(|keys| &keys.set);
            let hidden = hidden();
            let item = hidden_static(settings, &function.sig.ident, set, fluxgate);
            let place = place(set);
            let reference = respanned(quote!(&#hidden), place);
            quote_spanned!(place=> { #item #reference })
        }
    }
}

fn hidden_static(
    settings: &BreakerSettings,
    function: &Ident,
    set: Option<&KeySet>,
    fluxgate: &Runtime<'_>,
) -> TokenStream {
    let hidden = hidden();
    let (ty, new) = static_type(set, fluxgate);
    let builder = builder(settings, function, set, fluxgate);
    let place = place(set);
    let link = respanned(quote!(#fluxgate::__link! { #hidden }), place);
    quote_spanned! {place=>
        static #hidden: #ty = #new(|| #builder);
        #link
    }
}

/// Returns where it is said that keys can't be of some type.
fn place(set: Option<&KeySet>) -> Span {
    set.map_or_else(Span::mixed_site, |set| {
        set.ty.span().resolved_at(Span::mixed_site())
    })
}

/// Returns the type of a static, and the path of its constructor.
fn static_type(set: Option<&KeySet>, fluxgate: &Runtime<'_>) -> (TokenStream, TokenStream) {
    match set {
        None => (
            quote!(#fluxgate::StaticBreaker),
            quote!(#fluxgate::StaticBreaker::new),
        ),
        Some(KeySet { ty, .. }) => (
            quote!(#fluxgate::keyed::StaticBreakers<#ty>),
            quote!(#fluxgate::keyed::StaticBreakers::new),
        ),
    }
}

/// Writes the function that `handle` asks for.
///
/// ```text
/// Input:  handle = quote_breaker
/// Output: fn quote_breaker() -> &'static ::fluxgate::CircuitBreaker { static … }
/// ```
pub(super) fn handle(
    breaker: &FunctionBreaker,
    function: &Function,
    fluxgate: &Runtime<'_>,
) -> Option<TokenStream> {
    let FunctionBreaker::Own {
        settings,
        keys,
        handle: Some(HandleFn { ident, .. }),
    } = breaker
    else {
        return None;
    };
    let set = keys.as_ref().map(|keys| &keys.set);
    let Function { vis, sig, .. } = function;
    let name = &sig.ident;
    let hidden = hidden();
    let item = hidden_static(settings, name, set, fluxgate);
    let (doc, ty) = match set {
        None => (
            format!("The circuit breaker of `{name}`."),
            quote!(#fluxgate::CircuitBreaker),
        ),
        Some(KeySet { ty, .. }) => (
            format!("The circuit breakers of `{name}`, by key."),
            quote!(#fluxgate::keyed::CircuitBreakers<#ty>),
        ),
    };
    let cfgs = function
        .attrs
        .iter()
        .filter(|attr| attr.path().is_ident("cfg"));
    let handle = quote! {
        #(#cfgs)*
        #[doc = #doc]
        #[must_use]
        #vis fn #ident() -> &'static #ty {
            #item
            return &#hidden;
        }
    };
    Some(match set {
        None => handle,
        // Where the feature is off the function says so.
        Some(_) => keyed::guarded(None, &handle, fluxgate),
    })
}

/// Expands one breaker of `breaker!`.
pub(crate) fn breaker(defined: &DefinedBreaker<'_>) -> TokenStream {
    let DefinedBreaker {
        item: ParsedBreaker {
            attrs, vis, ident, ..
        },
        settings,
        keys,
        ..
    } = defined;
    let path = super::runtime_path(defined.krate.as_ref());
    let fluxgate = Runtime(path.as_ref());
    let set = keys.as_ref().map(|keys| &keys.set);
    let builder = builder(settings, ident, set, &fluxgate);
    let (ty, new) = static_type(set, &fluxgate);
    let cfgs = attrs.iter().filter(|attr| attr.path().is_ident("cfg"));
    let is_documented = attrs.iter().any(|attr| attr.path().is_ident("doc"));
    let docs = (is_documented && defined.is_described)
        .then(|| describe::of_breaker(defined))
        .into_iter();
    let item = quote! {
        #(#attrs)*
        #(#[doc = #docs])*
        #vis static #ident: #ty = #new(|| #builder);
        #(#cfgs)*
        #fluxgate::__link! { #ident }
    };
    match keys {
        None => item,
        Some(keys) => keyed::guarded(Some(&keys.ident), &item, &fluxgate),
    }
}

/// Calls the builder with the settings that were given; it has the defaults.
fn builder(
    settings: &BreakerSettings,
    item: &Ident,
    set: Option<&KeySet>,
    fluxgate: &Runtime<'_>,
) -> TokenStream {
    let name = name(settings, item, fluxgate);
    let calls = calls(settings, fluxgate);
    let listeners = settings.listeners.iter().flatten();
    let listeners = listeners.map(|listener| policies::listener(listener, fluxgate));
    let builder = match set {
        None => quote!(#fluxgate::CircuitBreaker::builder(#name) #calls #(#listeners)*),
        Some(set) => {
            let ty = &set.ty;
            let calls = keyed::settings(set, &calls, fluxgate);
            quote!(#fluxgate::keyed::CircuitBreakers::<#ty>::builder(#name) #calls #(#listeners)*)
        }
    };
    let max_keys = set.and_then(|set| set.max_keys.as_ref());
    let checks = constants::checks(settings, max_keys, fluxgate);
    if checks.is_empty() {
        builder
    } else {
        quote!({ #(#checks)* #builder })
    }
}

fn name(settings: &BreakerSettings, item: &Ident, fluxgate: &Runtime<'_>) -> TokenStream {
    if let Some(name) = &settings.name {
        quote!(#name)
    } else {
        let anchor = Ident::new("anchor", Span::mixed_site());
        let item = item.to_string();
        quote!({
            fn #anchor() {}
            #fluxgate::__private::default_name(&#anchor, #item)
        })
    }
}

/// Writes the calls of the builder that set what was given, listeners aside.
fn calls(settings: &BreakerSettings, fluxgate: &Runtime<'_>) -> TokenStream {
    let mut calls = TokenStream::new();
    let mut set = |method: &str, value: TokenStream| {
        let method = format_ident!("{method}");
        calls.extend(quote!(.#method(#value)));
    };
    if let Some(window) = &settings.window {
        set("window", policies::window(window, fluxgate));
    }
    if let Some(tripper) = &settings.tripper {
        set("tripper", policies::tripper(tripper, fluxgate));
    }
    if let Some(retry) = &settings.retry {
        set("retry", policies::retry(retry, fluxgate));
    }
    if let Some(permit) = &settings.permit {
        set("permit", policies::permit(permit, fluxgate));
    }
    let counts = [
        ("max_half_open_calls", &settings.max_half_open_calls),
        ("close_after", &settings.close_after),
        ("reopen_after", &settings.reopen_after),
        ("flight_recorder", &settings.flight_recorder),
    ];
    for (method, count) in counts {
        if let Some(count) = count {
            set(method, policies::count(count, fluxgate));
        }
    }
    if let Some(lease) = &settings.probe_lease {
        set("probe_lease", quote!(#lease));
    }
    if let Some(on_cancel) = &settings.on_cancel {
        set("on_cancel", policies::on_cancel(on_cancel, fluxgate));
    }
    if let Some(ParsedSlowProbes { ident }) = &settings.slow_probes {
        set("slow_probes", quote!(#fluxgate::SlowProbes::#ident));
    }
    if let Some(throttle) = &settings.throttle {
        set("throttle", policies::throttle(throttle, fluxgate));
    }
    if let Some(fleet) = &settings.fleet {
        set("fleet", policies::fleet(fleet, fluxgate));
    }
    if let Some(durations) = &settings.durations {
        set("durations", quote!(#durations));
    }
    if let Some(ParsedInitialState { ident, .. }) = &settings.initial_state {
        set("initial_state", quote!(#fluxgate::State::#ident));
    }
    if let Some(Fixed) = &settings.fixed {
        set("fixed_settings", TokenStream::new());
    }
    calls
}
