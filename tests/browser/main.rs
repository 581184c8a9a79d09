//! The operators' page in a real browser.
//!
//! Not part of `cargo test`, since it needs chromium: `tests/browser/run` builds what it
//! needs and runs it.

#![allow(
    clippy::await_holding_lock,
    reason = "each test has a runtime of its own, whose other tasks take no turn"
)]

mod accessible;
mod arranged;
mod commanded;
mod connected;
mod driver;
mod hostile;
mod keyboard;
mod looks;
mod many;
mod pictures;
mod scenes;
mod server;
mod watched;

use std::sync::{Mutex, MutexGuard, PoisonError};

use driver::Browser;
use server::{Operator, Server, operator};

/// All breakers of the process are on the page, so the tests take turns.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A browser before the page of a server, and no other test at the same time.
struct World {
    browser: Browser,
    server: Server,
    operator: Operator,
    _alone: MutexGuard<'static, ()>,
}

impl World {
    /// Opens the page, on which `alice` may give commands.
    async fn open() -> Self {
        let alone = alone();
        let operator = operator("alice");
        let server = Server::operated(&operator);
        let browser = Browser::open().await;
        browser.goto(&server.url("/breakers")).await;
        Self {
            browser,
            server,
            operator,
            _alone: alone,
        }
    }

    /// Ends the browser; it may have complained of nothing.
    async fn close(self) {
        self.browser.close().await;
    }
}

/// Returns an expression for the text in a row of the page.
fn in_row(name: &str, class: &str) -> String {
    let name = serde_json::to_string(name).unwrap();
    format!(
        "([...document.querySelectorAll('.row')]\
         .find(row => row.querySelector('.name').textContent === {name})\
         ?.querySelector('.{class}')?.textContent)"
    )
}
