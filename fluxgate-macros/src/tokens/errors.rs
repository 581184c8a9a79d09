//! Every mistake of one attribute, reported together.

use std::{
    cell::{Cell, RefCell},
    fmt::Display,
};

use proc_macro2::Span;

use crate::tokens::Place;

/// How many mistakes are reported one by one. The compiler's output grows with
/// each of them, and so does the time it takes.
pub(crate) const MOST: usize = 20;

/// Collects errors. It must be finished: one that is dropped with errors inside
/// would turn a wrong attribute into a silent one.
#[derive(Default)]
pub(crate) struct Errors {
    found: RefCell<Option<syn::Error>>,
    count: Cell<usize>,
    /// Where the first mistake is that is only counted.
    beyond: Cell<Option<Span>>,
    /// Nobody will ask what was found.
    trial: bool,
}

/// Shows that an error was reported, and nothing else need be said.
#[derive(Debug)]
pub(crate) struct Reported(());

impl Errors {
    pub(crate) fn push(&self, error: syn::Error) -> Reported {
        self.add(|| error)
    }

    pub(crate) fn at(&self, place: &Place, message: impl Display) -> Reported {
        self.add(|| place.error(message))
    }

    fn add(&self, error: impl FnOnce() -> syn::Error) -> Reported {
        let count = self.count.get();
        self.count.set(count + 1);
        // Of a trial the first error is enough to know that it failed.
        // Describing a mistake may take long: one that is only counted is not.
        let most = if self.trial { 1 } else { MOST };
        if count == most {
            self.beyond.set(Some(error().span()));
        } else if count < most {
            let error = bounded(error());
            let mut found = self.found.borrow_mut();
            match &mut *found {
                Some(first) => first.combine(error),
                None => *found = Some(error),
            }
        }
        Reported(())
    }

    /// The value, or everything that is wrong with it.
    pub(crate) fn finish<T>(self, value: T) -> syn::Result<T> {
        let Some(mut error) = self.found.take() else {
            return Ok(value);
        };
        if let Some(place) = self.beyond.get() {
            let more = self.count.get() - MOST;
            let mistakes = if more == 1 { "mistake" } else { "mistakes" };
            let message =
                format!("from here on {more} more {mistakes}; the first {MOST} are shown");
            error.combine(syn::Error::new(place, message));
        }
        Err(error)
    }

    /// For parsing that may fail without harm.
    pub(crate) fn trial() -> Self {
        Self {
            found: RefCell::default(),
            count: Cell::default(),
            beyond: Cell::default(),
            trial: true,
        }
    }
}

/// The most characters of one message: what is quoted in it may be of any length.
const LONGEST: usize = 2000;

fn bounded(error: syn::Error) -> syn::Error {
    let message = error.to_string();
    match message.char_indices().nth(LONGEST) {
        Some((end, _)) => syn::Error::new(error.span(), format!("{}…", &message[..end])),
        None => error,
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
    fn mistakes_beyond_the_limit_are_counted() {
        let errors = Errors::default();
        for n in 0..MOST + 5 {
            errors.at(&Place::at(Span::call_site()), n);
        }
        let all: Vec<_> = errors.finish(()).unwrap_err().into_iter().collect();
        assert_eq!(all.len(), MOST + 1);
        assert_eq!(
            all[MOST].to_string(),
            "from here on 5 more mistakes; the first 20 are shown"
        );
    }

    #[test]
    #[should_panic(expected = "not reported")]
    fn dropping_errors_is_a_bug() {
        let errors = Errors::default();
        errors.at(&Place::at(Span::call_site()), "lost");
    }
}
