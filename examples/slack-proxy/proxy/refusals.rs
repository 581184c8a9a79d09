//! What was refused, in the log once a second: a flood of posts must not become
//! a flood of lines.

use std::{
    fmt::Write as _,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// Why a post or a connection was refused.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Full,
    Invalid,
    Unauthorized,
    TooLarge,
    TooSlow,
    Connections,
}

const WORDS: [&str; 6] = [
    "refused, the queue is almost full",
    "invalid",
    "without the right token",
    "too large",
    "too slow",
    "connections closed to make room for others",
];

#[derive(Default)]
pub(super) struct Refusals {
    since: Mutex<Since>,
}

/// What there was since the last line.
#[derive(Default)]
struct Since {
    counts: [u64; WORDS.len()],
    /// What was wrong with the last invalid post.
    error: String,
}

impl Refusals {
    pub(super) fn note(&self, kind: Kind) {
        self.with(|since| since.counts[kind as usize] += 1);
    }

    /// Notes a post that can't be read. The error is to be fit for the log.
    pub(super) fn invalid(&self, error: String) {
        self.with(|since| {
            since.counts[Kind::Invalid as usize] += 1;
            since.error = error;
        });
    }

    /// Logs what there was, each second.
    pub(super) async fn report(&self) {
        let mut each = tokio::time::interval(Duration::from_secs(1));
        loop {
            each.tick().await;
            self.report_now();
        }
    }

    pub(super) fn report_now(&self) {
        let Since { counts, error } = self.with(std::mem::take);
        let mut text = String::new();
        for (count, word) in counts.iter().zip(WORDS).filter(|(count, _)| **count > 0) {
            let comma = if text.is_empty() { "" } else { ", " };
            let _ = write!(text, "{comma}{count} {word}");
        }
        if !text.is_empty() {
            tracing::warn!(last_error = error, "posts not taken: {text}");
        }
    }

    fn with<R>(&self, f: impl FnOnce(&mut Since) -> R) -> R {
        f(&mut self.since.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
