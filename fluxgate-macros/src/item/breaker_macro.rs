//! `breaker! { pub static NAME = { key = value, … }; }`.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::{
    Attribute, Token, Visibility, braced,
    parse::{Parse, ParseStream},
    token::Brace,
};

use crate::{
    expand,
    settings::{Options, Site},
    tokens::errors::Errors,
    validate,
};

struct Static {
    attrs: Vec<Attribute>,
    vis: Visibility,
    ident: Ident,
    settings: Option<(Brace, TokenStream)>,
}

struct Statics(Vec<Static>);

impl Parse for Statics {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let mut statics = Vec::new();
        while !input.is_empty() {
            statics.push(input.parse()?);
        }
        if statics.is_empty() {
            return Err(input.error("expected a breaker, as in `pub static PAYMENTS = { … };`"));
        }
        Ok(Self(statics))
    }
}

impl Parse for Static {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        let is_crate = input.peek(Token![crate]) && input.peek2(Token![=])
            || input.peek(Token![use])
            || input.peek(Token![extern]);
        if is_crate {
            return Err(input.error(
                "where the runtime is, is a setting of each breaker: \
                 `static PAYMENTS = { crate = my_fluxgate, … };`",
            ));
        }
        if input.peek(Token![const]) || input.peek(Token![let]) {
            return Err(input.error("a breaker has state: write `static`"));
        }
        if !input.peek(Token![static]) {
            return Err(input.error("expected `static`, as in `pub static PAYMENTS = { … };`"));
        }
        input.parse::<Token![static]>()?;
        let ident = input.parse()?;
        if input.peek(Token![:]) {
            return Err(input.error("the type is always `StaticBreaker`; leave it out"));
        }
        let settings = if input.parse::<Option<Token![=]>>()?.is_some() {
            if !input.peek(Brace) {
                return Err(input.error(
                    "the settings of a breaker stand in braces, as in \
                     `static PAYMENTS = { tripper = FailureStreak(5) };`",
                ));
            }
            let content;
            let brace = braced!(content in input);
            Some((brace, content.parse()?))
        } else {
            None
        };
        if settings.is_none() && input.peek(Brace) {
            return Err(input.error("expected `=` before the settings"));
        }
        if !input.peek(Token![;]) {
            return Err(input.error("expected `;` after the breaker"));
        }
        input.parse::<Token![;]>()?;
        Ok(Self {
            attrs,
            vis,
            ident,
            settings,
        })
    }
}

pub(crate) fn expand(input: TokenStream) -> TokenStream {
    let statics = match syn::parse2::<Statics>(input) {
        Ok(Statics(statics)) => statics,
        Err(error) => return error.into_compile_error(),
    };
    statics.into_iter().map(expand_one).collect()
}

fn expand_one(item: Static) -> TokenStream {
    let Static {
        attrs,
        vis,
        ident,
        settings,
    } = item;
    let errors = Errors::default();
    let options = match settings {
        Some((brace, tokens)) => Options::parse(tokens, Site::Breaker, brace.span.close(), &errors),
        None => Options::default(),
    };
    validate::rule(&options.breaker, &errors);
    validate::keys_have_a_type(&options, &errors);
    match errors.finish(()) {
        Ok(()) => expand::statics(&attrs, &vis, &ident, &options),
        // The static is there all the same, so that its users are not told that
        // it is missing.
        Err(error) => {
            let error = error.into_compile_error();
            let item = expand::statics(&attrs, &vis, &ident, &options.kind());
            quote!(#error #item)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_wrongly_around_the_settings() {
        for (given, message) in [
            (
                "",
                "expected a breaker, as in `pub static PAYMENTS = { … };`",
            ),
            (
                "PAYMENTS = {};",
                "expected `static`, as in `pub static PAYMENTS = { … };`",
            ),
            (
                "const PAYMENTS = {};",
                "a breaker has state: write `static`",
            ),
            ("static PAYMENTS {};", "expected `=` before the settings"),
            (
                "static PAYMENTS = builder();",
                "the settings of a breaker stand in braces",
            ),
            ("static PAYMENTS = {}", "expected `;` after the breaker"),
            (
                "static PAYMENTS = {} static QUOTES;",
                "expected `;` after the breaker",
            ),
            (
                "static PAYMENTS: T = {};",
                "the type is always `StaticBreaker`; leave it out",
            ),
        ] {
            let error = syn::parse_str::<Statics>(given).err().unwrap().to_string();
            // At the end of the input `syn` says so first.
            let error = error.trim_start_matches("unexpected end of input, ");
            assert!(error.starts_with(message), "{given}: {error}");
        }
    }
}
