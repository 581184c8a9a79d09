//! Checks of constants in settings: their values are only known to the compiler, and so it
//! is the compiler that checks them.
//!
//! ```text
//! Input:  tripper = FailureRate(RATIO)
//! Output: const _: () = ::fluxgate::__private::check(
//!             ::fluxgate::__private::bounds::ratio(RATIO),
//!             "the ratio of `FailureRate` must be …, but `RATIO` is not",
//!         );
//! ```

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::Expr;

use super::{Runtime, respanned};
use crate::{
    describe::words,
    policy::{
        ParsedAdaptive, ParsedBackoff, ParsedRule, ParsedWindow, PermitKind, Ratio, RetryKind,
        ThrottleKind, Time, TripperFormula, WholeNumber, value::constant::is_literal,
    },
    settings::BreakerSettings,
};

/// Writes a check for each constant.
pub(super) fn checks(
    settings: &BreakerSettings,
    max_keys: Option<&WholeNumber>,
    fluxgate: &Runtime<'_>,
) -> Vec<TokenStream> {
    let mut checks = Checks {
        fluxgate,
        found: Vec::new(),
    };
    match &settings.window {
        Some(ParsedWindow::Count { size, .. }) => checks.count(size),
        Some(ParsedWindow::Time {
            duration, slots, ..
        }) => {
            checks.time(duration);
            if let Some(slots) = slots {
                checks.count(slots);
            }
        }
        Some(ParsedWindow::Custom { .. } | ParsedWindow::InCode(_)) | None => {}
    }
    checks.rules(settings);
    match settings.retry.as_ref().map(|retry| &retry.kind) {
        Some(RetryKind::Cooldown {
            duration,
            jitter_ratio,
        }) => {
            checks.time(duration);
            checks.ratios(jitter_ratio.as_ref());
        }
        Some(RetryKind::Backoff(backoff)) => checks.backoff(backoff),
        _ => {}
    }
    match settings.permit.as_ref().map(|permit| &permit.kind) {
        Some(PermitKind::Random(ratio)) => checks.ratio(ratio),
        Some(PermitKind::RampUp(ramp)) => {
            checks.ramp(&ramp.initial, &ramp.r#final);
            checks.time(&ramp.duration);
        }
        _ => {}
    }
    if let Some(ThrottleKind::Adaptive(adaptive)) =
        settings.throttle.as_ref().map(|throttle| &throttle.kind)
    {
        checks.adaptive(adaptive);
    }
    let counts = [
        settings.max_half_open_calls.as_ref(),
        settings.close_after.as_ref(),
        settings.reopen_after.as_ref(),
        settings.flight_recorder.as_ref(),
        max_keys,
    ];
    for count in counts.into_iter().flatten() {
        checks.count(count);
    }
    if let Some(lease) = &settings.probe_lease {
        checks.time(lease);
    }
    checks.found
}

struct Checks<'a> {
    fluxgate: &'a Runtime<'a>,
    found: Vec<TokenStream>,
}

impl Checks<'_> {
    /// Writes a check. Its error points at the constant: every token has its place.
    fn check(&mut self, span: Span, allowed: &TokenStream, message: &str) {
        let fluxgate = respanned(self.fluxgate.to_token_stream(), span);
        self.found.push(quote_spanned! {span=>
            const _: () = #fluxgate::__private::check(#allowed, #message);
        });
    }

    /// Checks a value with a function of `bounds`.
    fn bound(&mut self, span: Span, bound: &str, value: &impl ToTokens, message: &str) {
        let fluxgate = self.fluxgate;
        let bound = format_ident!("{bound}");
        let allowed = quote!(#fluxgate::__private::bounds::#bound(#value));
        self.check(span, &allowed, message);
    }

    fn rules(&mut self, settings: &BreakerSettings) {
        if let Some(tripper) = &settings.tripper {
            self.formula(tripper, settings);
        }
        let Some(fleet) = &settings.fleet else { return };
        if let Some(suspect) = &fleet.suspect {
            self.formula(suspect, settings);
        }
        if let Some(probes) = &fleet.probes {
            self.count(probes);
        }
        if let Some(lease) = &fleet.lease {
            self.time(lease);
        }
    }

    fn formula(&mut self, formula: &TripperFormula, settings: &BreakerSettings) {
        formula.leaves(&mut |leaf| match &leaf.rule {
            ParsedRule::MinRequests(count) => {
                self.count(count);
                self.fits(count, settings.window.as_ref());
            }
            ParsedRule::FailureStreak(count) => self.count(count),
            ParsedRule::FailureRate(ratio) => self.ratio(ratio),
            ParsedRule::AvgLatency(threshold) => self.time(threshold),
            ParsedRule::InFlight { count, older_than } => {
                self.count(count);
                self.time(older_than);
            }
            ParsedRule::SlowRate { ratio, threshold } => {
                self.ratio(ratio);
                self.time(threshold);
            }
            ParsedRule::Closed
            | ParsedRule::HalfOpened
            | ParsedRule::Custom(_)
            | ParsedRule::InCode(_) => {}
        });
    }

    fn count(&mut self, count: &WholeNumber) {
        let (Some(expr), Some(bound)) = (count.constant(), count.limits.bound()) else {
            return;
        };
        let source = words::source(Some(expr));
        let message = format!(
            "{} {}, but `{source}` is not",
            count.what,
            count.limits.words()
        );
        let value = self.integer(count);
        self.bound(count.place.span(), bound, &value, &message);
    }

    /// Checks that `MinRequests` is within the count window.
    fn fits(&mut self, count: &WholeNumber, window: Option<&ParsedWindow>) {
        let is_constant = |count: &WholeNumber| count.known.is_some() || count.constant().is_some();
        if !is_constant(count) {
            return;
        }
        let (size, text) = match window {
            None => (quote!(100), "100".to_owned()),
            Some(ParsedWindow::Count { size, .. })
                if is_constant(size) && (size.known.is_none() || count.known.is_none()) =>
            {
                (self.integer(size), words::count(size))
            }
            Some(_) => return,
        };
        let unknown = match (count.constant(), window) {
            (Some(_), _) => count,
            (None, Some(ParsedWindow::Count { size, .. })) => size,
            (None, _) => return,
        };
        let given = words::count(count);
        let count = self.integer(count);
        self.check(
            unknown.place.span(),
            &quote!(#count <= #size),
            &format!(
                "`MinRequests({given})` can never hold: `CountWindow({text})` keeps the last \
                 {text} calls, and {given} is more"
            ),
        );
    }

    fn ratios(&mut self, ratio: Option<&Ratio>) {
        if let Some(ratio) = ratio {
            self.ratio(ratio);
        }
    }

    fn ratio(&mut self, ratio: &Ratio) {
        let (Some(expr), Some(limits)) = (ratio.constant(), ratio.limits) else {
            return;
        };
        let source = words::source(Some(expr));
        let message = format!("{} {}, but `{source}` is not", ratio.what, limits.words());
        self.bound(ratio.place.span(), limits.bound(), &real(ratio), &message);
    }

    fn time(&mut self, time: &Time) {
        let Some(expr) = time.constant() else { return };
        let source = words::source(Some(expr));
        let message = format!(
            "{} must be greater than zero, but `{source}` is not",
            time.what
        );
        self.bound(time.place.span(), "duration", expr, &message);
    }

    fn adaptive(&mut self, adaptive: &ParsedAdaptive) {
        self.ratio(&adaptive.k);
        self.ratios(adaptive.floor.as_ref());
        if let Some(min) = &adaptive.min {
            self.count(min);
        }
        let window = adaptive.window.as_ref();
        if let Some((window, expr)) = window.and_then(|window| Some((window, window.constant()?))) {
            let source = words::source(Some(expr));
            let message = format!(
                "{} must be from 2s to 2min, but `{source}` is not",
                window.what
            );
            self.bound(window.place.span(), "throttle_window", expr, &message);
        }
    }

    fn backoff(&mut self, backoff: &ParsedBackoff) {
        self.time(&backoff.initial);
        self.ratios(backoff.multiplier.as_ref());
        self.ratios(backoff.jitter_ratio.as_ref());
        let default = Time::secs(300);
        let most = backoff.max_duration.as_ref();
        if let Some(most) = most {
            self.time(most);
        }
        let (initial, most) = (&backoff.initial, most.unwrap_or(&default));
        let is_constant = |time: &Time| time.known.is_some() || time.constant().is_some();
        let unknown = [most, initial]
            .into_iter()
            .find(|time| time.known.is_none());
        let Some(unknown) = unknown.filter(|_| is_constant(initial) && is_constant(most)) else {
            return;
        };
        let message = format!(
            "the max_duration of `Backoff` must be at least its initial duration, but {} is less \
             than {}",
            words::time(most),
            words::time(initial)
        );
        self.check(
            unknown.place.span(),
            &quote!((#initial).as_nanos() <= (#most).as_nanos()),
            &message,
        );
    }

    fn ramp(&mut self, initial: &Ratio, r#final: &Ratio) {
        let unknown = [initial, r#final]
            .into_iter()
            .find(|ratio| ratio.known.is_none());
        let is_constant = |ratio: &Ratio| ratio.known.is_some() || ratio.constant().is_some();
        let Some(unknown) = unknown.filter(|_| is_constant(initial) && is_constant(r#final)) else {
            return;
        };
        let fluxgate = self.fluxgate;
        let message = format!(
            "the ratios of `RampUp` must satisfy 0 < initial <= final <= 1, but `{}` does not",
            words::source(unknown.expr())
        );
        self.check(
            unknown.place.span(),
            &{
                let (initial, r#final) = (real(initial), real(r#final));
                quote!(#fluxgate::__private::bounds::ramp(#initial, #r#final))
            },
            &message,
        );
    }

    /// Writes a constant of any type of integer, for comparisons.
    fn integer(&self, count: &WholeNumber) -> TokenStream {
        let fluxgate = self.fluxgate;
        match cast(count.expr(), "i128") {
            Some(value) => quote!(#fluxgate::__private::bounds::whole(#value)),
            None => count.to_token_stream(),
        }
    }
}

/// Writes a constant of any type of number.
fn real(ratio: &Ratio) -> TokenStream {
    cast(ratio.expr(), "f64").unwrap_or_else(|| ratio.to_token_stream())
}

/// Casts a name of our own, so that no lint looks at it.
fn cast(expr: Option<&Expr>, to: &str) -> Option<TokenStream> {
    let expr = expr.filter(|expr| !is_literal(expr))?;
    let to = Ident::new(to, Span::mixed_site());
    let value = Ident::new("value", Span::mixed_site());
    Some(quote!({ let #value = #expr; #value as #to }))
}
