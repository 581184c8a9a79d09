//! The listing of all breakers as JSON, written breaker by breaker as it is read: it is
//! never in memory as a whole.

use crate::{Name, State, WeakBreaker, registry, util::panic::catch_panic};

/// How many breakers are shown at most.
pub(super) const ROWS: usize = 2000;
/// How many are written into one piece of the listing.
const PIECE: usize = 32;

/// Returns the breakers to show, each with the name of its set, and how many are left
/// out. Those that are closed are left out first.
pub(super) fn shown() -> (Vec<(WeakBreaker, Option<Name>)>, usize) {
    bounded(registry::by_set(), ROWS, |(breaker, _)| {
        let breaker = breaker.upgrade();
        breaker.is_none_or(|breaker| breaker.state() == State::Closed)
    })
}

/// Returns at most `most`, those for which `last` is true last, and how many are left
/// out.
pub(super) fn bounded<T>(
    mut all: Vec<T>,
    most: usize,
    last: impl FnMut(&T) -> bool,
) -> (Vec<T>, usize) {
    let left_out = all.len().saturating_sub(most);
    if left_out > 0 {
        all.sort_by_cached_key(last);
        all.truncate(most);
    }
    (all, left_out)
}

/// A listing that is being written.
pub(super) struct Listing {
    /// `None` when all is written.
    rest: Option<std::vec::IntoIter<WeakBreaker>>,
    left_out: usize,
    has_begun: bool,
}

impl Listing {
    pub(super) fn new() -> Self {
        let (shown, left_out) = catch_panic(shown).unwrap_or_default();
        let rest: Vec<_> = shown.into_iter().map(|(breaker, _)| breaker).collect();
        Self {
            rest: Some(rest.into_iter()),
            left_out,
            has_begun: false,
        }
    }

    /// Returns the next piece; `None` after the last.
    pub(super) fn next(&mut self) -> Option<String> {
        let rest = self.rest.as_mut()?;
        let mut is_first = !self.has_begun;
        self.has_begun = true;
        let mut text = String::new();
        if is_first {
            text = format!("{{\"left_out\":{},\"breakers\":[", self.left_out);
        }
        let mut written = 0;
        for breaker in rest {
            // Gone in the meantime, or its info can't be had.
            let info = breaker.upgrade().and_then(|breaker| {
                let info = catch_panic(|| breaker.info())?;
                serde_json::to_string(&info).ok()
            });
            let Some(info) = info else { continue };
            if !is_first {
                text.push(',');
            }
            is_first = false;
            text.push_str(&info);
            written += 1;
            if written == PIECE {
                return Some(text);
            }
        }
        self.rest = None;
        text.push_str("]}");
        Some(text)
    }
}
