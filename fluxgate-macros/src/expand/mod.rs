//! From the validated attribute to tokens: a thin call into the runtime.

mod arguments;
mod breaker;
mod classify;
mod constants;
mod function;
mod keyed;
mod policies;

pub(crate) use breaker::statics;
pub(crate) use function::function;

use proc_macro2::{Group, Span, TokenStream, TokenTree};
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

/// Gives generated tokens a place, for the errors that point there.
fn respanned(tokens: TokenStream, span: Span) -> TokenStream {
    tokens
        .into_iter()
        .map(|mut tree| {
            if let TokenTree::Group(group) = &tree {
                let inner = respanned(group.stream(), span);
                tree = Group::new(group.delimiter(), inner).into();
            }
            tree.set_span(span);
            tree
        })
        .collect()
}
