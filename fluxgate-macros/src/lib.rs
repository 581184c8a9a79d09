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

/// Protects a function with a circuit breaker.
///
/// Every key is optional:
///
/// - the breaker: `name`, `window`, `tripper`, `retry`, `permit`,
///   `max_half_open_calls`, `close_after`, `reopen_after`, `probe_lease`, `on_cancel`,
///   `slow_probes`, `throttle`, `durations`, `listeners`, `max_keys`, `max_labels`, `key_type`;
/// - the function: `tracker`, `failure_if`, `classify`, `fallback`, `map_rejection`,
///   `key`, `handle`, and `breaker` for one that is defined elsewhere;
/// - the expansion: `docs`, `crate`.
///
/// Windows are `CountWindow(100)` and `TimeWindow(60s)`; trippers `FailureStreak(5)`,
/// `MinRequests(20) & FailureRate(0.5)`, `SlowRate(0.3, threshold = 1s)`,
/// `AvgLatency(500ms)` and `InFlight(10, older_than = 2s)`; retries `Cooldown(60s)`,
/// `Backoff(initial = 10s)`, `Always` and `Never`; permits `RampUp(0.1, 1.0, 60s)`,
/// `Random(0.2)` and `All`; trackers `TypeOf(Error)`, `Matches(pattern)` and `All`;
/// listeners `LogListener`, `PrometheusListener` and `SlackListener(…)`. Each but the
/// listeners has `Custom(…)` for one of your own.
///
#[doc = include_str!("docs/circuit_breaker.md")]
#[proc_macro_attribute]
pub fn circuit_breaker(args: TokenStream, item: TokenStream) -> TokenStream {
    attribute(args.into(), &item.into()).into()
}

/// Defines circuit breakers that several functions share:
/// `breaker! { pub static PAYMENTS = { tripper = FailureStreak(5) }; }`.
///
#[doc = include_str!("docs/breaker.md")]
#[proc_macro]
pub fn breaker(input: TokenStream) -> TokenStream {
    item::breaker_macro::expand(input.into()).into()
}

/// Says what each variant of an error means for a circuit breaker.
///
#[doc = include_str!("docs/classify.md")]
#[proc_macro_derive(Classify, attributes(outcome))]
pub fn classify(input: TokenStream) -> TokenStream {
    derive::classify(input.into()).into()
}

fn attribute(
    args: proc_macro2::TokenStream,
    item: &proc_macro2::TokenStream,
) -> proc_macro2::TokenStream {
    let expanded = syn::parse2::<item::function::Target>(item.clone())
        .map_err(|error| item::function::not_a_function(item).unwrap_or(error))
        .and_then(|target| validate::validated::Protected::new(args, target));
    match expanded {
        Ok(protected) => expand::function(&protected),
        Err(error) => {
            let error = error.into_compile_error();
            quote::quote!(#error #item)
        }
    }
}
