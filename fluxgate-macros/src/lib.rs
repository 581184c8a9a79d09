//! The macros of [fluxgate](../fluxgate/index.html), the circuit breaker; use them
//! through that crate.
#![allow(
    clippy::large_enum_variant,
    reason = "an attribute makes a handful of them"
)]

mod analysis;
mod derive;
mod describe;
mod expand;
mod item;
mod policy;
mod settings;
mod suggest;
#[cfg(test)]
mod tests;
mod tokens;
mod validate;

use proc_macro::TokenStream;
use proc_macro2::{Span, TokenStream as TokenStream2};
use quote::quote;

use item::{breaker_macro::ParsedBreakers, function::ParsedFunction};
use settings::{ItemSettings, Site};
use tokens::errors::{ErrorList, Reported};

/// Protects a function with a circuit breaker.
///
/// Every key is optional:
///
/// - the breaker: `name`, `window`, `tripper`, `retry`, `permit`,
///   `max_half_open_calls`, `close_after`, `reopen_after`, `probe_lease`, `on_cancel`,
///   `slow_probes`, `throttle`, `fleet`, `durations`, `initial_state`, `settings`,
///   `flight_recorder`, `listeners`, `max_keys`, `max_labels`, `key_type`;
/// - the function: `tracker`, `failure_if`, `classify`, `failure_texts`, `fallback`,
///   `map_rejection`, `key`, `handle`, and `breaker` for one that is defined elsewhere;
/// - the expansion: `docs`, `crate`.
///
/// Windows are `CountWindow(100)` and `TimeWindow(60s)`; trippers `FailureStreak(5)`,
/// `MinRequests(20) & FailureRate(0.5)`, `SlowRate(0.3, threshold = 1s)`,
/// `AvgLatency(500ms)` and `InFlight(10, older_than = 2s)`; retries `Cooldown(60s)`,
/// `Backoff(initial = 10s)`, `Always` and `Never`; permits `RampUp(0.1, 1.0, 60s)`,
/// `Random(0.2)` and `All`; the throttle `Adaptive(k = 1.5)`; trackers `TypeOf(Error)`,
/// `Matches(pattern)` and `All`; listeners `LogListener`, `PrometheusListener`,
/// `MetricsListener`, `OpenTelemetryListener` and `SlackListener(…)`. Each but
/// throttle and listeners has `Custom(…)` for one of your own.
///
#[doc = include_str!("docs/circuit_breaker.md")]
#[proc_macro_attribute]
pub fn circuit_breaker(args: TokenStream, item: TokenStream) -> TokenStream {
    protect(args.into(), item.into()).into()
}

/// Defines circuit breakers that several functions share:
/// `breaker! { pub static PAYMENTS = { tripper = FailureStreak(5) }; }`.
///
#[doc = include_str!("docs/breaker.md")]
#[proc_macro]
pub fn breaker(input: TokenStream) -> TokenStream {
    define(input.into()).into()
}

/// Says what each variant of an error means for a circuit breaker.
///
#[doc = include_str!("docs/classify.md")]
#[proc_macro_derive(Classify, attributes(outcome))]
pub fn classify(input: TokenStream) -> TokenStream {
    derive::classify(input.into()).into()
}

fn protect(args: TokenStream2, item: TokenStream2) -> TokenStream2 {
    let function = match ParsedFunction::parse(&item) {
        Ok(function) => function,
        Err(error) => return with_error(error, &item),
    };
    let source = UnreadSettings {
        settings: args,
        site: Site::Function,
        end: Span::call_site(),
    };
    pipeline(
        source,
        |_| item,
        |settings, errors| validate::function(function, settings, errors),
        expand::function,
    )
}

fn define(input: TokenStream2) -> TokenStream2 {
    let breakers = match syn::parse2::<ParsedBreakers>(input) {
        Ok(ParsedBreakers(breakers)) => breakers,
        Err(error) => return error.into_compile_error(),
    };
    let expanded = breakers.iter().map(|item| {
        let source = UnreadSettings {
            settings: item.settings.clone(),
            site: Site::Breaker,
            end: item.end,
        };
        pipeline(
            source,
            |settings| expand::breaker(&validate::stand_in(item, settings)),
            |settings, errors| validate::breaker(item, settings, errors),
            expand::breaker,
        )
    });
    expanded.collect()
}

/// The settings of one item, not read yet.
struct UnreadSettings {
    settings: TokenStream2,
    site: Site,
    end: Span,
}

/// Takes an item that was parsed through the other stages: reads its settings,
/// validates both together, and expands what they mean. Errors of all stages are
/// reported together, with `stand_in` in place of the expansion.
fn pipeline<V>(
    source: UnreadSettings,
    stand_in: impl FnOnce(&ItemSettings) -> TokenStream2,
    validate: impl FnOnce(ItemSettings, &ErrorList) -> Result<V, Reported>,
    expand: impl FnOnce(&V) -> TokenStream2,
) -> TokenStream2 {
    let errors = ErrorList::default();
    let given = source.settings.clone();
    let settings = ItemSettings::parse(source.settings, source.site, source.end, &errors);
    let krate = settings.krate.clone();
    let stand_in = stand_in(&settings);
    let validated = validate(settings, &errors);
    match errors.finish(validated) {
        Ok(validated) => expand(&validated),
        Err(error) => {
            // Ahead of the error, whose tokens stand at the same place.
            let completion = expand::completion(&given, krate.as_ref());
            let error = with_error(error, &stand_in);
            quote!(#completion #error)
        }
    }
}

fn with_error(error: syn::Error, item: &TokenStream2) -> TokenStream2 {
    let error = error.into_compile_error();
    quote!(#error #item)
}
