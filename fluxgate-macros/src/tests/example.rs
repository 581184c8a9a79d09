//! The example `expanded` shows what is generated.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Item, ItemMod};

use super::validated;
use crate::expand;

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/expanded.rs");

fn module<'a>(file: &'a syn::File, name: &str) -> &'a ItemMod {
    file.items
        .iter()
        .find_map(|item| match item {
            Item::Mod(module) if module.ident == name => Some(module),
            _ => None,
        })
        .expect("the example has this module")
}

fn functions(module: &ItemMod) -> Vec<syn::ItemFn> {
    let items = module.content.iter().flat_map(|(_, items)| items);
    items
        .filter_map(|item| match item {
            Item::Fn(function) => Some(function.clone()),
            _ => None,
        })
        .collect()
}

/// Without what a formatter puts in and leaves out: the braces of closures, and
/// commas at the end.
fn normal(tokens: &TokenStream) -> String {
    let text = tokens.to_string();
    let is_kept = |c: &char| !c.is_whitespace() && !matches!(c, '{' | '}');
    text.chars()
        .filter(is_kept)
        .collect::<String>()
        .replace(",)", ")")
}

#[test]
fn example_shows_the_expansion() {
    let text = std::fs::read_to_string(EXAMPLE).expect("the example is part of the repository");
    let file = syn::parse_file(&text).unwrap();
    let shown = functions(module(&file, "expanded"));
    let written = functions(module(&file, "written"));
    assert_eq!(written.len(), 2);
    for mut function in written {
        let attribute = function.attrs.pop().expect("annotated");
        let args = attribute.meta.require_list().unwrap().tokens.clone();
        let protected = validated(args, &function.to_token_stream()).unwrap();
        let generated = expand::function(&protected);
        let name = function.sig.ident;
        let shown = shown
            .iter()
            .find(|shown| shown.sig.ident == name)
            .map(|shown| normal(&shown.to_token_stream()));
        assert_eq!(shown, Some(normal(&generated)), "{name}:\n{generated}");
    }
}
