//! `#[derive(Classify)]`: what each variant of an error says about the
//! dependency.
//!
//! `attribute` reads `#[outcome(…)]`, `item` checks the whole type, and `expand`
//! writes the implementation.

mod attribute;
mod expand;
mod item;

use proc_macro2::TokenStream;
use quote::quote;
use syn::DeriveInput;

use crate::tokens::errors::ErrorList;

/// Expands the derive. A type with mistakes gets all of them, and an
/// implementation all the same, so that no further errors come of its absence.
pub(crate) fn classify(input: TokenStream) -> TokenStream {
    let input: DeriveInput = match syn::parse2(input) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let errors = ErrorList::default();
    let item = item::ClassifiedType::new(&input, &errors);
    match errors.finish(Ok(())) {
        Ok(()) => expand::implementation(&input, &item),
        Err(error) => {
            let error = error.into_compile_error();
            let stub = expand::stub(&input, item.krate.as_ref());
            quote!(#error #stub)
        }
    }
}
