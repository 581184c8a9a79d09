//! What lets an editor complete settings while they are typed.

use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};
use quote::{quote, quote_spanned};
use syn::Path;

use super::{Runtime, runtime_path};

/// The settings whose values are policies by name.
const POLICIES: &[&str] = &[
    "window",
    "tripper",
    "retry",
    "permit",
    "on_cancel",
    "slow_probes",
    "throttle",
    "initial_state",
    "tracker",
    "listeners",
];

/// Writes the names in settings that are wrong, as paths that rust-analyzer completes.
/// The compiler sees none of it.
///
/// ```text
/// Input:  tripper = MinRequests(20) & Fail, retr
/// Output: ::fluxgate::__private::completion! {
///             const _: () = {
///                 ::fluxgate::__private::completion::setting::tripper;
///                 ::fluxgate::__private::completion::tripper::MinRequests;
///                 ::fluxgate::__private::completion::tripper::Fail;
///                 ::fluxgate::__private::completion::setting::retr;
///             };
///         }
/// ```
pub(crate) fn completion(settings: &TokenStream, krate: Option<&Path>) -> TokenStream {
    let path = runtime_path(krate);
    let fluxgate = Runtime(path.as_ref());
    let mut paths = TokenStream::new();
    let mut add = |module: &str, name: &Ident| {
        let module = Ident::new(module, Span::mixed_site());
        let semicolon = quote_spanned!(Span::mixed_site()=> ;);
        paths.extend(quote!(#fluxgate::__private::completion::#module::#name #semicolon));
    };
    for setting in split(settings.clone()) {
        let [TokenTree::Ident(name), rest @ ..] = &setting[..] else {
            continue;
        };
        add("setting", name);
        let [TokenTree::Punct(_), value @ ..] = rest else {
            continue;
        };
        if let Some(module) = POLICIES.iter().find(|policy| name == *policy) {
            policies(value, &mut |policy| add(module, policy));
        }
    }
    quote! {
        #fluxgate::__private::completion! { const _: () = { #paths }; }
    }
}

/// Splits at commas.
fn split(tokens: TokenStream) -> Vec<Vec<TokenTree>> {
    let mut parts = vec![Vec::new()];
    for tree in tokens {
        match (tree, parts.last_mut()) {
            (TokenTree::Punct(comma), _) if comma.as_char() == ',' => parts.push(Vec::new()),
            (tree, Some(part)) => part.push(tree),
            (_, None) => {}
        }
    }
    parts
}

/// Finds names where a policy may stand: not in a path, nor among the arguments of a
/// policy.
fn policies(value: &[TokenTree], found: &mut dyn FnMut(&Ident)) {
    let is = |tree: Option<&TokenTree>, chars: &[char]| matches!(tree, Some(TokenTree::Punct(punct)) if chars.contains(&punct.as_char()));
    for (i, tree) in value.iter().enumerate() {
        let before = i.checked_sub(1).and_then(|before| value.get(before));
        match tree {
            TokenTree::Ident(name)
                if !is(before, &[':', '.']) && !is(value.get(i + 1), &[':', '.', '!']) =>
            {
                found(name);
            }
            TokenTree::Group(group)
                if group.delimiter() != Delimiter::Brace
                    && !matches!(before, Some(TokenTree::Ident(_))) =>
            {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                policies(&inner, found);
            }
            _ => {}
        }
    }
}
