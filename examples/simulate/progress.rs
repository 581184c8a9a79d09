//! A bar on a terminal, from the moment that it takes more than a second.

use std::{
    io::{self, IsTerminal, Write},
    time::{Duration, Instant},
};

/// How many steps the bar has.
const STEPS: usize = 30;

/// Characters of a name beside the bar.
const NAME: usize = 30;

/// A progress bar on the standard error, cleared when it is dropped.
pub(crate) struct Progress {
    began: Instant,
    is_terminal: bool,
    /// What stands there at present.
    shown: String,
}

impl Progress {
    pub(crate) fn new() -> Self {
        Self {
            began: Instant::now(),
            is_terminal: io::stderr().is_terminal(),
            shown: String::new(),
        }
    }

    /// Shows that this share is done, from 0 to 1.
    pub(crate) fn show(&mut self, share: f64, name: &str) {
        if !self.is_terminal || self.began.elapsed() < Duration::from_secs(1) {
            return;
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let (steps, percent) = (
            (share.clamp(0.0, 1.0) * STEPS as f64) as usize,
            (share.clamp(0.0, 1.0) * 100.0) as u32,
        );
        let name: String = name.chars().take(NAME).collect();
        let (done, rest) = ("#".repeat(steps), ".".repeat(STEPS - steps));
        let line = format!("[{done}{rest}] {percent:>3} %  {name:<NAME$}");
        if line != self.shown {
            // Without a bar all goes on.
            let _ = write!(io::stderr(), "\r{line}");
            self.shown = line;
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if !self.shown.is_empty() {
            let blank = " ".repeat(self.shown.chars().count());
            let _ = write!(io::stderr(), "\r{blank}\r");
        }
    }
}
