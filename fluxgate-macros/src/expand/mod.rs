//! From the validated attribute to tokens: a thin call into the runtime.

mod breaker;
mod function;
mod judge;
mod policies;

pub(crate) use breaker::statics;
pub(crate) use function::function;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::Path;

/// Names the runtime crate.
pub(crate) struct Runtime<'a>(pub(crate) Option<&'a Path>);

impl ToTokens for Runtime<'_> {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self.0 {
            Some(path) => path.to_tokens(tokens),
            None => quote!(::fluxgate).to_tokens(tokens),
        }
    }
}
