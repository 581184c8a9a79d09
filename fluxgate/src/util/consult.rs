//! Runs code of the user's that the engine needs an answer from.

use std::{cell::RefCell, ptr};

use super::panic::catch_panic;

/// What came of asking.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Consulted<R> {
    Given(R),
    Panicked,
    /// Not asked: it is being asked on this thread already, and this question
    /// comes from within it, or from a panic hook or subscriber that runs
    /// inside. Asking once more could go on for ever.
    Within,
}

thread_local! {
    /// The addresses of those that are being asked on this thread.
    static ASKED: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// Asks `whom`, on whose behalf `f` runs. No lock may be held: `f` may do what it
/// wants, take its time, and panic, which runs the panic hook here and now.
pub(crate) fn consult<T, R>(whom: &T, f: impl FnOnce() -> R) -> Consulted<R> {
    let whom = ptr::from_ref(whom).addr();
    let within = ASKED.try_with(|asked| {
        let mut asked = asked.borrow_mut();
        let within = asked.contains(&whom);
        if !within {
            asked.push(whom);
        }
        within
    });
    if within == Ok(true) {
        return Consulted::Within;
    }
    let answer = catch_panic(f);
    // `f` has taken away what it added: the last one is `whom` again. Without
    // the thread's memory, at its end, there is nothing to take away.
    let _ = ASKED.try_with(|asked| asked.borrow_mut().pop());
    answer.map_or(Consulted::Panicked, Consulted::Given)
}

#[cfg(test)]
mod tests {
    use std::panic::resume_unwind;

    use super::*;

    #[test]
    fn question_from_within_is_not_asked() {
        let (one, other) = (1, 2);
        let answer = consult(&one, || {
            let answer = consult(&other, || consult(&one, || "asked"));
            assert_eq!(answer, Consulted::Given(Consulted::Within));
            consult(&one, || "asked")
        });
        assert_eq!(answer, Consulted::Given(Consulted::Within));
        assert_eq!(consult(&one, || "asked"), Consulted::Given("asked"));
    }

    #[test]
    fn panic_ends_the_question() {
        let whom = 1;
        let answer = consult(&whom, || -> u8 { resume_unwind(Box::new(())) });
        assert_eq!(answer, Consulted::Panicked);
        assert_eq!(consult(&whom, || 7), Consulted::Given(7));
    }
}
