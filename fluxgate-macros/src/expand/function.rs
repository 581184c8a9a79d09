//! Functions with their body behind the breaker.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Expr, Type, parse_quote_spanned, spanned::Spanned};

use super::{Runtime, arguments::Arguments, breaker, classify, keyed, maps, respanned};
use crate::{
    describe,
    item::{
        function::{Asyncness, Function},
        return_type,
    },
    validate::validated::{FunctionBreaker, ProtectedFunction, Rejection},
};

/// Writes the function with one call in it.
///
/// ```text
/// Input:  #[circuit_breaker]
///         fn quote(symbol: &str) -> Result<u32, Error> { … }
/// Output: fn quote(symbol: &str) -> Result<u32, Error> {
///             return ::fluxgate::__private::call(
///                 { static __FLUXGATE_BREAKER: … ; &__FLUXGATE_BREAKER },
///                 ::fluxgate::__private::Returning::<Result<u32, Error>>::new().classification()
///                     .by_classify(),
///                 ::fluxgate::__private::Returning::<Result<u32, Error>>::new().rejected(),
///                 move || -> Result<u32, Error> { … },
///             )
///         }
/// ```
pub(crate) fn function(protected: &ProtectedFunction) -> TokenStream {
    let path = super::runtime_path(protected.krate.as_ref());
    let fluxgate = Runtime(path.as_ref());
    let call = Invocation::new(protected, &fluxgate);
    let inputs = call.arguments.inputs.clone();
    let call = call.tokens();
    let handle = breaker::handle(&protected.breaker, &protected.function, &fluxgate);

    let Function {
        attrs,
        vis,
        modifiers,
        sig,
    } = &protected.function;
    let mut sig = sig.clone();
    sig.inputs = inputs;
    let mut body = Group::new(Delimiter::Brace, call);
    body.set_span(protected.body.span());
    let docs = docs(protected).into_iter();
    quote! {
        #(#attrs)*
        #(#[doc = #docs])*
        #vis #modifiers #sig #body
        #handle
    }
}

/// Describes the policy, for functions that are documented.
fn docs(protected: &ProtectedFunction) -> Option<String> {
    let attrs = &protected.function.attrs;
    let is_documented = attrs.iter().any(|attr| attr.path().is_ident("doc"));
    (is_documented && protected.is_described).then(|| describe::of_function(protected))
}

/// The parts of the one call in the expansion.
struct Invocation<'a> {
    fluxgate: &'a Runtime<'a>,
    asyncness: Asyncness,
    /// Finds the breaker of a key.
    lookup: Option<TokenStream>,
    breaker: TokenStream,
    judge: TokenStream,
    /// The return type, or what the returned future gives, without `impl Trait`.
    output: Type,
    /// Whether there was an `impl Trait` in it.
    is_partly_unknown: bool,
    /// The return type as the function has it, the same way.
    returned: Type,
    body: &'a Group,
    arguments: Arguments,
    rejection: &'a Rejection,
    capture: TokenStream,
}

impl<'a> Invocation<'a> {
    fn new(protected: &'a ProtectedFunction, fluxgate: &'a Runtime<'a>) -> Self {
        let ProtectedFunction {
            function,
            body,
            rejection,
            ..
        } = protected;
        let asyncness = function.asyncness();
        let returned: Type = match function.return_type() {
            Some(ty) => ty.clone(),
            // Errors about it stand where a return type would.
            None => parse_quote_spanned!(function.sig.ident.span()=> ()),
        };
        let output = match &asyncness {
            Asyncness::Sync | Asyncness::Async => &returned,
            Asyncness::Future(future) => &future.output,
        };
        let (erased, is_partly_unknown) = return_type::erase(output);
        let (lookup, breaker) = lookup(&protected.breaker, function, fluxgate);
        let mut judge = classify::judge(&protected.classification, output, fluxgate);
        if protected.failure_texts {
            judge.extend(quote!(.failure_texts()));
        }
        let capture = capture(rejection.expr(), function);
        let shared = match &protected.breaker {
            FunctionBreaker::Shared { breaker, .. } => Some(breaker),
            FunctionBreaker::Own { .. } => None,
        };
        let rejected = rejection.expr();
        let outside = quote!(#shared #judge #rejected);
        let moves = !capture.is_empty() || matches!(asyncness, Asyncness::Future(_));
        Self {
            arguments: Arguments::new(function, body, &outside, moves),
            lookup,
            breaker,
            judge,
            output: erased,
            is_partly_unknown,
            returned: return_type::erase(&returned).0,
            capture,
            fluxgate,
            asyncness,
            body,
            rejection,
        }
    }

    fn tokens(&self) -> TokenStream {
        let lookup = &self.lookup;
        // `return` is for users whose style it is; that it is not needed is not said
        // of generated code.
        match &self.asyncness {
            Asyncness::Sync => {
                let call = self.sync();
                quote!(#lookup return #call;)
            }
            Asyncness::Async => {
                let call = self.asynchronous(&self.pinned_async_block());
                if lookup.is_none() {
                    return quote!(return #call;);
                }
                // A future that is awaited at the end of a block would be dropped
                // after the local, and from another edition before it.
                let result = Ident::new("result", Span::mixed_site());
                quote!(#lookup let #result = #call; return #result;)
            }
            Asyncness::Future(future) => {
                let call = self.future(future.boxed);
                quote!(#lookup #call)
            }
        }
    }

    fn sync(&self) -> TokenStream {
        let Self {
            fluxgate,
            breaker,
            judge,
            output,
            body: block,
            arguments,
            capture,
            ..
        } = self;
        let block = arguments.before(block, output);
        let body = quote!(#capture || -> #output #block);
        match self.rejection {
            Rejection::Converted | Rejection::Mapped(_) => {
                let reject = self.reject();
                quote!(#fluxgate::__private::call(#breaker, #judge, #reject, #body))
            }
            Rejection::Fallback(fallback) => quote! {
                #fluxgate::__private::or_else(
                    #fluxgate::__private::try_call(#breaker, #judge, #body),
                    #fallback,
                )
            },
        }
    }

    /// Writes an async block whose type is fixed before its body is looked at, as that
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
            body: block,
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

    /// Awaits `body` through the breaker, in an async block or function.
    fn asynchronous(&self, body: &TokenStream) -> TokenStream {
        let Self {
            fluxgate,
            breaker,
            judge,
            ..
        } = self;
        let Rejection::Fallback(fallback) = self.rejection else {
            let reject = self.reject();
            return quote! {
                #fluxgate::__private::call_async(#breaker, #judge, #reject, #body).await
            };
        };
        // Errors about the fallback stand there.
        let place = fallback.span().resolved_at(Span::mixed_site());
        let [result, of] = ["result", "of"].map(|name| Ident::new(name, place));
        let or_await = respanned(quote!(#fluxgate::__private::or_await), place);
        let answered = respanned(quote!(#fluxgate::__private::answered), place);
        let outcome = quote! {
            #fluxgate::__private::try_call_async(#breaker, #judge, #body).await
        };
        quote_spanned! {place=>
            match #or_await(#outcome, #fallback) {
                ::core::result::Result::Ok(#result) => #result,
                ::core::result::Result::Err((#result, #of)) => { #answered(#result.await, #of) }
            }
        }
    }

    /// Writes a body that runs when the function is called, as it would without the
    /// attribute, and gives a future; that is what is protected.
    ///
    /// ```text
    /// Input:  fn f() -> Pin<Box<dyn Future<Output = Ret> + Send>> { body }
    /// Output: fn f() -> … {
    ///             let future = ::fluxgate::__private::run_now(move || -> … { body });
    ///             return ::std::boxed::Box::pin(async move { call_async(…).await })
    ///         }
    /// ```
    fn future(&self, boxed: bool) -> TokenStream {
        let Self {
            fluxgate,
            body: block,
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
            return #result;
        }
    }

    fn output_span(&self) -> Span {
        self.output.span().resolved_at(Span::mixed_site())
    }

    /// Writes what makes a rejection into a result. Errors about it belong to the return
    /// type.
    ///
    /// ```text
    /// Output: ::fluxgate::__private::Returning::<Ret>::new().rejected()
    ///
    /// Input:  map_rejection = to_error
    /// Output: ….mapped(|rejection| ….error(rejection, to_error))
    /// ```
    fn reject(&self) -> TokenStream {
        let Self {
            fluxgate, output, ..
        } = self;
        let place = self.output_span();
        let private = respanned(quote!(#fluxgate::__private), place);
        let returning = quote_spanned!(place=> #private::Returning::<#output>::new());
        if let Rejection::Mapped(map) = self.rejection {
            // By a type that is not whole the function's could not be told.
            if self.is_partly_unknown {
                return quote_spanned!(place=> #returning.mapped(#map));
            }
            let map = maps(map, output, fluxgate);
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

/// Writes what finds the breaker of a call, if that is needed, and how to get at it.
fn lookup(
    breaker: &FunctionBreaker,
    function: &Function,
    fluxgate: &Runtime<'_>,
) -> (Option<TokenStream>, TokenStream) {
    let reference = breaker::reference(breaker, function, fluxgate);
    let local = keyed::local();
    let lookup = match breaker.key() {
        Some(key) => {
            let own = match breaker {
                FunctionBreaker::Own { keys, .. } => keys.as_ref().map(|keys| &keys.set),
                FunctionBreaker::Shared { .. } => None,
            };
            keyed::lookup(key, &reference, own, fluxgate)
        }
        None if is_taken(breaker, function) => {
            let place = reference.span();
            let clone = quote_spanned!(place=> #fluxgate::CircuitBreaker::clone(#reference));
            quote!(let #local = #clone;)
        }
        None => return (None, reference),
    };
    (Some(lookup), quote!(&#local))
}

/// Returns whether the body takes along what the breaker is reached from:
/// `self.breaker` in a method with `&mut self`.
fn is_taken(breaker: &FunctionBreaker, function: &Function) -> bool {
    match breaker {
        FunctionBreaker::Shared { breaker, .. } => {
            mentions(breaker.to_token_stream(), &function.movable_arguments())
        }
        FunctionBreaker::Own { .. } => false,
    }
}

/// Returns `move`, unless the fallback, or `map_rejection`, uses an argument that the body would take along.
///
/// The fallback runs after the body is gone, so what the body only borrows is
/// there for the fallback. What the body itself consumes is not, and the
/// compiler says so at the fallback.
fn capture(rejected: Option<&Expr>, function: &Function) -> TokenStream {
    let movable = function.movable_arguments();
    let shares = rejected.is_some_and(|rejected| mentions(rejected.to_token_stream(), &movable));
    if shares {
        TokenStream::new()
    } else {
        quote!(move)
    }
}

/// Returns whether the tokens mention one of these names, also in the text of `format!`.
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
