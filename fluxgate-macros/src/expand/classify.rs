//! The classification of results, as an expression.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Expr, Type, spanned::Spanned};

use super::{Runtime, respanned};
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
///             .failure_if(is_stale)
///
/// Input:  classify = fluxgate::http::classify
/// Output: ….classification().classify(fluxgate::http::classify)
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
        quote!(#fluxgate::__private::Returning::<#erased>::new().classification())
    };
    let (tracker, failure_if) = match classification {
        ClassifiedBy::Classifier(classify) => {
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
        Matched::Custom(closure @ Expr::Closure(_)) => {
            quote!(#fluxgate::__private::ask(#error, #closure))
        }
        Matched::Custom(tracker) => {
            quote!(#fluxgate::tracker::Tracker::tracks(&(#tracker), #error))
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
