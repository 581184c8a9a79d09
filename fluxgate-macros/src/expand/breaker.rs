//! The static that holds a breaker, and what builds it.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Attribute, Expr, Visibility};

use super::{Runtime, policies};
use crate::{
    args::{BreakerOptions, Handle, Options},
    doc,
    policy::{Count, PermitKind, Range, Ratio, RetryKind, Rule, Time, Window},
    words,
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
///             ::fluxgate::__private::link!(__FLUXGATE_BREAKER);
///             &__FLUXGATE_BREAKER
///         }
/// ```
///
/// In a block of its own, so that the function's body can't see it.
pub(super) fn reference(
    options: &Options,
    function: &Ident,
    associated: bool,
    fluxgate: &Runtime<'_>,
) -> TokenStream {
    if let Some(shared) = &options.shared {
        return match shared {
            Expr::Path(_) | Expr::Field(_) => quote!(&#shared),
            // A function that gives a reference: what it refers to.
            _ => quote!(&*#shared),
        };
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
    let item = hidden_static(&options.breaker, function, fluxgate);
    quote!({ #item &#hidden })
}

fn hidden_static(
    options: &BreakerOptions,
    function: &Ident,
    fluxgate: &Runtime<'_>,
) -> TokenStream {
    let hidden = hidden();
    let builder = builder(options, function, fluxgate);
    quote! {
        static #hidden: #fluxgate::StaticBreaker = #fluxgate::StaticBreaker::new(|| #builder);
        #fluxgate::__private::link!(#hidden);
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
    fluxgate: &Runtime<'_>,
) -> TokenStream {
    let ident = &handle.ident;
    let hidden = hidden();
    let item = hidden_static(options, function, fluxgate);
    let doc = format!("The circuit breaker of `{function}`.");
    quote! {
        #(#cfgs)*
        #[doc = #doc]
        #[must_use]
        #vis fn #ident() -> &'static #fluxgate::CircuitBreaker {
            #item
            &#hidden
        }
    }
}

/// One breaker of `breaker!`.
pub(crate) fn statics(
    attrs: &[Attribute],
    vis: &Visibility,
    ident: &Ident,
    options: &Options,
) -> TokenStream {
    let fluxgate = Runtime(options.krate.as_ref());
    let builder = builder(&options.breaker, ident, &fluxgate);
    let cfgs = attrs.iter().filter(|attr| attr.path().is_ident("cfg"));
    let is_documented = attrs.iter().any(|attr| attr.path().is_ident("doc"));
    let docs = (is_documented && options.docs != Some(false))
        .then(|| doc::of_breaker(&options.breaker))
        .into_iter();
    quote! {
        #(#attrs)*
        #(#[doc = #docs])*
        #vis static #ident: #fluxgate::StaticBreaker = #fluxgate::StaticBreaker::new(|| #builder);
        #(#cfgs)*
        #fluxgate::__private::link!(#ident);
    }
}

/// The settings that were given; the builder has the defaults.
fn builder(options: &BreakerOptions, item: &Ident, fluxgate: &Runtime<'_>) -> TokenStream {
    let name = match &options.name {
        Some(name) => {
            quote!(#name)
        }
        None => {
            let anchor = Ident::new("anchor", Span::mixed_site());
            let item = item.to_string();
            quote!({
                fn #anchor() {}
                #fluxgate::__private::default_name(&#anchor, #item)
            })
        }
    };
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
            set(method, quote!(#count));
        }
    }
    if let Some(lease) = &options.probe_lease {
        set("probe_lease", quote!(#lease));
    }
    if let Some(on_cancel) = &options.on_cancel {
        set("on_cancel", policies::on_cancel(on_cancel, fluxgate));
    }
    if let Some(durations) = &options.durations {
        set("durations", quote!(#durations));
    }
    let mut builder = quote!(#fluxgate::CircuitBreaker::builder(#name) #settings);
    for listener in options.listeners.iter().flatten() {
        builder = policies::listener(&builder, listener, fluxgate);
    }
    let checks = constants(options, fluxgate);
    if checks.is_empty() {
        builder
    } else {
        quote!({ #(#checks)* #builder })
    }
}

/// The constants in the rules, for the compiler to check.
fn constants(options: &BreakerOptions, fluxgate: &Runtime<'_>) -> Vec<TokenStream> {
    let mut checks = Checks {
        fluxgate,
        found: Vec::new(),
    };
    match options.window.as_ref() {
        Some(Window::Count { size, .. }) => checks.count(size),
        Some(Window::Time { duration, .. }) => checks.time(duration),
        Some(Window::Custom { .. }) | None => {}
    }
    if let Some(tripper) = &options.tripper {
        tripper.leaves(&mut |leaf| match &leaf.rule {
            Rule::MinRequests(count) | Rule::FailureStreak(count) => checks.count(count),
            Rule::FailureRate(ratio) => checks.ratio(ratio),
            Rule::AvgLatency(threshold) => checks.time(threshold),
            Rule::SlowRate { ratio, threshold } => {
                checks.ratio(ratio);
                checks.time(threshold);
            }
            Rule::Closed | Rule::HalfOpened | Rule::Custom(_) => {}
        });
    }
    match options.retry.as_ref().map(|retry| &retry.kind) {
        Some(RetryKind::Cooldown {
            duration,
            jitter_ratio,
        }) => {
            checks.time(duration);
            jitter_ratio.iter().for_each(|ratio| checks.ratio(ratio));
        }
        Some(RetryKind::Backoff(backoff)) => {
            checks.time(&backoff.initial);
            backoff
                .multiplier
                .iter()
                .for_each(|ratio| checks.ratio(ratio));
            backoff
                .max_duration
                .iter()
                .for_each(|time| checks.time(time));
            backoff
                .jitter_ratio
                .iter()
                .for_each(|ratio| checks.ratio(ratio));
        }
        _ => {}
    }
    match options.permit.as_ref().map(|permit| &permit.kind) {
        Some(PermitKind::Random(ratio)) => checks.ratio(ratio),
        Some(PermitKind::RampUp(ramp)) => {
            checks.ramp(&ramp.initial, &ramp.r#final);
            checks.time(&ramp.duration);
        }
        _ => {}
    }
    for count in [
        &options.max_half_open_calls,
        &options.close_after,
        &options.reopen_after,
    ]
    .into_iter()
    .flatten()
    {
        checks.count(count);
    }
    if let Some(lease) = &options.probe_lease {
        checks.time(lease);
    }
    checks.found
}

struct Checks<'a> {
    fluxgate: &'a Runtime<'a>,
    found: Vec<TokenStream>,
}

impl Checks<'_> {
    fn add(&mut self, span: Span, allowed: &TokenStream, message: &str) {
        let fluxgate = self.fluxgate;
        self.found.push(quote_spanned! {span=>
            const _: () = #fluxgate::__private::check(#allowed, #message);
        });
    }

    fn count(&mut self, count: &Count) {
        let (Some(expr), Some(limit)) = (count.expr(), count.range.limit()) else {
            return;
        };
        let fluxgate = self.fluxgate;
        let limit = format_ident!("{limit}");
        let expr = if count.range == Range::Count32 {
            quote!({ let value: u32 = #expr; value as u64 })
        } else {
            quote!(#expr)
        };
        let message = format!(
            "{} {}, but `{}` is not",
            count.what,
            count.range.words(),
            words::source(count.expr())
        );
        self.add(
            count.place.span(),
            &quote!(#fluxgate::__private::limits::#limit(#expr)),
            &message,
        );
    }

    fn ratio(&mut self, ratio: &Ratio) {
        let (Some(expr), Some(limit)) = (ratio.expr(), ratio.range.limit()) else {
            return;
        };
        let fluxgate = self.fluxgate;
        let limit = format_ident!("{limit}");
        let message = format!(
            "{} {}, but `{}` is not",
            ratio.what,
            ratio.range.words(),
            words::source(ratio.expr())
        );
        self.add(
            ratio.place.span(),
            &quote!(#fluxgate::__private::limits::#limit(#expr)),
            &message,
        );
    }

    fn time(&mut self, time: &Time) {
        let Some(expr) = time.constant() else { return };
        let fluxgate = self.fluxgate;
        let message = format!(
            "{} must be greater than zero, but `{}` is not",
            time.what,
            words::source(Some(expr))
        );
        self.add(
            time.place.span(),
            &quote!(#fluxgate::__private::limits::duration(#expr)),
            &message,
        );
    }

    fn ramp(&mut self, initial: &Ratio, r#final: &Ratio) {
        let unknown = [initial, r#final]
            .into_iter()
            .find(|ratio| ratio.known.is_none());
        let Some(unknown) = unknown else { return };
        let fluxgate = self.fluxgate;
        let message = format!(
            "the ratios of `RampUp` must satisfy 0 < initial <= final <= 1, but `{}` does not",
            words::source(unknown.expr())
        );
        self.add(
            unknown.place.span(),
            &quote!(#fluxgate::__private::limits::ramp(#initial, #r#final)),
            &message,
        );
    }
}
