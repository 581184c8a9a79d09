//! Policies, written as calls of the constructors they stand for. Their names keep the
//! spans they were written with, so that an editor leads from them to the
//! runtime's items.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Expr, spanned::Spanned};

use super::{Runtime, respanned};
use crate::policy::{
    Formula, Leaf, ParsedAdaptive, ParsedListener, ParsedOnCancel, ParsedPermit, ParsedRetry,
    ParsedRule, ParsedThrottle, ParsedWindow, PermitKind, Ratio, RetryKind, Slack, ThrottleKind,
    TripperFormula, WholeNumber, value::constant::is_literal,
};
use crate::settings::ParsedFleet;

/// Writes `Custom`, whose `from_fn` gives a closure the types of its arguments.
fn custom(path: &TokenStream, expr: &Expr) -> TokenStream {
    if let Expr::Closure(_) = expr {
        quote!(#path::from_fn(#expr))
    } else {
        quote!(#path::new(#expr))
    }
}

/// Writes a number of any type of integer, where the runtime takes one type.
pub(super) fn count(count: &WholeNumber, fluxgate: &Runtime<'_>) -> TokenStream {
    number(count.expr(), "count", fluxgate).unwrap_or_else(|| count.to_token_stream())
}

fn ratio(ratio: &Ratio, fluxgate: &Runtime<'_>) -> TokenStream {
    number(ratio.expr(), "ratio", fluxgate).unwrap_or_else(|| ratio.to_token_stream())
}

fn number(expr: Option<&Expr>, by: &str, fluxgate: &Runtime<'_>) -> Option<TokenStream> {
    let expr = expr.filter(|expr| !is_literal(expr))?;
    Some(made(expr, by, fluxgate))
}

/// Passes what an expression gives through a function of the runtime. Errors about it
/// stand at the expression.
fn made(expr: &Expr, by: &str, fluxgate: &Runtime<'_>) -> TokenStream {
    let place = expr.span().resolved_at(Span::mixed_site());
    let by = Ident::new(by, place);
    let by = respanned(quote!(#fluxgate::__private::#by), place);
    quote_spanned!(place=> #by(#expr))
}

pub(super) fn window(window: &ParsedWindow, fluxgate: &Runtime<'_>) -> TokenStream {
    match window {
        ParsedWindow::Count { ident, size } => {
            let size = count(size, fluxgate);
            quote!(#fluxgate::window::#ident::new(#size))
        }
        ParsedWindow::Time {
            ident,
            duration,
            slots,
        } => {
            let slots = slots.iter().map(|slots| count(slots, fluxgate));
            quote!(#fluxgate::window::#ident::new(#duration)#(.slots(#slots))*)
        }
        ParsedWindow::InCode(expr) => made(expr, "window", fluxgate),
        ParsedWindow::Custom { ident, window } => quote!(#fluxgate::window::#ident::new(#window)),
    }
}

pub(super) fn tripper(tripper: &TripperFormula, fluxgate: &Runtime<'_>) -> TokenStream {
    match tripper {
        Formula::Leaf(leaf) => rule(leaf, fluxgate),
        Formula::All(parts) => {
            let parts = parts.iter().map(|part| tripper_part(part, fluxgate));
            quote!(#(#parts)&*)
        }
        Formula::Any(parts) => {
            let parts = parts.iter().map(|part| tripper_part(part, fluxgate));
            quote!(#(#parts)|*)
        }
    }
}

fn tripper_part(part: &TripperFormula, fluxgate: &Runtime<'_>) -> TokenStream {
    let tokens = tripper(part, fluxgate);
    if let Formula::Leaf(_) = part {
        tokens
    } else {
        quote!((#tokens))
    }
}

fn rule(leaf: &Leaf, fluxgate: &Runtime<'_>) -> TokenStream {
    let ident = &leaf.ident;
    let path = quote!(#fluxgate::tripper::#ident);
    match &leaf.rule {
        ParsedRule::Closed | ParsedRule::HalfOpened => path,
        ParsedRule::MinRequests(calls) | ParsedRule::FailureStreak(calls) => {
            let calls = count(calls, fluxgate);
            quote!(#path::new(#calls))
        }
        ParsedRule::FailureRate(part) => {
            let part = ratio(part, fluxgate);
            quote!(#path::new(#part))
        }
        ParsedRule::AvgLatency(threshold) => quote!(#path::new(#threshold)),
        ParsedRule::InFlight {
            count: calls,
            older_than,
        } => {
            let calls = count(calls, fluxgate);
            quote!(#path::new(#calls, #older_than))
        }
        ParsedRule::SlowRate {
            ratio: part,
            threshold,
        } => {
            let part = ratio(part, fluxgate);
            quote!(#path::new(#part, #threshold))
        }
        ParsedRule::Custom(expr) => custom(&path, expr),
        ParsedRule::InCode(expr) => made(expr, "rule", fluxgate),
    }
}

pub(super) fn retry(retry: &ParsedRetry, fluxgate: &Runtime<'_>) -> TokenStream {
    let ident = &retry.ident;
    let path = quote!(#fluxgate::retry::#ident);
    match &retry.kind {
        RetryKind::Never | RetryKind::Always => path,
        RetryKind::Cooldown {
            duration,
            jitter_ratio,
        } => {
            let jitter = jitter_ratio.iter().map(|part| ratio(part, fluxgate));
            quote!(#path::new(#duration)#(.jitter_ratio(#jitter))*)
        }
        RetryKind::Backoff(backoff) => {
            let initial = &backoff.initial;
            let multiplier = backoff.multiplier.iter().map(|by| ratio(by, fluxgate));
            let max_duration = backoff.max_duration.iter();
            let jitter = backoff
                .jitter_ratio
                .iter()
                .map(|part| ratio(part, fluxgate));
            quote! {
                #path::new(#initial)
                    #(.multiplier(#multiplier))*
                    #(.max_duration(#max_duration))*
                    #(.jitter_ratio(#jitter))*
            }
        }
        RetryKind::Custom(expr) => custom(&path, expr),
        RetryKind::InCode(expr) => expr.to_token_stream(),
    }
}

pub(super) fn permit(permit: &ParsedPermit, fluxgate: &Runtime<'_>) -> TokenStream {
    let ident = &permit.ident;
    let path = quote!(#fluxgate::permit::#ident);
    match &permit.kind {
        PermitKind::All => path,
        PermitKind::Random(part) => {
            let part = ratio(part, fluxgate);
            quote!(#path::new(#part))
        }
        PermitKind::RampUp(ramp) => {
            let initial = ratio(&ramp.initial, fluxgate);
            let r#final = ratio(&ramp.r#final, fluxgate);
            let duration = &ramp.duration;
            quote!(#path::new(#initial, #r#final, #duration))
        }
        PermitKind::Custom(expr) => custom(&path, expr),
        PermitKind::InCode(expr) => expr.to_token_stream(),
    }
}

pub(super) fn throttle(throttle: &ParsedThrottle, fluxgate: &Runtime<'_>) -> TokenStream {
    let ident = &throttle.ident;
    match &throttle.kind {
        ThrottleKind::Adaptive(ParsedAdaptive {
            k,
            window,
            min,
            floor,
        }) => {
            let k = ratio(k, fluxgate);
            let window = window.iter();
            let min = min.iter().map(|min| count(min, fluxgate));
            let floor = floor.iter().map(|floor| ratio(floor, fluxgate));
            quote! {
                #fluxgate::throttle::#ident::new(#k)
                    #(.window(#window))*
                    #(.min(#min))*
                    #(.floor(#floor))*
            }
        }
        ThrottleKind::InCode(expr) => expr.to_token_stream(),
    }
}

pub(super) fn fleet(fleet: &ParsedFleet, fluxgate: &Runtime<'_>) -> TokenStream {
    let ParsedFleet {
        ident,
        suspect,
        probes,
        lease,
    } = fleet;
    let suspect = suspect.iter().map(|rule| tripper(rule, fluxgate));
    let probes = probes.iter().map(|probes| count(probes, fluxgate));
    let lease = lease.iter();
    // Where the feature is off, that is said at the name.
    let place = ident.span().resolved_at(Span::mixed_site());
    let fluxgate = respanned(fluxgate.to_token_stream(), place);
    quote_spanned! {place=>
        #fluxgate::__private::fleet!([#ident]
            #(.suspect(#suspect))*
            #(.probes(#probes))*
            #(.lease(#lease))*
        )
    }
}

pub(super) fn on_cancel(on_cancel: &ParsedOnCancel, fluxgate: &Runtime<'_>) -> TokenStream {
    let ident = &on_cancel.ident;
    let least = on_cancel.least.iter();
    quote!(#fluxgate::OnCancel::#ident #((#least))*)
}

/// Writes the method of the builder that adds the listener.
pub(super) fn listener(listener: &ParsedListener, fluxgate: &Runtime<'_>) -> TokenStream {
    // Where a feature is off the macro says so, at the listener's name.
    let known = |name: &Ident, by: &str, arguments: TokenStream| {
        let place = name.span().resolved_at(Span::mixed_site());
        let fluxgate = respanned(fluxgate.to_token_stream(), place);
        let by = Ident::new(by, place);
        quote_spanned!(place=> #fluxgate::__private::#by!(#name #arguments))
    };
    match listener {
        ParsedListener::Log(ident) => {
            let made = known(ident, "log_listener", TokenStream::new());
            quote!(.listener(#made))
        }
        ParsedListener::Exporter(exporter) => {
            let target = exporter.target.iter();
            let name = format_ident!("{}", exporter.kind.target);
            let made = known(
                &exporter.ident,
                exporter.kind.made_by,
                quote!(#(#name = #target)*),
            );
            quote!(.listener(#made))
        }
        ParsedListener::Slack(slack) => {
            let Slack {
                ident,
                channel,
                token,
                url,
                rest,
            } = &**slack;
            let (token, url) = (token.iter(), url.iter());
            let rest = rest.iter().map(|(name, value)| {
                let name = format_ident!("{name}");
                quote!(, #name = #value)
            });
            let made = known(
                ident,
                "slack_listener",
                quote!(channel = #channel #(, token = #token)* #(, url = #url)* #(#rest)*),
            );
            quote!(.try_listener("SlackListener", #made))
        }
        ParsedListener::Closure(closure) => {
            // Errors about it stand there.
            let place = closure.span().resolved_at(Span::mixed_site());
            let by = if gives_a_future(closure) {
                "async_listener_fn"
            } else {
                "listener_fn"
            };
            let by = Ident::new(by, place);
            let by = respanned(quote!(#fluxgate::__private::#by), place);
            quote_spanned!(place=> .listener(#by(#closure)))
        }
        ParsedListener::Any(expr) => quote!(.listener(#expr)),
    }
}

/// Returns whether it is `async |signal| …` or `|signal| async …`.
fn gives_a_future(closure: &Expr) -> bool {
    match closure {
        Expr::Closure(closure) => {
            closure.asyncness.is_some() || matches!(&*closure.body, Expr::Async(_))
        }
        _ => false,
    }
}
