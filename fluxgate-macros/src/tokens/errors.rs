//! Every mistake of one attribute, reported together.

use std::{cell::RefCell, fmt::Display};

use crate::tokens::Place;

/// Collects errors. It must be finished: one that is dropped with errors inside
/// would turn a wrong attribute into a silent one.
#[derive(Default)]
pub(crate) struct Errors {
    found: RefCell<Option<syn::Error>>,
    /// Nobody will ask what was found.
    trial: bool,
}

/// Shows that an error was reported, and nothing else need be said.
#[derive(Debug)]
pub(crate) struct Reported(());

impl Errors {
    pub(crate) fn push(&self, error: syn::Error) -> Reported {
        let mut found = self.found.borrow_mut();
        match &mut *found {
            Some(first) => first.combine(error),
            None => *found = Some(error),
        }
        Reported(())
    }

    pub(crate) fn at(&self, place: &Place, message: impl Display) -> Reported {
        self.push(place.error(message))
    }

    /// The value, or everything that is wrong with it.
    pub(crate) fn finish<T>(self, value: T) -> syn::Result<T> {
        match self.found.take() {
            Some(error) => Err(error),
            None => Ok(value),
        }
    }

    /// For parsing that may fail without harm.
    pub(crate) fn trial() -> Self {
        Self {
            found: RefCell::default(),
            trial: true,
        }
    }
}

impl Drop for Errors {
    fn drop(&mut self) {
        let lost = self.found.get_mut().is_some() && !self.trial;
        assert!(
            !lost || std::thread::panicking(),
            "errors of the attribute were not reported"
        );
    }
}

#[cfg(test)]
mod tests {
    use proc_macro2::Span;

    use super::*;

    #[test]
    fn every_error_is_kept() {
        let errors = Errors::default();
        errors.at(&Place::at(Span::call_site()), "one");
        errors.at(&Place::at(Span::call_site()), "two");
        let all: Vec<_> = errors
            .finish(())
            .unwrap_err()
            .into_iter()
            .map(|error| error.to_string())
            .collect();
        assert_eq!(all, ["one", "two"]);
    }

    #[test]
    #[should_panic(expected = "not reported")]
    fn dropping_errors_is_a_bug() {
        let errors = Errors::default();
        errors.at(&Place::at(Span::call_site()), "lost");
    }
}
