//! Expansion of validated items: a thin call into the runtime.

mod arguments;
mod breaker;
mod classify;
mod constants;
mod function;
mod keyed;
mod manifest;
mod policies;

pub(crate) use breaker::breaker;
pub(crate) use function::function;

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Path, parse_quote};

/// Names the runtime crate.
pub(crate) struct Runtime<'a>(pub(crate) Option<&'a Path>);

/// Returns the path of the runtime: the one that was given, or the name that the dependency
/// was given.
fn runtime_path(given: Option<&Path>) -> Option<Path> {
    given.cloned().or_else(|| {
        let name = manifest::renamed()?;
        let name = syn::parse_str::<Ident>(&name).ok()?;
        Some(parse_quote!(::#name))
    })
}

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
