//! Helpers of several test binaries.

pub mod reports;

use std::sync::OnceLock;

use tracing::{Dispatch, subscriber::NoSubscriber};

mod events;

pub use events::{Events, Logged};

/// Has every subscriber asked what it wants to hear, whichever thread comes to an
/// event first.
///
/// As long as a process has made one subscriber alone, `tracing` asks the one of the
/// thread that comes to an event first; a thread that has none then decides for all
/// threads that the event is not wanted. With more of them it asks all.
pub fn ask_every_subscriber() {
    static OTHERS: OnceLock<[Dispatch; 2]> = OnceLock::new();
    let other = || Dispatch::new(NoSubscriber::new());
    OTHERS.get_or_init(|| [other(), other()]);
}
