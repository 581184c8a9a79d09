//! The function with its body behind the breaker.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Attribute, Type, parse_quote_spanned, spanned::Spanned};

use crate::expand::{Runtime, arguments::Arguments, breaker, classify, keyed, respanned};
use crate::{
    describe,
    item::{
        function::{Shape, Target},
        return_type,
    },
    settings::Options,
    validate::{key_type::Key, validated::Protected},
};

/// ```text
/// Input:  #[circuit_breaker]
///         fn quote(symbol: &str) -> Result<u32, Error> { … }
/// Output: fn quote(symbol: &str) -> Result<u32, Error> {
///             ::fluxgate::__private::call(
///                 { static __FLUXGATE_BREAKER: … ; &__FLUXGATE_BREAKER },
///                 ::fluxgate::__private::Returning::<Result<u32, Error>>::new().classification()
///                     .by_classify(),
///                 ::fluxgate::__private::Returning::<Result<u32, Error>>::new().rejected(),
///                 move || -> Result<u32, Error> { … },
///             )
///         }
/// ```
pub(crate) fn function(protected: &Protected) -> TokenStream {
    let Protected {
        options,
        target,
        block,
        key,
    } = protected;
    let path = super::runtime_path(options.krate.as_ref());
    let fluxgate = Runtime(path.as_ref());
    let call = Call::new(protected, &fluxgate);
    let inputs = call.arguments.inputs.clone();
    let call = call.tokens();
    let handle = handle(options, target, key.as_ref(), &fluxgate);

    let Target {
        attrs,
        vis,
        modifiers,
        sig,
        ..
    } = target;
    let mut sig = sig.clone();
    sig.inputs = inputs;
    let mut body = Group::new(Delimiter::Brace, call);
    body.set_span(block.span());
    let docs = docs(options, attrs).into_iter();
    quote! {
        #(#attrs)*
        #(#[doc = #docs])*
        #vis #modifiers #sig #body
        #handle
    }
}

/// The policy, for functions that are documented.
fn docs(options: &Options, attrs: &[Attribute]) -> Option<String> {
    let is_documented = attrs.iter().any(|attr| attr.path().is_ident("doc"));
    (is_documented && options.docs != Some(false)).then(|| describe::of_function(options))
}

fn handle(
    options: &Options,
    target: &Target,
    key: Option<&Key>,
    fluxgate: &Runtime<'_>,
) -> Option<TokenStream> {
    let handle = options.handle.as_ref()?;
    let is_cfg = |attr: &&Attribute| attr.path().is_ident("cfg");
    let cfgs: Vec<_> = target.attrs.iter().filter(is_cfg).collect();
    Some(breaker::handle(
        handle,
        &options.breaker,
        &target.sig.ident,
        &target.vis,
        &cfgs,
        key.and_then(|key| key.own.as_ref()),
        fluxgate,
    ))
}

/// The parts of the one call in the expansion.
struct Call<'a> {
    fluxgate: &'a Runtime<'a>,
    shape: Shape,
    /// Finds the breaker of a key.
    lookup: Option<TokenStream>,
    breaker: TokenStream,
    judge: TokenStream,
    /// The return type, or what the returned future gives, without `impl Trait`.
    output: Type,
    /// The return type as the function has it, the same way.
    returned: Type,
    block: &'a Group,
    arguments: Arguments,
    fallback: Option<TokenStream>,
    map_rejection: Option<TokenStream>,
    capture: TokenStream,
}

impl<'a> Call<'a> {
    fn new(protected: &'a Protected, fluxgate: &'a Runtime<'a>) -> Self {
        let Protected {
            options,
            target,
            block,
            key,
        } = protected;
        let shape = target.shape();
        let returned: Type = match target.return_type() {
            Some(ty) => ty.clone(),
            // Errors about it stand where a return type would.
            None => parse_quote_spanned!(target.sig.ident.span()=> ()),
        };
        let output = match &shape {
            Shape::Sync | Shape::Async => &returned,
            Shape::Future(future) => &future.output,
        };
        let (erased, _) = return_type::erase(output);
        let fallback = options.fallback.as_ref().map(ToTokens::to_token_stream);
        let map_rejection = options.map_rejection.as_ref();
        let map_rejection = map_rejection.map(ToTokens::to_token_stream);
        let breaker = breaker::reference(
            options,
            &target.sig.ident,
            target.is_associated(),
            key.as_ref().and_then(|key| key.own.as_ref()),
            fluxgate,
        );
        let (lookup, breaker) = match key {
            None if is_taken(options, target) => {
                let local = keyed::local();
                let place = breaker.span();
                let clone = quote_spanned!(place=> #fluxgate::CircuitBreaker::clone(#breaker));
                (Some(quote!(let #local = #clone;)), quote!(&#local))
            }
            None => (None, breaker),
            Some(key) => {
                let local = keyed::local();
                let lookup = keyed::lookup(key, &breaker, fluxgate);
                (Some(lookup), quote!(&#local))
            }
        };
        let judge = classify::judge(options, output, fluxgate);
        let capture = capture(fallback.as_ref().or(map_rejection.as_ref()), target);
        let shared = &options.shared;
        let outside = quote!(#shared #judge #fallback #map_rejection);
        let moves = !capture.is_empty() || matches!(shape, Shape::Future(_));
        Self {
            arguments: Arguments::new(target, block, &outside, moves),
            lookup,
            breaker,
            judge,
            output: erased,
            returned: return_type::erase(&returned).0,
            capture,
            fluxgate,
            shape,
            block,
            fallback,
            map_rejection,
        }
    }

    fn tokens(&self) -> TokenStream {
        let call = match &self.shape {
            Shape::Sync => self.sync(),
            Shape::Async => self.asynchronous(&self.pinned_async_block()),
            Shape::Future(future) => self.future(future.boxed),
        };
        match &self.lookup {
            None => call,
            // A future that is awaited at the end of a block would be dropped after
            // the local, and from another edition before it.
            Some(lookup) if matches!(self.shape, Shape::Async) => {
                let result = Ident::new("result", Span::mixed_site());
                quote!(#lookup let #result = #call; #result)
            }
            Some(lookup) => quote!(#lookup #call),
        }
    }

    fn sync(&self) -> TokenStream {
        let Self {
            fluxgate,
            breaker,
            judge,
            output,
            block,
            arguments,
            capture,
            ..
        } = self;
        let block = arguments.before(block, output);
        let body = quote!(#capture || -> #output #block);
        match &self.fallback {
            None => {
                let reject = self.reject();
                quote!(#fluxgate::__private::call(#breaker, #judge, #reject, #body))
            }
            Some(fallback) => quote! {
                #fluxgate::__private::or_else(
                    #fluxgate::__private::try_call(#breaker, #judge, #body),
                    #fallback,
                )
            },
        }
    }

    /// An async block whose type is fixed before its body is looked at, as that
    /// of a function is.
    ///
    /// ```text
    /// Input:  { body }
    /// Output: async move {
    ///             if let ::core::option::Option::Some(result) = nothing::<Ret>() {
    ///                 return result;
    ///             }
    ///             body
    ///         }
    /// ```
    fn pinned_async_block(&self) -> TokenStream {
        let Self {
            fluxgate,
            output,
            block,
            arguments,
            capture,
            ..
        } = self;
        let result = Ident::new("result", Span::mixed_site());
        let statements = arguments.before(block, output).stream();
        let mut pinned = Group::new(
            Delimiter::Brace,
            quote! {
                if let ::core::option::Option::Some(#result) =
                    #fluxgate::__private::nothing::<#output>()
                {
                    return #result;
                }
                #statements
            },
        );
        pinned.set_span(block.span());
        quote!(async #capture #pinned)
    }

    /// Inside an async block or function: awaits `body` through the breaker.
    fn asynchronous(&self, body: &TokenStream) -> TokenStream {
        let Self {
            fluxgate,
            breaker,
            judge,
            ..
        } = self;
        let Some(fallback) = &self.fallback else {
            let reject = self.reject();
            return quote! {
                #fluxgate::__private::call_async(#breaker, #judge, #reject, #body).await
            };
        };
        // Errors about the fallback stand there.
        let place = fallback.span().resolved_at(Span::mixed_site());
        let result = Ident::new("result", place);
        let or_await = respanned(quote!(#fluxgate::__private::or_await), place);
        let outcome = quote! {
            #fluxgate::__private::try_call_async(#breaker, #judge, #body).await
        };
        quote_spanned! {place=>
            match #or_await(#outcome, #fallback) {
                ::core::result::Result::Ok(#result) => #result,
                ::core::result::Result::Err(#result) => #result.await,
            }
        }
    }

    /// The body runs when the function is called, as it would without the
    /// attribute, and gives a future; that is what is protected.
    ///
    /// ```text
    /// Input:  fn f() -> Pin<Box<dyn Future<Output = Ret> + Send>> { body }
    /// Output: fn f() -> … {
    ///             let future = ::fluxgate::__private::run_now(move || -> … { body });
    ///             ::std::boxed::Box::pin(async move { call_async(…).await })
    ///         }
    /// ```
    fn future(&self, boxed: bool) -> TokenStream {
        let Self {
            fluxgate,
            block,
            arguments,
            returned,
            ..
        } = self;
        let block = arguments.before(block, returned);
        let future = Ident::new("future", Span::mixed_site());
        let protected = self.asynchronous(&future.to_token_stream());
        let mut result = quote!(async move { #protected });
        if boxed {
            result = quote!(::std::boxed::Box::pin(#result));
        }
        quote! {
            let #future = #fluxgate::__private::run_now(move || -> #returned #block);
            #result
        }
    }

    fn output_span(&self) -> Span {
        self.output.span().resolved_at(Span::mixed_site())
    }

    /// What makes a rejection into a result. Errors about it belong to the return
    /// type.
    ///
    /// ```text
    /// Output: ::fluxgate::__private::Returning::<Ret>::new().rejected()
    ///
    /// Input:  map_rejection = to_error
    /// Output: ….mapped(to_error)
    /// ```
    fn reject(&self) -> TokenStream {
        let Self {
            fluxgate, output, ..
        } = self;
        let place = self.output_span();
        let private = respanned(quote!(#fluxgate::__private), place);
        let returning = quote_spanned!(place=> #private::Returning::<#output>::new());
        if let Some(map) = &self.map_rejection {
            return quote_spanned!(place=> #returning.mapped(#map));
        }
        // The shape of a type without a name is not looked for.
        if return_type::is_unknown(output) {
            quote_spanned!(place=> #private::rejected::<#output>)
        } else {
            quote_spanned!(place=> #returning.rejected())
        }
    }
}

/// Whether the body takes along what the breaker is reached from: `self.breaker`
/// in a method with `&mut self`.
fn is_taken(options: &Options, target: &Target) -> bool {
    options
        .shared
        .as_ref()
        .is_some_and(|shared| mentions(shared.to_token_stream(), &target.movable_arguments()))
}

/// `move`, unless the fallback, or `map_rejection`, uses an argument that the body would take along.
///
/// The fallback runs after the body is gone, so what the body only borrows is
/// there for the fallback. What the body itself consumes is not, and the
/// compiler says so at the fallback.
fn capture(fallback: Option<&TokenStream>, target: &Target) -> TokenStream {
    let movable = target.movable_arguments();
    let shares = fallback.is_some_and(|fallback| mentions(fallback.clone(), &movable));
    if shares {
        TokenStream::new()
    } else {
        quote!(move)
    }
}

/// Whether the tokens mention one of these names, also in the text of `format!`.
pub(super) fn mentions(tokens: TokenStream, names: &[String]) -> bool {
    tokens.into_iter().any(|tree| match tree {
        TokenTree::Ident(ident) => names.iter().any(|name| ident == name),
        TokenTree::Group(group) => mentions(group.stream(), names),
        // `format!("{name}")`.
        TokenTree::Literal(literal) => {
            let text = literal.to_string();
            names.iter().any(|name| text.contains(&format!("{{{name}")))
        }
        TokenTree::Punct(_) => false,
    })
}
