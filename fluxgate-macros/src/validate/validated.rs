//! What is expanded: options and function that passed every check.

use proc_macro2::{Group, Span, TokenStream};

use crate::{
    item::function::{Body, Target},
    settings::{Options, Site},
    tokens::errors::Errors,
    validate::{self, key_type::Key},
};

pub(crate) struct Protected {
    pub(crate) options: Options,
    pub(crate) target: Target,
    pub(crate) block: Group,
    pub(crate) key: Option<Key>,
}

impl Protected {
    /// # Errors
    ///
    /// Everything that is wrong with the attribute and the function.
    pub(crate) fn new(args: TokenStream, target: Target) -> syn::Result<Self> {
        let errors = Errors::default();
        let options = Options::parse(args, Site::Attribute, Span::call_site(), &errors);
        validate::check(&options, &target, &errors);
        let key = Key::new(&options, &target, &errors);
        let block = match &target.body {
            Body::Block(block) => Some(block.clone()),
            Body::None => None,
        };
        errors.finish(())?;
        let block = block.ok_or_else(|| syn::Error::new(Span::call_site(), "expected a body"))?;
        Ok(Self {
            options,
            target,
            block,
            key,
        })
    }
}
