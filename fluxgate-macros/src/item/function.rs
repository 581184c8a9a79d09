//! The function under the attribute. Its signature is kept whole, and its body
//! as the tokens it is.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use syn::{
    Attribute, FnArg, Pat, Signature, Type, Visibility,
    parse::{Parse, ParseStream, Parser},
};

use crate::item::return_type::{self, FutureOutput};

/// The function as it is written.
pub(crate) struct ParsedFunction {
    pub(crate) function: Function,
    /// `None` for a declaration in a trait.
    pub(crate) body: Option<Group>,
}

/// Everything of a function but its body.
pub(crate) struct Function {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) modifiers: Option<Ident>,
    pub(crate) sig: Signature,
}

/// How the function runs.
pub(crate) enum Asyncness {
    Sync,
    Async,
    /// It returns the future to be protected.
    Future(FutureOutput),
}

impl ParsedFunction {
    /// Parses the item under the attribute.
    ///
    /// # Errors
    ///
    /// It is no function.
    pub(crate) fn parse(item: &TokenStream) -> syn::Result<Self> {
        syn::parse2(item.clone()).map_err(|error| not_a_function(item).unwrap_or(error))
    }
}

impl Parse for ParsedFunction {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let mut attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        let is_default = {
            let ahead = input.fork();
            ahead.parse::<Ident>().is_ok_and(|word| word == "default") && !ahead.is_empty()
        };
        let modifiers = if is_default {
            Some(input.parse()?)
        } else {
            None
        };
        let sig = input.parse()?;
        let body = if input.peek(syn::Token![;]) {
            input.parse::<syn::Token![;]>()?;
            None
        } else {
            let (inner, block) = split_inner_attributes(&body(input)?)?;
            attrs.extend(inner);
            Some(block)
        };
        let function = Function {
            attrs,
            vis,
            modifiers,
            sig,
        };
        Ok(Self { function, body })
    }
}

/// Parses the braces, which `macro_rules` wraps if it captured them as a `block`.
fn body(input: ParseStream) -> syn::Result<Group> {
    let mut tree = input.parse()?;
    loop {
        match tree {
            TokenTree::Group(group) if group.delimiter() == Delimiter::None => {
                let mut inner = group.stream().into_iter();
                tree = match (inner.next(), inner.next()) {
                    (Some(only), None) => only,
                    _ => return Err(no_body(group.span())),
                };
            }
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => return Ok(group),
            other => return Err(no_body(other.span())),
        }
    }
}

fn no_body(span: Span) -> syn::Error {
    syn::Error::new(span, "expected a function body")
}

/// Takes `#![…]` from the beginning of a body: it is about the function.
fn split_inner_attributes(block: &Group) -> syn::Result<(Vec<Attribute>, Group)> {
    let starts = |stream: &TokenStream| {
        let mut tokens = stream.clone().into_iter();
        matches!(tokens.next(), Some(TokenTree::Punct(punct)) if punct.as_char() == '#')
            && matches!(tokens.next(), Some(TokenTree::Punct(punct)) if punct.as_char() == '!')
    };
    if !starts(&block.stream()) {
        return Ok((Vec::new(), block.clone()));
    }
    let parser = |input: ParseStream| {
        let attrs = input.call(Attribute::parse_inner)?;
        Ok((attrs, input.parse::<TokenStream>()?))
    };
    let (mut attrs, rest) = parser.parse2(block.stream())?;
    for attr in &mut attrs {
        attr.style = syn::AttrStyle::Outer;
    }
    let mut body = Group::new(Delimiter::Brace, rest);
    body.set_span(block.span());
    Ok((attrs, body))
}

impl Function {
    pub(crate) fn asyncness(&self) -> Asyncness {
        if self.sig.asyncness.is_some() {
            return Asyncness::Async;
        }
        match self.return_type().and_then(return_type::future) {
            Some(future) => Asyncness::Future(future),
            None => Asyncness::Sync,
        }
    }

    pub(crate) fn return_type(&self) -> Option<&Type> {
        match &self.sig.output {
            syn::ReturnType::Default => None,
            syn::ReturnType::Type(_, ty) => Some(ty),
        }
    }

    /// Returns whether a handle made for it is reached through `Self`.
    pub(crate) fn is_associated(&self) -> bool {
        self.sig.receiver().is_some() || mentions_self(self.sig_tokens())
    }

    fn sig_tokens(&self) -> TokenStream {
        use quote::ToTokens;
        let inputs = self.sig.inputs.to_token_stream();
        let output = self.sig.output.to_token_stream();
        inputs.into_iter().chain(output).collect()
    }

    /// Returns the names that the arguments bind.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let mut names = Vec::new();
        for input in &self.sig.inputs {
            match input {
                FnArg::Receiver(_) => names.push("self".to_owned()),
                FnArg::Typed(typed) => bound(&typed.pat, &mut names),
            }
        }
        names
    }

    /// Returns the names that the arguments bind and that can't be copied for sure.
    pub(crate) fn movable_arguments(&self) -> Vec<String> {
        let mut names = Vec::new();
        for input in &self.sig.inputs {
            match input {
                FnArg::Receiver(receiver) => match &receiver.kind {
                    syn::ReceiverKind::Reference(_, _, None) => {}
                    _ => names.push("self".to_owned()),
                },
                FnArg::Typed(typed) => {
                    if !is_surely_copy(&typed.ty) {
                        bound(&typed.pat, &mut names);
                    }
                }
            }
        }
        names
    }
}

fn mentions_self(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|tree| match tree {
        TokenTree::Ident(ident) => ident == "Self",
        TokenTree::Group(group) => mentions_self(group.stream()),
        _ => false,
    })
}

/// Returns whether a type can be copied for sure: shared references and numbers.
pub(crate) fn is_surely_copy(ty: &Type) -> bool {
    match ty {
        Type::Reference(reference) => reference.mutability.is_none(),
        Type::Path(path) => path.path.get_ident().is_some_and(|ident| {
            [
                "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128",
                "isize", "f32", "f64", "bool", "char",
            ]
            .iter()
            .any(|name| ident == name)
        }),
        Type::Group(group) => is_surely_copy(&group.elem),
        _ => false,
    }
}

/// Collects the names in a pattern: every identifier that isn't part of a path.
pub(crate) fn bound(pattern: &Pat, names: &mut Vec<String>) {
    use quote::ToTokens;
    fn idents(tokens: TokenStream, names: &mut Vec<String>) {
        for tree in tokens {
            match tree {
                TokenTree::Ident(ident) => names.push(ident.to_string()),
                TokenTree::Group(group) => idents(group.stream(), names),
                _ => {}
            }
        }
    }
    idents(pattern.to_token_stream(), names);
}

/// Returns the error for an item that is no function.
fn not_a_function(item: &TokenStream) -> Option<syn::Error> {
    let mut tokens = item.clone().into_iter();
    let keyword = tokens.find_map(|tree| match tree {
        TokenTree::Ident(ident) if ident == "fn" || ITEMS.iter().any(|kind| ident == kind) => {
            Some(ident)
        }
        _ => None,
    });
    let Some(keyword) = keyword else {
        return Some(syn::Error::new(
            item.clone().into_iter().next()?.span(),
            "`#[circuit_breaker]` protects functions, and this is none; put it on the function \
             that is called here, or write one",
        ));
    };
    let kind = keyword.to_string();
    // `const fn` and `extern "C" fn`.
    let is_function = match kind.as_str() {
        "fn" => true,
        "const" | "extern" => tokens
            .take_while(|tree| matches!(tree, TokenTree::Ident(_) | TokenTree::Literal(_)))
            .any(|tree| matches!(tree, TokenTree::Ident(word) if word == "fn")),
        _ => false,
    };
    if is_function {
        return None;
    }
    let advice = match kind.as_str() {
        "impl" | "trait" => "; put it on the methods",
        _ => "",
    };
    Some(syn::Error::new(
        keyword.span(),
        format!("`#[circuit_breaker]` protects functions, and this is `{kind}`{advice}"),
    ))
}

/// The words that begin an item, but for `fn`.
const ITEMS: [&str; 12] = [
    "struct",
    "enum",
    "union",
    "trait",
    "impl",
    "mod",
    "const",
    "static",
    "type",
    "use",
    "extern",
    "macro_rules",
];
