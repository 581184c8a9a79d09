//! The type as a whole: every variant says its outcome, and says it of fields
//! that it has.

use syn::{
    Data, DeriveInput, Field, Fields, Ident, Member, Path, Type, ext::IdentExt, spanned::Spanned,
};

use super::attribute::{self, HELP, Said, VariantClass, WaitField};
use crate::tokens::errors::{ErrorList, Reported};

/// The type, with the outcome of each variant. A struct is one variant without a
/// name.
pub(super) struct ClassifiedType<'a> {
    pub(super) variants: Vec<Variant<'a>>,
    /// The runtime crate, if it goes by another name.
    pub(super) krate: Option<Path>,
}

pub(super) struct Variant<'a> {
    pub(super) name: Option<&'a Ident>,
    pub(super) outcome: VariantOutcome<'a>,
}

pub(super) enum VariantOutcome<'a> {
    Plain(PlainOutcome),
    WithWait(PlainOutcome, BoundField<'a>),
    With(syn::Expr, Vec<BoundField<'a>>),
    Transparent(BoundField<'a>),
}

#[derive(Clone, Copy)]
pub(super) enum PlainOutcome {
    Success,
    Failure,
    Overloaded,
    Alive,
    Ignored,
}

/// A field that the outcome looks at.
pub(super) struct BoundField<'a> {
    pub(super) member: Member,
    pub(super) ty: &'a Type,
}

impl<'a> ClassifiedType<'a> {
    pub(super) fn new(input: &'a DeriveInput, errors: &ErrorList) -> Self {
        let own = attribute::read(&input.attrs, errors);
        let krate = own.krate.as_ref().map(|(path, _)| path.clone());
        let variants = match &input.data {
            Data::Enum(data) => {
                enum_says_nothing(&own, input, errors);
                if data.variants.is_empty() {
                    errors.push(syn::Error::new(
                        input.ident.span(),
                        format!(
                            "`{0}` has no variants and so never says anything; remove the \
                             derive, or use `std::convert::Infallible` in place of `{0}`",
                            input.ident
                        ),
                    ));
                }
                let variants = data.variants.iter().filter_map(|variant| {
                    no_fields_say(&variant.fields, errors);
                    let said = attribute::read(&variant.attrs, errors);
                    crate_at_type(&said, errors);
                    let outcome = outcome(said, &variant.ident, &variant.fields, errors).ok()?;
                    Some(Variant {
                        name: Some(&variant.ident),
                        outcome,
                    })
                });
                variants.collect()
            }
            Data::Struct(data) => {
                no_fields_say(&data.fields, errors);
                let outcome = outcome(own, &input.ident, &data.fields, errors);
                let variant = outcome.map(|outcome| Variant {
                    name: None,
                    outcome,
                });
                variant.into_iter().collect()
            }
            Data::Union(data) => {
                errors.push(syn::Error::new(
                    data.union_token.span(),
                    "a union does not know which of its fields it is; `Classify` is for enums \
                     and structs",
                ));
                Vec::new()
            }
        };
        Self { variants, krate }
    }
}

fn enum_says_nothing(own: &Said, input: &DeriveInput, errors: &ErrorList) {
    let is_wrong = own.class.is_some() || (own.is_there && own.krate.is_none());
    let attr = input.attrs.iter().find(|it| it.path().is_ident("outcome"));
    if let (true, Some(attr)) = (is_wrong, attr) {
        errors.push(syn::Error::new_spanned(
            attr,
            "an outcome for the whole enum would decide about variants to come; write \
             `#[outcome(…)]` at each variant",
        ));
    }
}

fn crate_at_type(said: &Said, errors: &ErrorList) {
    if let Some((_, span)) = &said.krate {
        errors.push(syn::Error::new(
            *span,
            "`crate` belongs to the whole type: write `#[outcome(crate = …)]` above the enum",
        ));
    }
}

fn no_fields_say(fields: &Fields, errors: &ErrorList) {
    for attr in fields.iter().flat_map(|field| &field.attrs) {
        if attr.path().is_ident("outcome") {
            errors.push(syn::Error::new_spanned(
                attr,
                "an outcome belongs to the whole variant; write it above, and \
                 `retry_after = field` or `with = |field, …| …` for what depends on fields",
            ));
        }
    }
}

fn outcome<'a>(
    said: Said,
    name: &Ident,
    fields: &'a Fields,
    errors: &ErrorList,
) -> Result<VariantOutcome<'a>, Reported> {
    let class = match (said.class, said.reported) {
        (Some(class), _) => class,
        (None, Some(reported)) if said.krate.is_none() => return Err(reported),
        (None, _) => {
            return Err(errors.push(syn::Error::new(
                name.span(),
                format!("`{name}` does not say what it means for a circuit breaker; write {HELP}"),
            )));
        }
    };
    let (plain, wait) = match class {
        VariantClass::Success => (PlainOutcome::Success, None),
        VariantClass::Alive => (PlainOutcome::Alive, None),
        VariantClass::Ignored => (PlainOutcome::Ignored, None),
        VariantClass::Failure(wait) => (PlainOutcome::Failure, wait),
        VariantClass::Overloaded(wait) => (PlainOutcome::Overloaded, wait),
        VariantClass::With(function) => {
            let bound = match inner(fields) {
                Some(bound) => vec![bound],
                None => bound(fields).collect(),
            };
            return Ok(VariantOutcome::With(function, bound));
        }
        VariantClass::Transparent(span) => {
            let Some(inner) = inner(fields) else {
                return Err(errors.push(syn::Error::new(
                    span,
                    format!(
                        "`transparent` takes the outcome of the error inside, and `{name}` has \
                         {} fields and none that is its `source`; write `with = |…| …`",
                        fields.len()
                    ),
                )));
            };
            return Ok(VariantOutcome::Transparent(inner));
        }
    };
    match wait {
        None => Ok(VariantOutcome::Plain(plain)),
        Some(wait) => {
            find(&wait, name, fields, errors).map(|it| VariantOutcome::WithWait(plain, it))
        }
    }
}

fn bound(fields: &Fields) -> impl Iterator<Item = BoundField<'_>> {
    fields
        .iter()
        .zip(fields.members())
        .map(|(field, member)| BoundField {
            member,
            ty: &field.ty,
        })
}

/// Returns the only field, or the one that is the error's source.
fn inner(fields: &Fields) -> Option<BoundField<'_>> {
    if fields.len() == 1 {
        return bound(fields).next();
    }
    let at = fields.iter().position(is_source)?;
    bound(fields).nth(at)
}

/// Returns whether a field is the source of the error, as thiserror and snafu see it.
fn is_source(field: &Field) -> bool {
    let named = field.ident.as_ref();
    named.is_some_and(|ident| ident == "source")
        || field
            .attrs
            .iter()
            .any(|attr| attr.path().is_ident("source") || attr.path().is_ident("from"))
}

fn find<'a>(
    wait: &WaitField,
    name: &Ident,
    fields: &'a Fields,
    errors: &ErrorList,
) -> Result<BoundField<'a>, Reported> {
    let found = bound(fields).find(|field| match (&field.member, &wait.field) {
        (Member::Named(a), Member::Named(b)) => a.unraw() == b.unraw(),
        (Member::Unnamed(a), Member::Unnamed(b)) => a.index == b.index,
        _ => false,
    });
    let given = match &wait.field {
        Member::Named(ident) => ident.to_string(),
        Member::Unnamed(index) => index.index.to_string(),
    };
    if let Some(field) = found {
        // Errors about its type stand where it was named.
        return Ok(BoundField {
            member: respanned(field.member, wait.field.span()),
            ..field
        });
    }
    let listed: Vec<_> = bound(fields)
        .map(|field| match field.member {
            Member::Named(ident) => format!("`{ident}`"),
            Member::Unnamed(index) => format!("`{}`", index.index),
        })
        .collect();
    let advice = if listed.is_empty() {
        "it has none".to_owned()
    } else {
        format!("it has {}", listed.join(", "))
    };
    Err(errors.push(syn::Error::new(
        wait.field.span(),
        format!("`{name}` has no field `{given}`; {advice}"),
    )))
}

fn respanned(member: Member, span: proc_macro2::Span) -> Member {
    match member {
        Member::Named(mut ident) => {
            ident.set_span(span.located_at(span).resolved_at(ident.span()));
            Member::Named(ident)
        }
        Member::Unnamed(mut index) => {
            index.span = span;
            Member::Unnamed(index)
        }
    }
}
