//! The default name of a breaker.

use std::sync::{Mutex, PoisonError};

use crate::Name;

/// The default names in use. A path can lead to several functions, since blocks
/// have no names: one that is taken gets a number.
static TAKEN: Mutex<Vec<Name>> = Mutex::new(Vec::new());

/// The path of a function, or of a static of `breaker!`, and the name it has in
/// the source.
///
/// `anchor` is a function inside the initialiser of the breaker's static. Its
/// path, which the compiler writes, leads through the type whose method it is,
/// so that methods of one name in one module have names of their own.
#[must_use]
pub fn default_name<T: ?Sized>(anchor: &T, item: &str) -> Name {
    let path = named(std::any::type_name_of_val(anchor), item);
    let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut name = path.clone();
    let mut number = 1;
    while taken.contains(&name) {
        number += 1;
        name = format!("{path}#{number}").into();
    }
    taken.push(name.clone());
    name
}

fn named(path: &'static str, item: &str) -> Name {
    let path = path
        .split_once("::__FLUXGATE_BREAKER")
        .map_or(path, |(function, _)| function);
    let path = path.strip_suffix("::anchor").unwrap_or(path);
    let path = path.strip_suffix("::{{closure}}").unwrap_or(path);
    let item = item.strip_prefix("r#").unwrap_or(item);
    let (parent, last) = path.rsplit_once("::").unwrap_or(("", path));
    let is_own = last == item || last.strip_prefix("r#") == Some(item);
    if is_own && !path.contains("{{") {
        return path.into();
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
    fn a_breaker_in_a_handle_is_named_after_the_function() {
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
}
