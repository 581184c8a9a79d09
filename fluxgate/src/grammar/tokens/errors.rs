//! The mistakes in one text, collected and reported together.

use std::{
    cell::{Cell, RefCell},
    fmt::Display,
};

use super::Location;

/// How many mistakes are reported one by one.
pub(crate) const MOST: usize = 20;

/// The most characters of one message: what is quoted in it may be of any length.
const LONGEST: usize = 2000;

/// What ends the cutting into tokens.
pub(crate) struct LexError {
    pub(crate) place: Location,
    pub(crate) message: String,
}

/// Collects mistakes.
#[derive(Default)]
pub(crate) struct ErrorList {
    found: RefCell<Vec<(Location, String)>>,
    count: Cell<usize>,
    /// Where the first mistake is that is only counted.
    beyond: Cell<Option<Location>>,
}

/// Proof that a mistake was reported. Only [`ErrorList`] makes it, so a parser that
/// returns `Result<_, Reported>` can't fail in silence.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reported(());

impl ErrorList {
    /// Adds a mistake at a place.
    pub(crate) fn at(&self, place: &Location, message: impl Display) -> Reported {
        let count = self.count.get();
        self.count.set(count + 1);
        if count == MOST {
            self.beyond.set(Some(*place));
        } else if count < MOST {
            let message = bounded(message.to_string());
            self.found.borrow_mut().push((*place, message));
        }
        Reported(())
    }

    /// Adds the mistake that ended the cutting into tokens.
    pub(crate) fn push(&self, error: LexError) -> Reported {
        self.at(&error.place, error.message)
    }

    /// Returns the value, or every mistake that was collected and where it is.
    pub(crate) fn finish<T>(
        self,
        value: Result<T, Reported>,
    ) -> Result<T, Vec<(Location, String)>> {
        let mut found = self.found.into_inner();
        if let Some(place) = self.beyond.get() {
            let more = self.count.get() - MOST;
            let mistakes = if more == 1 { "mistake" } else { "mistakes" };
            found.push((
                place,
                format!("from here on {more} more {mistakes}; the first {MOST} are shown"),
            ));
        }
        match value {
            Ok(value) if found.is_empty() => Ok(value),
            _ => Err(found),
        }
    }
}

fn bounded(message: String) -> String {
    match message.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &message[..end]),
        None => message,
    }
}
