//! The type that keys are kept as.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Expr, FnArg, GenericParam, Pat, Signature, Type, parse_quote_spanned, spanned::Spanned};

use crate::{
    item::function::Function,
    policy::listed,
    settings::ItemSettings,
    suggest::did_you_mean,
    tokens::errors::{ErrorList, Reported},
};

/// Returns the type of the keys of the function's own breakers: the one that was
/// given, or that of an argument. Breakers that are defined elsewhere have theirs.
pub(super) fn of_own_keys(
    settings: &ItemSettings,
    function: &Function,
    errors: &ErrorList,
) -> Result<Option<Type>, Reported> {
    settings.sound("key")?;
    settings.sound("key_type")?;
    let Some(key) = &settings.function.key else {
        return Ok(None);
    };
    if settings.is_given("breaker") {
        return Ok(None);
    }
    if let Some(ty) = &settings.keys.key_type {
        return Ok(Some(ty.clone()));
    }
    match type_of(key, &function.sig) {
        Some(ty) => Ok(Some(ty)),
        None => Err(errors.push(syn::Error::new_spanned(key, unseen(key, function)))),
    }
}

/// Says what is wrong with a key whose type can't be told.
fn unseen(expr: &Expr, function: &Function) -> String {
    let arguments = function.arguments();
    let name = match expr {
        Expr::Path(path) => path.path.get_ident().map(ToString::to_string),
        _ => None,
    };
    let stranger = name.filter(|name| {
        !arguments.contains(name) && name.starts_with(|c: char| c.is_lowercase() || c == '_')
    });
    let Some(name) = stranger else {
        return "the type of this key can't be seen here; add what keys are kept as, as in \
                `key_type = String`"
            .to_owned();
    };
    let function = &function.sig.ident;
    let meant = did_you_mean(&name, arguments.iter().map(String::as_str));
    match (meant.is_empty(), arguments.is_empty()) {
        (false, _) => format!("`{function}` has no argument `{name}`{meant}"),
        (true, false) => format!(
            "`{function}` has no argument `{name}`, but {}; for the value of another expression \
             add its type, as in `key_type = String`",
            listed(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
        ),
        (true, true) => format!(
            "`{function}` has no arguments, and a key tells calls apart by theirs; for the value \
             of another expression add its type, as in `key_type = String`"
        ),
    }
}

/// Returns the type that a key would be kept as, if it is an argument.
///
/// ```text
/// Input:  tenant, in fn quote(tenant: &str)
/// Output: ::std::string::String
/// ```
fn type_of(expr: &Expr, sig: &Signature) -> Option<Type> {
    let name = match expr {
        Expr::Reference(reference) => return type_of(&reference.expr, sig),
        Expr::Paren(paren) => return type_of(&paren.expr, sig),
        Expr::Group(group) => return type_of(&group.expr, sig),
        Expr::Path(path) => path.path.get_ident()?,
        _ => return None,
    };
    let given = sig.inputs.iter().find_map(|input| match input {
        FnArg::Typed(typed) => match &*typed.pat {
            Pat::Ident(pat) if pat.ident == *name => Some(&*typed.ty),
            _ => None,
        },
        FnArg::Receiver(_) => None,
    })?;
    let ty = referred(given);
    if let Type::Path(path) = ty {
        if path.path.is_ident("str") {
            return Some(parse_quote_spanned!(ty.span()=> ::std::string::String));
        }
    }
    let is_plain = !mentions(ty.to_token_stream(), &|word| depends(word, sig));
    is_plain.then(|| ty.clone())
}

fn referred(ty: &Type) -> &Type {
    match ty {
        Type::Reference(reference) => referred(&reference.elem),
        Type::Paren(paren) => referred(&paren.elem),
        Type::Group(group) => referred(&group.elem),
        _ => ty,
    }
}

/// Returns whether a type with this word in it can't be that of a static.
fn depends(word: &Ident, sig: &Signature) -> bool {
    let is_generic = sig.generics.params.iter().any(|param| match param {
        GenericParam::Type(param) => param.ident == *word,
        GenericParam::Const(param) => param.ident == *word,
        GenericParam::Lifetime(_) => false,
    });
    is_generic || word == "Self" || word == "impl" || word == "dyn" || word == "_"
}

/// Returns whether a type has such a word in it, or a reference or lifetime.
fn mentions(tokens: TokenStream, depends: &impl Fn(&Ident) -> bool) -> bool {
    tokens.into_iter().any(|tree| match tree {
        TokenTree::Ident(ident) => depends(&ident),
        TokenTree::Group(group) => mentions(group.stream(), depends),
        TokenTree::Punct(punct) => matches!(punct.as_char(), '&' | '\''),
        TokenTree::Literal(_) => false,
    })
}
