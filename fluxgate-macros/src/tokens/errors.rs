//! The errors of one attribute, collected and reported together.

use std::{
    cell::{Cell, RefCell},
    fmt::Display,
};

use proc_macro2::Span;

use crate::tokens::Location;

/// How many mistakes are reported one by one. The compiler's output grows with
/// each of them, and so does the time it takes.
pub(crate) const MOST: usize = 20;

/// Collects errors. It must be finished: one that is dropped with errors inside
/// would turn a wrong attribute into a silent one.
#[derive(Default)]
pub(crate) struct ErrorList {
    found: RefCell<Option<syn::Error>>,
    count: Cell<usize>,
    /// Where the first mistake is that is only counted.
    beyond: Cell<Option<Span>>,
}

/// Proof that an error was reported. Only [`ErrorList`] makes it, so a parser that
/// returns `Result<_, Reported>` can't fail in silence.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reported(());

impl ErrorList {
    /// Adds an error.
    pub(crate) fn push(&self, error: syn::Error) -> Reported {
        self.add(|| error)
    }

    /// Adds an error at a place.
    pub(crate) fn at(&self, place: &Location, message: impl Display) -> Reported {
        self.add(|| place.error(message))
    }

    fn add(&self, error: impl FnOnce() -> syn::Error) -> Reported {
        let count = self.count.get();
        self.count.set(count + 1);
        // Describing a mistake may take long: one that is only counted is not.
        if count == MOST {
            self.beyond.set(Some(error().span()));
        } else if count < MOST {
            let error = bounded(error());
            let mut found = self.found.borrow_mut();
            match &mut *found {
                Some(first) => first.combine(error),
                None => *found = Some(error),
            }
        }
        Reported(())
    }

    /// Returns the value, or every error that was collected.
    pub(crate) fn finish<T>(self, value: Result<T, Reported>) -> syn::Result<T> {
        match (self.found.take(), value) {
            (None, Ok(value)) => Ok(value),
            (Some(error), _) => Err(self.counted(error)),
            // Of another attribute: `Reported` was made by other errors than these.
            (None, Err(Reported(()))) => unreachable!("the error was reported elsewhere"),
        }
    }

    /// Adds how many errors there are beyond those that are kept.
    fn counted(&self, mut error: syn::Error) -> syn::Error {
        if let Some(place) = self.beyond.get() {
            let more = self.count.get() - MOST;
            let mistakes = if more == 1 { "mistake" } else { "mistakes" };
            let message =
                format!("from here on {more} more {mistakes}; the first {MOST} are shown");
            error.combine(syn::Error::new(place, message));
        }
        error
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

impl Drop for ErrorList {
    fn drop(&mut self) {
        let lost = self.found.get_mut().is_some();
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
        let errors = ErrorList::default();
        errors.at(&Location::at(Span::call_site()), "one");
        errors.at(&Location::at(Span::call_site()), "two");
        let all: Vec<_> = errors
            .finish(Ok(()))
            .unwrap_err()
            .into_iter()
            .map(|error| error.to_string())
            .collect();
        assert_eq!(all, ["one", "two"]);
    }

    #[test]
    fn mistakes_beyond_the_limit_are_counted() {
        let errors = ErrorList::default();
        for n in 0..MOST + 5 {
            errors.at(&Location::at(Span::call_site()), n);
        }
        let all: Vec<_> = errors.finish(Ok(())).unwrap_err().into_iter().collect();
        assert_eq!(all.len(), MOST + 1);
        assert_eq!(
            all[MOST].to_string(),
            "from here on 5 more mistakes; the first 20 are shown"
        );
    }

    #[test]
    #[should_panic(expected = "not reported")]
    fn dropping_errors_is_a_bug() {
        let errors = ErrorList::default();
        errors.at(&Location::at(Span::call_site()), "lost");
    }
}
