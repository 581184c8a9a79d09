//! The implementation of `Classify`.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{DeriveInput, Expr, GenericParam, Generics, Path, Type, parse_quote, spanned::Spanned};

use super::item::{BoundField, ClassifiedType, PlainOutcome, Variant, VariantOutcome};
use crate::expand::Runtime;

/// Writes the implementation.
///
/// ```text
/// Input:  enum Error {
///             #[outcome(alive)] NotFound,
///             #[outcome(overloaded, retry_after = wait)] Busy { wait: Duration },
///             #[outcome(transparent)] Upstream(Other),
///         }
/// Output: impl ::fluxgate::Classify for Error {
///             fn outcome(&self) -> ::fluxgate::Outcome {
///                 match self {
///                     Self::NotFound { .. } => ::fluxgate::Outcome::Alive,
///                     Self::Busy { wait: field0, .. } =>
///                         ::fluxgate::__private::overloaded_for(field0),
///                     Self::Upstream { 0: field0, .. } =>
///                         ::fluxgate::Classify::outcome(field0),
///                 }
///             }
///         }
/// ```
pub(super) fn implementation(input: &DeriveInput, item: &ClassifiedType<'_>) -> TokenStream {
    let fluxgate = Runtime(item.krate.as_ref());
    let arms = item.variants.iter().map(|variant| arm(variant, &fluxgate));
    let body = quote!(match self { #(#arms)* });
    let generics = bounded(&input.generics, item, &fluxgate);
    wrapped(input, &generics, &body, &fluxgate)
}

/// Writes an implementation for a type whose outcomes are wrong.
pub(super) fn stub(input: &DeriveInput, krate: Option<&Path>) -> TokenStream {
    let body = quote!(::core::unreachable!());
    wrapped(input, &input.generics, &body, &Runtime(krate))
}

fn wrapped(
    input: &DeriveInput,
    generics: &Generics,
    body: &TokenStream,
    fluxgate: &Runtime<'_>,
) -> TokenStream {
    let name = &input.ident;
    let (implementation, _, bounds) = generics.split_for_impl();
    let (_, ty, _) = input.generics.split_for_impl();
    quote! {
        #[automatically_derived]
        #[allow(deprecated, clippy::all, clippy::pedantic)]
        impl #implementation #fluxgate::Classify for #name #ty #bounds {
            fn outcome(&self) -> #fluxgate::Outcome {
                #body
            }
        }
    }
}

fn arm(variant: &Variant<'_>, fluxgate: &Runtime<'_>) -> TokenStream {
    let name = variant.name.map(|name| quote!(::#name));
    let path = quote!(Self #name);
    let (bound, value): (&[BoundField<'_>], _) = match &variant.outcome {
        VariantOutcome::Plain(plain) => (&[], constant(*plain, fluxgate)),
        VariantOutcome::WithWait(plain, field) => {
            let function = match plain {
                PlainOutcome::Overloaded => "overloaded_for",
                _ => "unavailable_for",
            };
            let place = field.member.span().resolved_at(Span::mixed_site());
            let function = Ident::new(function, place);
            let name = local(0, place);
            let value = quote_spanned!(place=> #fluxgate::__private::#function(#name));
            (std::slice::from_ref(field), value)
        }
        VariantOutcome::With(function, fields) => (fields, with(function, fields, fluxgate)),
        VariantOutcome::Transparent(field) => {
            let place = field.ty.span().resolved_at(Span::mixed_site());
            let name = local(0, place);
            let value = quote_spanned!(place=> #fluxgate::Classify::outcome(#name));
            (std::slice::from_ref(field), value)
        }
    };
    let patterns = bound.iter().enumerate().map(|(i, field)| {
        let (member, name) = (&field.member, local(i, Span::mixed_site()));
        quote!(#member: #name,)
    });
    quote!(#path { #(#patterns)* .. } => #value,)
}

fn constant(plain: PlainOutcome, fluxgate: &Runtime<'_>) -> TokenStream {
    let name = match plain {
        PlainOutcome::Success => "Success",
        PlainOutcome::Failure => "Failure",
        PlainOutcome::Overloaded => "Overloaded",
        PlainOutcome::Alive => "Alive",
        PlainOutcome::Ignored => "Ignored",
    };
    let name = format_ident!("{name}");
    quote!(#fluxgate::Outcome::#name)
}

/// Calls the function of `with`. A closure gets the types of its arguments from a function pointer, which a
/// generic function could not become.
fn with(function: &Expr, fields: &[BoundField<'_>], fluxgate: &Runtime<'_>) -> TokenStream {
    let place = function.span().resolved_at(Span::mixed_site());
    let names = (0..fields.len()).map(|i| local(i, Span::mixed_site()));
    let outcome = quote_spanned!(place=> #fluxgate::Outcome);
    if let Expr::Closure(_) = function {
        let types = fields.iter().map(|field| field.ty);
        return quote! {{
            let classify: fn(#(&#types),*) -> #outcome = #function;
            classify(#(#names),*)
        }};
    }
    let call = quote_spanned!(place=> (#function)(#(#names),*));
    quote!({ let outcome: #outcome = #call; outcome })
}

fn local(i: usize, place: Span) -> Ident {
    Ident::new(&format!("field{i}"), place.resolved_at(Span::mixed_site()))
}

/// Returns the generics, with `Classify` for transparent fields whose types depend on
/// them.
fn bounded(generics: &Generics, item: &ClassifiedType<'_>, fluxgate: &Runtime<'_>) -> Generics {
    let mut bounded = generics.clone();
    let transparent = item.variants.iter().filter_map(|it| match &it.outcome {
        VariantOutcome::Transparent(field) => Some(field.ty),
        _ => None,
    });
    for ty in transparent.filter(|ty| depends(ty, generics)) {
        let bounds = bounded.make_where_clause();
        let bound = parse_quote!(#ty: #fluxgate::Classify);
        bounds.predicates.push(bound);
    }
    bounded
}

/// Returns whether a type names one of the generics.
fn depends(ty: &Type, generics: &Generics) -> bool {
    let names: Vec<_> = generics
        .params
        .iter()
        .filter_map(|param| match param {
            GenericParam::Type(param) => Some(&param.ident),
            GenericParam::Const(param) => Some(&param.ident),
            GenericParam::Lifetime(_) => None,
        })
        .collect();
    mentions(ty.to_token_stream(), &names)
}

fn mentions(tokens: TokenStream, names: &[&Ident]) -> bool {
    tokens.into_iter().any(|tree| match tree {
        TokenTree::Ident(ident) => names.contains(&&ident),
        TokenTree::Group(group) => mentions(group.stream(), names),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}
