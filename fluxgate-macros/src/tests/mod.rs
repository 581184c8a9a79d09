//! Messages, and what they underline.
#![allow(clippy::too_many_lines, reason = "tables")]

mod bounds;
mod completion;
mod display;
mod documented;
mod example;
mod expansion;
mod fleet;
mod grammar;
mod habits;
mod items;
mod policy;
mod rules;
mod run_time;
mod simulated;
mod table;
mod throttle;
mod values;

use proc_macro2::{Span, TokenStream};

use crate::{
    item::function::ParsedFunction,
    settings::{ItemSettings, Site},
    tokens::errors::ErrorList,
    validate::{self, validated::ProtectedFunction},
};

const FUNCTION: &str = "fn quote(symbol: &str) -> Result<u32, Error> { body() }";

fn protected(args: &str, item: &str) -> syn::Result<ProtectedFunction> {
    let args: TokenStream = args.parse().expect("balanced arguments");
    let item: TokenStream = item.parse().expect("balanced item");
    validated(args, &item)
}

/// Takes the attribute through the stages before expansion.
fn validated(args: TokenStream, item: &TokenStream) -> syn::Result<ProtectedFunction> {
    let function = ParsedFunction::parse(item)?;
    let errors = ErrorList::default();
    let settings = ItemSettings::parse(args, Site::Function, Span::call_site(), &errors);
    let validated = validate::function(function, settings, &errors);
    errors.finish(validated)
}

/// What is wrong: what is underlined, and the message.
fn faults(args: &str) -> Vec<(String, String)> {
    faults_on(args, FUNCTION)
}

fn faults_on(args: &str, item: &str) -> Vec<(String, String)> {
    match protected(args, item) {
        Ok(_) => Vec::new(),
        Err(error) => error
            .into_iter()
            .map(|error| {
                let underlined = error.span().source_text().unwrap_or_default();
                (underlined, error.to_string())
            })
            .collect(),
    }
}

#[track_caller]
fn accepted(args: &str) {
    assert_eq!(faults(args), []);
}

/// The one fault of `args`: what it underlines, and how its message begins.
#[track_caller]
fn refused(args: &str, underlined: &str, message: &str) {
    let found = faults(args);
    let [(at, text)] = found.as_slice() else {
        panic!("one fault in {args}: {found:#?}");
    };
    assert!(
        text.starts_with(message),
        "{args}\nexpected: {message}\n   found: {text}"
    );
    assert_eq!(at, underlined, "{text}");
}
