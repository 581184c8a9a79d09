//! Sets of breakers, one for each key.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Expr, ExprReference, spanned::Spanned};

use super::{Runtime, policies, respanned};
use crate::validate::validated::{CallKey, KeySet};

/// Names the local that holds the breaker of a call.
pub(super) fn local() -> Ident {
    Ident::new("breaker", Span::mixed_site())
}

/// Finds the breaker of a call, before the body takes the arguments.
///
/// ```text
/// Input:  key = tenant
/// Output: let breaker = ::fluxgate::__private::by_key::<String, _, _>(&BREAKERS, &tenant);
/// ```
///
/// A set that is shared knows the type of its keys.
pub(super) fn lookup(
    key: &CallKey,
    breakers: &TokenStream,
    own: Option<&KeySet>,
    fluxgate: &Runtime<'_>,
) -> TokenStream {
    let place = key.expr.span().resolved_at(Span::mixed_site());
    // What `macro_rules` captured loses its invisible delimiters on the way.
    let mut expr = &key.expr;
    while let Expr::Group(group) = expr {
        expr = &group.expr;
    }
    // Writes the parentheses that the expression may need.
    let reference = ExprReference {
        attrs: Vec::new(),
        and_token: syn::Token![&](place),
        mutability: None,
        expr: Box::new(expr.clone()),
    };
    let by_key = respanned(quote!(#fluxgate::__private::by_key), place);
    let types = own.map(|set| {
        let ty = key_type(set, fluxgate);
        quote_spanned!(place=> ::<#ty, _, _>)
    });
    let found = quote_spanned!(place=> #by_key #types(#breakers, #reference));
    let found = guarded(Some(&key.ident), &found, fluxgate);
    let local = local();
    quote!(let #local = #found;)
}

/// Writes the type of the keys, so that one that can't be is reported there, and once.
pub(super) fn key_type(set: &KeySet, fluxgate: &Runtime<'_>) -> TokenStream {
    let ty = &set.ty;
    let place = ty.span().resolved_at(Span::mixed_site());
    let key_type = respanned(quote!(#fluxgate::__private::KeyType), place);
    quote_spanned!(place=> <#ty as #key_type>::Key)
}

/// Writes the settings of a set: those of its breakers, and its own.
pub(super) fn settings(set: &KeySet, each: &TokenStream, fluxgate: &Runtime<'_>) -> TokenStream {
    let builder = Ident::new("builder", Span::mixed_site());
    let each = (!each.is_empty()).then(|| quote!(.settings(|#builder| #builder #each)));
    let count = |count| policies::count(count, fluxgate);
    let max_keys = set.max_keys.iter().map(count);
    let max_labels = set.max_labels.iter().map(count);
    quote!(#each #(.max_keys(#max_keys))* #(.max_labels(#max_labels))*)
}

/// Guards code that needs the feature. Where that is off, it is said at `key`, or else
/// the code is left out.
pub(super) fn guarded(
    key: Option<&Ident>,
    code: &TokenStream,
    fluxgate: &Runtime<'_>,
) -> TokenStream {
    let place = key.map_or_else(Span::mixed_site, |key| {
        key.span().resolved_at(Span::mixed_site())
    });
    let fluxgate = respanned(fluxgate.to_token_stream(), place);
    let key = key.into_iter();
    quote_spanned!(place=> #fluxgate::__private::keyed! { [#(#key)*] #code })
}
