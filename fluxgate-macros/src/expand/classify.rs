//! What counts as a failure, as an expression.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::{Expr, Type};

use super::Runtime;
use crate::{
    item::return_type,
    policy::{Formula, Matched, Tracker},
    settings::Options,
};

/// ```text
/// Input:  tracker = TypeOf(io::Error), failure_if = is_stale
/// Output: ::fluxgate::__private::Returning::<Result<Quote, Error>>::new().judge()
///             .tracker(|error: &_| ::fluxgate::__private::Probe::new(error).holds::<io::Error>())
///             .failure_if(is_stale)
///
/// Input:  classify = fluxgate::http::classify
/// Output: ….judge().classify(fluxgate::http::classify)
/// ```
pub(super) fn judge(options: &Options, output: &Type, fluxgate: &Runtime<'_>) -> TokenStream {
    let (erased, has_impl) = return_type::erase(output);
    let mut judge = match (has_impl, return_type::result_parts(&erased)) {
        (false, _) => quote!(#fluxgate::__private::Returning::<#erased>::new().judge()),
        (true, Some((value, error))) => {
            quote!(#fluxgate::__private::returned::<#value, #error>())
        }
        (true, None) => {
            quote!(#fluxgate::__private::Judge::<#fluxgate::__private::Plain<#erased>>::new())
        }
    };
    if let Some(classify) = &options.classify {
        judge.extend(quote!(.classify(#classify)));
        return judge;
    }
    let tracker = options.tracker.as_ref();
    if let Some(tracker) = tracker.filter(|it| !matches!(it, Formula::Leaf(Matched::All))) {
        let error = Ident::new("error", Span::mixed_site());
        let condition = condition(tracker, &error, fluxgate);
        judge.extend(quote!(.tracker(|#error: &_| #condition)));
    }
    if let Some(predicate) = &options.failure_if {
        judge.extend(quote!(.failure_if(#predicate)));
    }
    judge
}

/// The tracker as a condition on `error`, which is a reference.
fn condition(tracker: &Tracker, error: &Ident, fluxgate: &Runtime<'_>) -> TokenStream {
    let part = |part: &Tracker| {
        let tokens = condition(part, error, fluxgate);
        quote!((#tokens))
    };
    match tracker {
        Formula::Leaf(leaf) => matched(leaf, error, fluxgate),
        Formula::Not(inner) => {
            let inner = part(inner);
            quote!(!#inner)
        }
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
            let types = types.iter();
            quote!(#(#fluxgate::__private::Probe::new(#error).holds::<#types>())||*)
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
    }
}
