//! The statics of `breaker! { pub static NAME = { key = value, … }; }`.

use proc_macro2::{Ident, Span, TokenStream};
use syn::{
    Attribute, Token, Visibility, braced,
    parse::{Parse, ParseStream},
    token::Brace,
};

/// One static, its settings not looked at yet.
pub(crate) struct ParsedBreaker {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) ident: Ident,
    pub(crate) settings: TokenStream,
    /// Where the settings end.
    pub(crate) end: Span,
}

/// All that stands in one `breaker!`.
pub(crate) struct ParsedBreakers(pub(crate) Vec<ParsedBreaker>);

impl Parse for ParsedBreakers {
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

impl Parse for ParsedBreaker {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        static_keyword(input)?;
        let ident: Ident = input.parse()?;
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
            Some((content.parse()?, brace.span.close()))
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
        let (settings, end) = settings.unwrap_or_else(|| (TokenStream::new(), ident.span()));
        Ok(Self {
            attrs,
            vis,
            ident,
            settings,
            end,
        })
    }
}

/// Takes `static`, and says what to write in its place.
fn static_keyword(input: ParseStream) -> syn::Result<()> {
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
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_around_settings() {
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
            let error = syn::parse_str::<ParsedBreakers>(given)
                .err()
                .unwrap()
                .to_string();
            // At the end of the input `syn` says so first.
            let error = error.trim_start_matches("unexpected end of input, ");
            assert!(error.starts_with(message), "{given}: {error}");
        }
    }
}
