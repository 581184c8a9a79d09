//! The default name of a breaker.

use std::{
    any::{TypeId, type_name_of_val},
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
};

use crate::Name;

/// The default names in use. A path can lead to several functions, since blocks
/// have no names: one that is taken gets a number.
struct Names {
    /// By the types of the anchors: a breaker that is built again, for a test or
    /// after a panic, keeps its name.
    given: BTreeMap<TypeId, Name>,
    taken: BTreeSet<Name>,
}

static NAMES: Mutex<Names> = Mutex::new(Names {
    given: BTreeMap::new(),
    taken: BTreeSet::new(),
});

/// Makes a name of the path of a function, or of a static of `breaker!`, and the
/// name that it has in the source.
///
/// `anchor` is a function inside the initialiser of the breaker's static. Its
/// path, which the compiler writes, leads through the type whose method it is,
/// so that methods of one name in one module have names of their own. Compilers
/// differ in whether they write lifetimes, so these are left out.
#[must_use]
#[inline]
pub fn default_name<T: ?Sized + 'static>(anchor: &T, item: &str) -> Name {
    name_of(TypeId::of::<T>(), type_name_of_val(anchor), item)
}

/// Does so without the anchor's type, and thus once for all annotated functions.
fn name_of(anchor: TypeId, path: &str, item: &str) -> Name {
    let path = named(&without_lifetimes(path), item);
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    let Names { given, taken } = &mut *names;
    let name = given.entry(anchor).or_insert_with(|| {
        let mut name = path.clone();
        let mut number = 1;
        while !taken.insert(name.clone()) {
            number += 1;
            name = format!("{path}#{number}").into();
        }
        name
    });
    name.clone()
}

/// Removes the lifetimes from a type's name.
///
/// ```text
/// Input:  <app::Page<'_, &'_ u8> as app::Show<'_>>::show
/// Output: <app::Page<&u8> as app::Show>::show
/// ```
fn without_lifetimes(path: &str) -> String {
    let mut kept = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(at) = rest.find('\'') {
        kept.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(end) = char_literal(rest) {
            kept.push_str(&rest[..end]);
            rest = &rest[end..];
            continue;
        }
        let lifetime = rest[1..].find(|c: char| !c.is_alphanumeric() && c != '_');
        rest = lifetime.map_or("", |end| &rest[1 + end..]);
        // A bound of a trait object, the first of several arguments, a reference.
        if let Some(bounds) = kept.strip_suffix(" + ") {
            kept.truncate(bounds.len());
        } else if let Some(others) = rest.strip_prefix(", ") {
            rest = others;
        } else if let Some(referred) = rest.strip_prefix(' ') {
            rest = referred;
        }
    }
    kept.push_str(rest);
    kept.replace("for<> ", "").replace("<>", "")
}

/// Returns where the character of a constant argument ends, as in `Cell<'x'>`.
fn char_literal(text: &str) -> Option<usize> {
    let mut chars = text.char_indices().skip(1);
    let (_, first) = chars.next()?;
    if first == '\\' {
        chars.next()?;
        return chars.find(|(_, c)| *c == '\'').map(|(at, _)| at + 1);
    }
    chars
        .next()
        .filter(|(_, c)| *c == '\'')
        .map(|(at, _)| at + 1)
}

fn named(path: &str, item: &str) -> Name {
    let path = path
        .split_once("::__FLUXGATE_BREAKER")
        .map_or(path, |(function, _)| function);
    let path = path.strip_suffix("::anchor").unwrap_or(path);
    let path = path.strip_suffix("::{{closure}}").unwrap_or(path);
    let item = item.strip_prefix("r#").unwrap_or(item);
    let (parent, last) = path.rsplit_once("::").unwrap_or(("", path));
    let is_own = last == item || last.strip_prefix("r#") == Some(item);
    if is_own && !path.contains("{{") {
        return path.to_owned().into();
    }
    // In a handle, whose name is another, and inside closures.
    let mut parts: Vec<_> = split(parent)
        .into_iter()
        .filter(|part| !part.starts_with("{{"))
        .collect();
    parts.push(item);
    parts.join("::").into()
}

/// At the `::` outside of angle brackets.
fn split(path: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    let bytes = path.as_bytes();
    for (at, byte) in path.bytes().enumerate() {
        match byte {
            b'<' => depth += 1,
            b'>' if at == 0 || bytes[at - 1] != b'-' => depth = depth.saturating_sub(1),
            b':' if depth == 0 && at > 0 && bytes[at - 1] == b':' => {
                parts.push(&path[start..at - 1]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&path[start..]);
    parts.retain(|part| !part.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machinery_is_left_out() {
        let own = "app::api::quote::__FLUXGATE_BREAKER::{{closure}}::anchor";
        assert_eq!(named(own, "quote"), "app::api::quote");
        assert_eq!(
            named("app::PAYMENTS::{{closure}}::anchor", "PAYMENTS"),
            "app::PAYMENTS"
        );
    }

    #[test]
    fn breaker_in_handle_has_the_functions_name() {
        let handle = "app::quote_breaker::__FLUXGATE_BREAKER::{{closure}}::anchor";
        assert_eq!(named(handle, "quote"), "app::quote");
    }

    #[test]
    fn methods_keep_their_type_and_trait() {
        let path = "<app::Client<T> as app::Api>::get::__FLUXGATE_BREAKER::{{closure}}::anchor";
        assert_eq!(named(path, "get"), "<app::Client<T> as app::Api>::get");
        let handle = "<app::Client<T>>::breaker::__FLUXGATE_BREAKER::{{closure}}::anchor";
        assert_eq!(named(handle, "get"), "<app::Client<T>>::get");
    }

    #[test]
    fn closures_around_the_function_do_not_show() {
        let path = "app::main::{{closure}}::inner::__FLUXGATE_BREAKER::{{closure}}::anchor";
        assert_eq!(named(path, "inner"), "app::main::inner");
    }

    #[test]
    fn lifetimes_are_left_out() {
        let rows = [
            ("z::L<'_>::f", "z::L::f"),
            ("z::P<'_, _>::f", "z::P<_>::f"),
            ("z::P<'a, 'b, u8>::f", "z::P<u8>::f"),
            ("z::P<'_, &str>::h", "z::P<&str>::h"),
            (
                "z::P<'_, fn(&'_ u8) -> &'_ u8>::i",
                "z::P<fn(&u8) -> &u8>::i",
            ),
            (
                "z::P<'_, alloc::boxed::Box<dyn core::ops::function::Fn(&'_ str) + core::marker::Send + '_>>::j",
                "z::P<alloc::boxed::Box<dyn core::ops::function::Fn(&str) + core::marker::Send>>::j",
            ),
            (
                "z::P<alloc::boxed::Box<dyn z::Tr<>>>::k",
                "z::P<alloc::boxed::Box<dyn z::Tr>>::k",
            ),
            (
                "z::P<for<'a, 'b> fn(&'a u8, &'b mut u8)>::k",
                "z::P<fn(&u8, &mut u8)>::k",
            ),
            (
                "<[&'static z::L<'_>; 3] as z::Tr<'_>>::f",
                "<[&z::L; 3] as z::Tr>::f",
            ),
            ("z::C<'x'>::f", "z::C<'x'>::f"),
            ("z::C<'_, '\\''>::f", "z::C<'\\''>::f"),
            ("z::C<'\\u{1f600}', 'é'>::f", "z::C<'\\u{1f600}', 'é'>::f"),
        ];
        for (path, name) in rows {
            assert_eq!(without_lifetimes(path), name);
        }
    }

    #[test]
    fn name_of_one_anchor_stays() {
        fn anchor() {}
        let first = default_name(&anchor, "again");
        assert_eq!(default_name(&anchor, "again"), first);
    }
}
