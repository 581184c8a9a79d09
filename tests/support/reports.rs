//! The crate's own reports, caught.

use std::{
    cell::{Cell, RefCell},
    fmt,
    sync::Once,
};

use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span, subscriber,
};

thread_local! {
    static REPORTS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    static REACTION: Cell<Option<fn()>> = const { Cell::new(None) };
}

/// Returns what the crate reports on this thread while `f` runs, and the result of `f`.
///
/// One subscriber for the process: a scoped one is not told of an event whose
/// first occurrence came on another thread that has none.
///
/// # Panics
///
/// If the process has another global subscriber.
pub fn of<R>(f: impl FnOnce() -> R) -> (Vec<String>, R) {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| subscriber::set_global_default(Catch).expect("no other is installed"));
    REPORTS.take();
    let result = f();
    (REPORTS.take(), result)
}

/// Does the same, with a subscriber that does something at every report.
///
/// # Panics
///
/// As [`of`].
pub fn with_reaction<R>(reaction: fn(), f: impl FnOnce() -> R) -> (Vec<String>, R) {
    REACTION.set(Some(reaction));
    let caught = of(f);
    REACTION.take();
    caught
}

struct Catch;

impl Subscriber for Catch {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "fluxgate"
    }

    fn event(&self, event: &Event<'_>) {
        let mut message = Message::default();
        event.record(&mut message);
        REPORTS.with_borrow_mut(|reports| reports.push(message.0));
        if let Some(reaction) = REACTION.get() {
            reaction();
        }
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[derive(Default)]
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}
