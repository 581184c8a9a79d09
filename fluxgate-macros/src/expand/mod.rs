//! Expansion of validated items: a thin call into the runtime.

mod arguments;
mod breaker;
mod classify;
mod completion;
mod constants;
mod function;
mod keyed;
mod manifest;
mod policies;

pub(crate) use breaker::breaker;
pub(crate) use completion::completion;
pub(crate) use function::function;

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Expr, Path, Token, Type, parse_quote};

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

/// Writes a closure that asks a predicate or a classifier of the user's, by a
/// function of the runtime that fixes its type.
///
/// ```text
/// Input:  failure_if = |response| …
/// Output: |asked: &_| ::fluxgate::__private::ask(asked, &(|response| …))
///
/// Input:  classify = move |output| …
/// Output: move |asked: &_| ::fluxgate::__private::judge(asked, &(|output| …))
/// ```
fn asks(given: &Expr, function: &str, fluxgate: &Runtime<'_>) -> TokenStream {
    let (capture, given) = without_capture(given);
    let place = Place::of(&given);
    let asked = Ident::new("asked", place.first);
    let call = place.call(fluxgate, function, &asked, &place.borrowed(&given));
    quote_spanned!(place.first=> #capture |#asked: &_| #call)
}

/// Writes a closure that maps a rejection as the user says.
///
/// ```text
/// Input:  map_rejection = to_error
/// Output: |rejection| ::fluxgate::__private::Returning::<Ret>::new()
///             .error(rejection, to_error)
/// ```
fn maps(given: &Expr, output: &Type, fluxgate: &Runtime<'_>) -> TokenStream {
    let (capture, given) = without_capture(given);
    let place = Place::of(&given);
    let rejection = Ident::new("rejection", place.first);
    let private = respanned(quote!(#fluxgate::__private), place.first);
    let arguments = place.parenthesised(quote_spanned!(place.first=> #rejection, #given));
    quote_spanned! {place.first=>
        #capture |#rejection| #private::Returning::<#output>::new().error #arguments
    }
}

/// Takes `move` from a closure: what it takes along is taken by the one around it.
fn without_capture(given: &Expr) -> (Option<Token![move]>, Expr) {
    let mut given = given.clone();
    let capture = match &mut given {
        Expr::Closure(closure) => closure.capture.take(),
        _ => None,
    };
    (capture, given)
}

/// From where to where tokens of the user's stand. Errors about a call with this
/// place stand there.
struct Place {
    first: Span,
    last: Span,
}

impl Place {
    fn of(tokens: &impl ToTokens) -> Self {
        let trees: Vec<TokenTree> = tokens.to_token_stream().into_iter().collect();
        let span = |tree: Option<&TokenTree>| tree.map_or_else(Span::call_site, TokenTree::span);
        Self {
            first: span(trees.first()).resolved_at(Span::mixed_site()),
            last: span(trees.last()).resolved_at(Span::mixed_site()),
        }
    }

    fn parenthesised(&self, tokens: TokenStream) -> Group {
        let mut group = Group::new(Delimiter::Parenthesis, tokens);
        group.set_span(self.last);
        group
    }

    fn borrowed(&self, tokens: &impl ToTokens) -> TokenStream {
        let value = self.parenthesised(tokens.to_token_stream());
        quote_spanned!(self.first=> & #value)
    }

    /// Writes a call of a function in `__private`.
    fn call(
        &self,
        fluxgate: &Runtime<'_>,
        function: &str,
        asked: &Ident,
        given: &TokenStream,
    ) -> TokenStream {
        let private = respanned(quote!(#fluxgate::__private), self.first);
        let function = Ident::new(function, self.first);
        let arguments = self.parenthesised(quote_spanned!(self.first=> #asked, #given));
        quote_spanned!(self.first=> #private::#function #arguments)
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
