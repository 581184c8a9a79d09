//! The macros of [fluxgate](https://docs.rs/fluxgate); use them through that
//! crate.
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

#[doc = include_str!("docs/circuit_breaker.md")]
#[proc_macro_attribute]
pub fn circuit_breaker(args: TokenStream, item: TokenStream) -> TokenStream {
    attribute(args.into(), &item.into()).into()
}

#[doc = include_str!("docs/breaker.md")]
#[proc_macro]
pub fn breaker(input: TokenStream) -> TokenStream {
    item::breaker_macro::expand(input.into()).into()
}

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
