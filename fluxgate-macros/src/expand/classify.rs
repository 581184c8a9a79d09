//! The classification of results, as an expression.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Expr, Type, spanned::Spanned};

use super::{Place, Runtime, asks, respanned};
use crate::{
    item::return_type,
    policy::{Formula, Matched, TrackerFormula},
    validate::validated::ClassifiedBy,
};

/// Writes what says which results are failures.
///
/// ```text
/// Input:  (none)
/// Output: ::fluxgate::__private::Returning::<Result<Quote, Error>>::new().classification()
///             .by_classify()
///
/// Input:  tracker = TypeOf(io::Error), failure_if = is_stale
/// Output: ::fluxgate::__private::Returning::<Result<Quote, Error>>::new().classification()
///             .tracker(|error: &_| ::fluxgate::__private::Probe::new(error).holds::<io::Error>())
///             .failure_if(|asked: &_| ::fluxgate::__private::ask(asked, &is_stale))
///
/// Input:  classify = fluxgate::http::classify
/// Output: ….classification()
///             .classify(|asked: &_| ::fluxgate::__private::judge(asked, &fluxgate::http::classify))
/// ```
pub(super) fn judge(
    classification: &ClassifiedBy,
    output: &Type,
    fluxgate: &Runtime<'_>,
) -> TokenStream {
    let (erased, _) = return_type::erase(output);
    let mut judge = if return_type::is_unknown(&erased) {
        quote!(#fluxgate::__private::Classification::<#fluxgate::__private::Plain<#erased>>::new())
    } else {
        // Errors about it stand at the return type.
        let place = erased.span().resolved_at(Span::mixed_site());
        let private = respanned(quote!(#fluxgate::__private), place);
        quote_spanned!(place=> #private::Returning::<#erased>::new().classification())
    };
    let (tracker, failure_if) = match classification {
        ClassifiedBy::Classifier(classify) => {
            let classify = asks(classify, "judge", fluxgate);
            judge.extend(quote!(.classify(#classify)));
            return judge;
        }
        ClassifiedBy::Tracker {
            tracker,
            failure_if,
        } => (tracker, failure_if),
    };
    match tracker {
        None => judge.extend(quote!(.by_classify())),
        // It is the judge's own.
        Some(Formula::Leaf(Matched::All)) => {}
        Some(tracker) => {
            let error = Ident::new("error", Span::mixed_site());
            let condition = condition(tracker, &error, fluxgate);
            judge.extend(quote!(.tracker(|#error: &_| #condition)));
        }
    }
    if let Some(predicate) = failure_if {
        let predicate = asks(predicate, "ask", fluxgate);
        judge.extend(quote!(.failure_if(#predicate)));
    }
    judge
}

/// Writes the tracker as a condition on `error`, which is a reference.
fn condition(tracker: &TrackerFormula, error: &Ident, fluxgate: &Runtime<'_>) -> TokenStream {
    let part = |part: &TrackerFormula| {
        let tokens = condition(part, error, fluxgate);
        quote!((#tokens))
    };
    match tracker {
        Formula::Leaf(leaf) => matched(leaf, error, fluxgate),
        Formula::All(parts) => {
            let parts = parts.iter().map(part);
            quote!(#(#parts)&&*)
        }
        Formula::Any(parts) => {
            let parts = parts.iter().map(part);
            quote!(#(#parts)||*)
        }
    }
}

fn matched(leaf: &Matched, error: &Ident, fluxgate: &Runtime<'_>) -> TokenStream {
    match leaf {
        Matched::All => quote!(true),
        Matched::TypeOf(types) => {
            let found = types.iter().map(|ty| {
                // Errors about what is looked into stand at what is looked for.
                let place = ty.span().resolved_at(Span::mixed_site());
                let probe = respanned(quote!(#fluxgate::__private::Probe::new(#error)), place);
                quote_spanned!(place=> #probe.holds::<#ty>())
            });
            quote!(#(#found)||*)
        }
        Matched::Custom(tracker) => {
            let place = Place::of(tracker);
            let error = Ident::new(&error.to_string(), place.first);
            let function = match tracker {
                Expr::Closure(_) => "ask",
                _ => "track",
            };
            place.call(fluxgate, function, &error, &place.borrowed(tracker))
        }
        Matched::Matches { pattern, guard } => {
            let guard = guard.iter();
            quote!(::core::matches!(#error, #pattern #(if #guard)*))
        }
        Matched::Not(inner) => {
            let inner = condition(inner, error, fluxgate);
            quote!(!(#inner))
        }
    }
}
