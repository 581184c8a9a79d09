//! Return types, and what their syntax tells.

use proc_macro2::Span;
use syn::{
    GenericArgument, Path, PathArguments, PathSegment, Type, TypeParamBound, parse_quote_spanned,
};

/// A return type that is a future.
pub(crate) struct FutureOutput {
    /// What the future gives.
    pub(crate) output: Type,
    /// Whether it is `Pin<Box<…>>`.
    pub(crate) boxed: bool,
}

/// Recognizes `impl Future<Output = …>`, `Pin<Box<dyn Future<Output = …>>>` and the
/// aliases of the latter in the `futures` crates.
pub(crate) fn future(ty: &Type) -> Option<FutureOutput> {
    match ty {
        Type::Group(group) => future(&group.elem),
        Type::Paren(paren) => future(&paren.elem),
        Type::ImplTrait(of) => Some(FutureOutput {
            output: output_of(&of.bounds)?,
            boxed: false,
        }),
        Type::Path(path) => {
            let last = path.path.segments.last()?;
            let output = match last.ident.to_string().as_str() {
                "BoxFuture" | "LocalBoxFuture" => types(last).last()?.clone(),
                "Pin" => boxed_output(types(last).next()?)?,
                _ => return None,
            };
            Some(FutureOutput {
                output,
                boxed: true,
            })
        }
        _ => None,
    }
}

/// Returns `T` of `Box<dyn Future<Output = T>>`.
fn boxed_output(ty: &Type) -> Option<Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last()?;
    if last.ident != "Box" {
        return None;
    }
    match types(last).next()? {
        Type::TraitObject(object) => output_of(&object.bounds),
        Type::ImplTrait(of) => output_of(&of.bounds),
        _ => None,
    }
}

fn output_of<'a>(bounds: impl IntoIterator<Item = &'a TypeParamBound>) -> Option<Type> {
    bounds.into_iter().find_map(|bound| {
        let TypeParamBound::Trait(bound) = bound else {
            return None;
        };
        let last = bound.path.segments.last()?;
        if last.ident != "Future" {
            return None;
        }
        arguments(last).find_map(|argument| match argument {
            GenericArgument::AssocType(assoc) if assoc.ident == "Output" => Some(assoc.ty.clone()),
            _ => None,
        })
    })
}

fn arguments(segment: &PathSegment) -> impl Iterator<Item = &GenericArgument> {
    match &segment.arguments {
        PathArguments::AngleBracketed(arguments) => Some(&arguments.args),
        _ => None,
    }
    .into_iter()
    .flatten()
}

fn types(segment: &PathSegment) -> impl Iterator<Item = &Type> {
    arguments(segment).filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

/// Returns the type with `_` for every `impl Trait` in it, and whether there was any.
///
/// ```text
/// Input:  Result<impl Iterator<Item = u8> + '_, Error>
/// Output: Result<_, Error>
/// ```
pub(crate) fn erase(ty: &Type) -> (Type, bool) {
    let mut erased = ty.clone();
    let found = erase_in(&mut erased);
    (erased, found)
}

fn infer(span: Span) -> Type {
    parse_quote_spanned!(span=> _)
}

fn erase_in(ty: &mut Type) -> bool {
    match ty {
        Type::ImplTrait(of) => {
            *ty = infer(of.impl_token.span);
            true
        }
        Type::Array(array) => erase_in(&mut array.elem),
        Type::Group(group) => erase_in(&mut group.elem),
        Type::Paren(paren) => erase_in(&mut paren.elem),
        Type::Ptr(ptr) => erase_in(&mut ptr.elem),
        Type::Reference(reference) => erase_in(&mut reference.elem),
        Type::Slice(slice) => erase_in(&mut slice.elem),
        Type::Tuple(tuple) => tuple
            .elems
            .iter_mut()
            .fold(false, |found, ty| erase_in(ty) | found),
        Type::Path(path) => erase_in_path(&mut path.path),
        _ => false,
    }
}

fn erase_in_path(path: &mut Path) -> bool {
    let mut found = false;
    for segment in &mut path.segments {
        if let PathArguments::AngleBracketed(arguments) = &mut segment.arguments {
            for argument in &mut arguments.args {
                if let GenericArgument::Type(ty) = argument {
                    found |= erase_in(ty);
                }
            }
        }
    }
    found
}

/// Returns whether nothing is known of an [erased](erase) type: it was `impl Trait`
/// itself.
pub(crate) fn is_unknown(erased: &Type) -> bool {
    match erased {
        Type::Group(group) => is_unknown(&group.elem),
        Type::Paren(paren) => is_unknown(&paren.elem),
        Type::Infer(_) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use quote::ToTokens;
    use syn::parse_quote;

    use super::*;

    #[test]
    fn futures_are_recognized() {
        let given =
            |ty: Type| future(&ty).map(|f| (f.output.to_token_stream().to_string(), f.boxed));
        let some = |output: &str, boxed| Some((output.to_owned(), boxed));
        assert_eq!(
            given(parse_quote!(impl Future<Output = u8> + Send)),
            some("u8", false)
        );
        assert_eq!(
            given(parse_quote!(
                ::core::pin::Pin<
                    Box<dyn ::core::future::Future<Output = Result<u8, E>> + Send + 'a>,
                >
            )),
            some("Result < u8 , E >", true)
        );
        assert_eq!(
            given(parse_quote!(BoxFuture<'a, io::Result<()>>)),
            some("io :: Result < () >", true)
        );
        assert_eq!(given(parse_quote!(Result<u8, E>)), None);
        assert_eq!(given(parse_quote!(Pin<Box<u8>>)), None);
        assert_eq!(given(parse_quote!(impl Iterator<Item = u8>)), None);
    }

    #[test]
    fn impl_trait_is_erased() {
        let erased = |ty: Type| {
            let (ty, found) = erase(&ty);
            (ty.to_token_stream().to_string(), found)
        };
        assert_eq!(
            erased(parse_quote!(Result<(impl Fn(), Vec<impl Copy>), E>)),
            ("Result < (_ , Vec < _ >) , E >".to_owned(), true)
        );
        assert_eq!(
            erased(parse_quote!(Vec<u8>)),
            ("Vec < u8 >".to_owned(), false)
        );
    }
}
