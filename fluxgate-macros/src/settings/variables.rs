//! The names in a value that may stand for variables.

use proc_macro2::Ident;

use crate::tokens::{LocatedToken, Tree};

/// A name in a value that may stand for a variable.
pub(crate) struct FreeName {
    pub(crate) ident: Ident,
    /// The setting it stands in.
    pub(crate) setting: &'static str,
}

/// Finds the names that stand alone: not in a path, no field, method, function or
/// argument. Closures have variables of their own, and are left out.
pub(super) fn find(tokens: &[LocatedToken], setting: &'static str, found: &mut Vec<FreeName>) {
    if tokens.iter().any(|token| token.is_punct('|')) && setting == "listeners" {
        return;
    }
    for (at, token) in tokens.iter().enumerate() {
        let is = |other: Option<&LocatedToken>, chars: &[char]| {
            other.is_some_and(|other| chars.iter().any(|char| other.is_punct(*char)))
        };
        let before = at.checked_sub(1).map(|at| &tokens[at]);
        let after = tokens.get(at + 1);
        match &token.tree {
            Tree::Ident(ident)
                if !is(before, &['.', ':', '\'']) && !is(after, &['=', ':', '!']) =>
            {
                let is_call = after.is_some_and(|next| matches!(next.tree, Tree::Group { .. }));
                if !is_call {
                    found.push(FreeName {
                        ident: ident.clone(),
                        setting,
                    });
                }
            }
            Tree::Group { inner, .. } => {
                let is_closure = inner.iter().any(|token| token.is_punct('|'));
                let of = before.and_then(LocatedToken::ident);
                if !(is_closure && of.is_some_and(|of| of == "Custom")) {
                    find(inner, setting, found);
                }
            }
            _ => {}
        }
    }
}
