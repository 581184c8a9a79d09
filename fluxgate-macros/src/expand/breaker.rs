//! The static that holds a breaker, and what builds it.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Attribute, Type, Visibility, spanned::Spanned};

use super::{Runtime, constants, keyed, policies, respanned};
use crate::{
    describe,
    policy::SlowProbes,
    settings::{BreakerOptions, Handle, Options},
};

/// The name of the hidden static. The policies are written inside its
/// initialiser, so it must be one that they do not mention.
pub(super) fn hidden() -> Ident {
    Ident::new("__FLUXGATE_BREAKER", Span::mixed_site())
}

/// The breaker of a function, as an argument of the call.
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
    options: &Options,
    function: &Ident,
    associated: bool,
    keys: Option<&Type>,
    fluxgate: &Runtime<'_>,
) -> TokenStream {
    if let Some(shared) = &options.shared {
        // An error about it stands there.
        let place = shared.span().resolved_at(Span::mixed_site());
        return quote_spanned!(place=> &#shared);
    }
    if let Some(handle) = &options.handle {
        let ident = &handle.ident;
        return if associated || handle.associated {
            quote!(Self::#ident())
        } else {
            quote!(#ident())
        };
    }
    let hidden = hidden();
    let item = hidden_static(&options.breaker, function, keys, fluxgate);
    let place = place(keys);
    let reference = respanned(quote!(&#hidden), place);
    quote_spanned!(place=> { #item #reference })
}

fn hidden_static(
    options: &BreakerOptions,
    function: &Ident,
    keys: Option<&Type>,
    fluxgate: &Runtime<'_>,
) -> TokenStream {
    let hidden = hidden();
    let (ty, new) = static_type(keys, fluxgate);
    let builder = builder(options, function, keys, fluxgate);
    let place = place(keys);
    let link = respanned(quote!(#fluxgate::__link! { #hidden }), place);
    quote_spanned! {place=>
        static #hidden: #ty = #new(|| #builder);
        #link
    }
}

/// Where it is said that keys can't be of some type.
fn place(keys: Option<&Type>) -> Span {
    keys.map_or_else(Span::mixed_site, |keys| {
        keys.span().resolved_at(Span::mixed_site())
    })
}

/// The type of a static, and the path of its constructor.
fn static_type(keys: Option<&Type>, fluxgate: &Runtime<'_>) -> (TokenStream, TokenStream) {
    match keys {
        None => (
            quote!(#fluxgate::StaticBreaker),
            quote!(#fluxgate::StaticBreaker::new),
        ),
        Some(keys) => (
            quote!(#fluxgate::keyed::StaticBreakers<#keys>),
            quote!(#fluxgate::keyed::StaticBreakers::new),
        ),
    }
}

/// The function that `handle` asks for.
///
/// ```text
/// Input:  handle = quote_breaker
/// Output: fn quote_breaker() -> &'static ::fluxgate::CircuitBreaker { static … }
/// ```
pub(super) fn handle(
    handle: &Handle,
    options: &BreakerOptions,
    function: &Ident,
    vis: &Visibility,
    cfgs: &[&Attribute],
    keys: Option<&Type>,
    fluxgate: &Runtime<'_>,
) -> TokenStream {
    let ident = &handle.ident;
    let hidden = hidden();
    let item = hidden_static(options, function, keys, fluxgate);
    let (doc, ty) = match keys {
        None => (
            format!("The circuit breaker of `{function}`."),
            quote!(#fluxgate::CircuitBreaker),
        ),
        Some(keys) => (
            format!("The circuit breakers of `{function}`, by key."),
            quote!(#fluxgate::keyed::CircuitBreakers<#keys>),
        ),
    };
    let handle = quote! {
        #(#cfgs)*
        #[doc = #doc]
        #[must_use]
        #vis fn #ident() -> &'static #ty {
            #item
            &#hidden
        }
    };
    match keys {
        None => handle,
        // Where the feature is off the function says so.
        Some(_) => keyed::guarded(None, &handle, fluxgate),
    }
}

/// One breaker of `breaker!`.
pub(crate) fn statics(
    attrs: &[Attribute],
    vis: &Visibility,
    ident: &Ident,
    options: &Options,
) -> TokenStream {
    let path = super::runtime_path(options.krate.as_ref());
    let fluxgate = Runtime(path.as_ref());
    let keys = options.breaker.key_type.as_ref();
    let builder = builder(&options.breaker, ident, keys, &fluxgate);
    let (ty, new) = static_type(keys, &fluxgate);
    let cfgs = attrs.iter().filter(|attr| attr.path().is_ident("cfg"));
    let is_documented = attrs.iter().any(|attr| attr.path().is_ident("doc"));
    let docs = (is_documented && options.docs != Some(false))
        .then(|| describe::of_breaker(&options.breaker))
        .into_iter();
    let item = quote! {
        #(#attrs)*
        #(#[doc = #docs])*
        #vis static #ident: #ty = #new(|| #builder);
        #(#cfgs)*
        #fluxgate::__link! { #ident }
    };
    match options.given.get("key_type") {
        None => item,
        Some(place) => {
            let key = Ident::new("key_type", place.span());
            keyed::guarded(Some(&key), &item, &fluxgate)
        }
    }
}

/// The settings that were given; the builder has the defaults.
fn builder(
    options: &BreakerOptions,
    item: &Ident,
    keys: Option<&Type>,
    fluxgate: &Runtime<'_>,
) -> TokenStream {
    let name = name(options, item, fluxgate);
    let settings = settings(options, fluxgate);
    let listeners = options.listeners.iter().flatten();
    let listeners = listeners.map(|listener| policies::listener(listener, fluxgate));
    let builder = match keys {
        None => quote!(#fluxgate::CircuitBreaker::builder(#name) #settings #(#listeners)*),
        Some(keys) => {
            let keyed = keyed::settings(options, &settings, fluxgate);
            quote!(#fluxgate::keyed::CircuitBreakers::<#keys>::builder(#name) #keyed #(#listeners)*)
        }
    };
    let checks = constants::checks(options, fluxgate);
    if checks.is_empty() {
        builder
    } else {
        quote!({ #(#checks)* #builder })
    }
}

fn name(options: &BreakerOptions, item: &Ident, fluxgate: &Runtime<'_>) -> TokenStream {
    if let Some(name) = &options.name {
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

/// The calls of the builder that set what was given, listeners aside.
fn settings(options: &BreakerOptions, fluxgate: &Runtime<'_>) -> TokenStream {
    let mut settings = TokenStream::new();
    let mut set = |method: &str, value: TokenStream| {
        let method = format_ident!("{method}");
        settings.extend(quote!(.#method(#value)));
    };
    if let Some(window) = &options.window {
        set("window", policies::window(window, fluxgate));
    }
    if let Some(tripper) = &options.tripper {
        set("tripper", policies::tripper(tripper, fluxgate));
    }
    if let Some(retry) = &options.retry {
        set("retry", policies::retry(retry, fluxgate));
    }
    if let Some(permit) = &options.permit {
        set("permit", policies::permit(permit, fluxgate));
    }
    let counts = [
        ("max_half_open_calls", &options.max_half_open_calls),
        ("close_after", &options.close_after),
        ("reopen_after", &options.reopen_after),
    ];
    for (method, count) in counts {
        if let Some(count) = count {
            set(method, policies::count(count, fluxgate));
        }
    }
    if let Some(lease) = &options.probe_lease {
        set("probe_lease", quote!(#lease));
    }
    if let Some(on_cancel) = &options.on_cancel {
        set("on_cancel", policies::on_cancel(on_cancel, fluxgate));
    }
    if let Some(SlowProbes { ident }) = &options.slow_probes {
        set("slow_probes", quote!(#fluxgate::SlowProbes::#ident));
    }
    if let Some(throttle) = &options.throttle {
        set("throttle", policies::throttle(throttle, fluxgate));
    }
    if let Some(durations) = &options.durations {
        set("durations", quote!(#durations));
    }
    settings
}
