//! The arguments of a function on their way into the body behind the breaker.
//!
//! Without the attribute, arguments are dropped when the body is over, the last
//! one first, whether the body uses them or not, and what a pattern leaves of an
//! argument right after what it binds. The body behind the breaker is a closure
//! or an async block, which would take only what the body mentions, drop that in
//! the order of first mention, and leave the rest to the function, to be dropped
//! when listeners have been told. So the body begins with the arguments.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{
    Attribute, FnArg, Pat, PatType, ReceiverKind, Token, Type, punctuated::Punctuated,
    spanned::Spanned,
};

use super::function::mentions;
use crate::item::function::{Function, bound, is_surely_copy};

pub(super) struct Arguments {
    /// The inputs of the signature.
    pub(super) inputs: Punctuated<FnArg, Token![,]>,
    /// Mentions what the body takes, the last argument first: captures are
    /// dropped in the order of their first mention.
    taken: TokenStream,
    /// Binds the arguments anew, in their order, where that is needed to drop
    /// what patterns bind before what they leave.
    bound: TokenStream,
}

impl Arguments {
    /// Looks at every argument. `outside` are the expressions beside the body that may use arguments, and
    /// `moves` tells whether the body takes what it mentions.
    pub(super) fn new(
        function: &Function,
        body: &Group,
        outside: &TokenStream,
        moves: bool,
    ) -> Self {
        let keeps_patterns = !function.attrs.iter().all(is_inert);
        let inputs = function.sig.inputs.iter().enumerate();
        let arguments: Vec<_> = inputs
            .map(|(at, input)| OneArgument::new(at, input, body, outside, keeps_patterns))
            .collect();
        let binds = !moves || arguments.iter().any(|one| one.pattern.is_some());
        let mentioned = arguments.iter().rev().filter(|_| moves);
        let taken = mentioned.filter_map(|one| one.mention(binds)).collect();
        let bound = arguments.iter().filter(|_| binds);
        let bound = bound.filter_map(OneArgument::bind).collect();
        let inputs = arguments.iter().map(|one| one.input(binds));
        Self {
            inputs: inputs.collect(),
            taken,
            bound,
        }
    }

    /// Puts the arguments before a body that returns `output`.
    pub(super) fn before(&self, body: &Group, output: &Type) -> Group {
        let Self { taken, bound, .. } = self;
        let statements = if bound.is_empty() {
            let body = body.stream();
            quote!(#taken #body)
        } else {
            // What the last expression of the body holds on to goes before the
            // arguments.
            let result = Ident::new("result", Span::mixed_site());
            quote! {
                #taken
                #bound
                let #result: #output = #body;
                #result
            }
        };
        let mut block = Group::new(Delimiter::Brace, statements);
        block.set_span(body.span());
        block
    }
}

/// One argument.
struct OneArgument<'a> {
    input: &'a FnArg,
    cfgs: Vec<&'a Attribute>,
    /// What it is called in the body, if it is to be taken along.
    name: Option<Ident>,
    /// The name that it has instead of its pattern.
    renamed: Option<Ident>,
    /// The pattern that the body matches it with.
    pattern: Option<&'a Pat>,
    /// Whether the body mentions it. If not, a lint has something to say.
    is_mentioned: bool,
}

impl<'a> OneArgument<'a> {
    fn new(
        at: usize,
        input: &'a FnArg,
        body: &Group,
        outside: &TokenStream,
        keeps_patterns: bool,
    ) -> Self {
        let attrs = match input {
            FnArg::Receiver(receiver) => &receiver.attrs,
            FnArg::Typed(typed) => &typed.attrs,
        };
        let mut argument = Self {
            input,
            cfgs: attrs
                .iter()
                .filter(|attr| attr.path().is_ident("cfg"))
                .collect(),
            name: None,
            renamed: None,
            pattern: None,
            is_mentioned: true,
        };
        let is_free = |name: &Ident| !mentions(outside.clone(), &[name.to_string()]);
        match input {
            FnArg::Receiver(receiver) => {
                let is_reference = match &receiver.kind {
                    ReceiverKind::Reference(..) => true,
                    ReceiverKind::Typed(_, ty) => never_drops(ty),
                    _ => false,
                };
                let name = Ident::new("self", receiver.self_token.span);
                argument.name = (!is_reference && is_free(&name)).then_some(name);
            }
            FnArg::Typed(typed) if never_drops(&typed.ty) => {}
            FnArg::Typed(typed) => match plain(&typed.pat) {
                Some(name) => {
                    argument.is_mentioned = mentions(body.stream(), &[name.to_string()]);
                    argument.name = is_free(name).then(|| name.clone());
                }
                None if keeps_patterns || binds_any(&typed.pat, outside) => {}
                None => {
                    let name = format_ident!("_argument{at}", span = Span::mixed_site());
                    argument.name = Some(name.clone());
                    argument.renamed = Some(name);
                    let is_wild = matches!(&*typed.pat, Pat::Wild(_));
                    argument.pattern = (!is_wild).then_some(&*typed.pat);
                }
            },
        }
        argument
    }

    fn is_receiver(&self) -> bool {
        matches!(self.input, FnArg::Receiver(_))
    }

    /// Returns the input in the signature.
    fn input(&self, binds: bool) -> FnArg {
        let FnArg::Typed(typed) = self.input else {
            return self.input.clone();
        };
        let mut typed: PatType = typed.clone();
        if let Some(name) = &self.renamed {
            // In the place of the pattern, for messages about it.
            let name = Ident::new(&name.to_string(), name.span().located_at(typed.pat.span()));
            *typed.pat = Pat::Verbatim(name.into_token_stream());
        } else if let (true, Some(_), Pat::Ident(pat)) = (binds, &self.name, &mut *typed.pat) {
            pat.mutability = None;
        }
        FnArg::Typed(typed)
    }

    /// Mentions it as a whole.
    fn mention(&self, binds: bool) -> Option<TokenStream> {
        let name = self.name.as_ref()?;
        let allow = self.allow();
        let cfgs = &self.cfgs;
        let place = Span::mixed_site();
        Some(if self.is_mentioned || binds || self.is_quiet() {
            quote_spanned!(place=> #(#cfgs)* #allow let _ = &#name;)
        } else {
            // Warns as an argument would that is not used.
            quote_spanned!(place=> #(#cfgs)* let #name = &#name;)
        })
    }

    fn bind(&self) -> Option<TokenStream> {
        let name = self.name.as_ref().filter(|_| !self.is_receiver())?;
        let allow = self.allow();
        let cfgs = &self.cfgs;
        let matched = self
            .pattern
            .map(|pattern| quote!(#(#cfgs)* let #pattern = #name;));
        let mutability = match self.input {
            FnArg::Typed(typed) => match &*typed.pat {
                Pat::Ident(pat) if self.renamed.is_none() => pat.mutability,
                pattern => borrows_mutably(pattern.to_token_stream()),
            },
            FnArg::Receiver(_) => None,
        };
        Some(quote_spanned! {Span::mixed_site()=>
            #(#cfgs)* #allow let #mutability #name = #name;
            #matched
        })
    }

    /// Returns whether it says by its name that it is not used.
    fn is_quiet(&self) -> bool {
        let name = self.name.as_ref().map(ToString::to_string);
        name.is_some_and(|name| name.starts_with('_'))
    }

    /// Allows what lints say of such a name, although a mention is no use.
    fn allow(&self) -> Option<TokenStream> {
        let warns = self.is_quiet() && self.renamed.is_none();
        warns.then(|| quote!(#[allow(clippy::no_effect_underscore_binding, clippy::used_underscore_binding)]))
    }
}

/// Returns the name, if the pattern is one.
fn plain(pattern: &Pat) -> Option<&Ident> {
    match pattern {
        Pat::Ident(pat) if pat.by_ref.is_none() && pat.subpat.is_none() => Some(&pat.ident),
        _ => None,
    }
}

/// Finds the `mut` of a `ref mut` in a pattern.
fn borrows_mutably(pattern: TokenStream) -> Option<Token![mut]> {
    let mut after_ref = false;
    for tree in pattern {
        let found = match &tree {
            TokenTree::Ident(ident) if after_ref && ident == "mut" => {
                Some(Token![mut](Span::mixed_site()))
            }
            TokenTree::Group(group) => borrows_mutably(group.stream()),
            _ => None,
        };
        if found.is_some() {
            return found;
        }
        after_ref = matches!(&tree, TokenTree::Ident(ident) if ident == "ref");
    }
    None
}

/// Returns whether something beside the body may use what the pattern binds.
fn binds_any(pattern: &Pat, outside: &TokenStream) -> bool {
    let mut names = Vec::new();
    bound(pattern, &mut names);
    names.retain(|name| !matches!(&**name, "_" | "mut" | "ref"));
    mentions(outside.clone(), &names)
}

/// Returns whether dropping a value of this type does nothing for sure.
fn never_drops(ty: &Type) -> bool {
    matches!(ty, Type::Reference(_)) || is_surely_copy(ty)
}

/// Returns whether an attribute takes the function as it is. Others may look at its
/// patterns, as `#[tracing::instrument]` does.
fn is_inert(attr: &Attribute) -> bool {
    let path = attr.path();
    let is_tool = path.segments.len() > 1
        && path
            .segments
            .first()
            .is_some_and(|tool| tool.ident == "clippy" || tool.ident == "rustfmt");
    is_tool
        || [
            "allow",
            "cfg",
            "cold",
            "deny",
            "deprecated",
            "doc",
            "expect",
            "forbid",
            "inline",
            "must_use",
            "no_mangle",
            "target_feature",
            "warn",
        ]
        .iter()
        .any(|name| path.is_ident(name))
}
