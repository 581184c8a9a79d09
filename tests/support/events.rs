//! A subscriber of `tracing` that hands events to a function.

use std::fmt::Write as _;

use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

/// One event, as it was logged.
#[derive(Debug)]
pub struct Logged {
    /// Its level.
    pub level: Level,
    /// Its target.
    pub target: String,
    /// Its message.
    pub message: String,
    /// All its fields in the order in which they were recorded, the message among
    /// them: ` name=value` for each.
    pub fields: String,
}

impl Visit for Logged {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        }
        write!(self.fields, " {}={value:?}", field.name()).expect("a string takes all");
    }
}

/// Hands the events whose target `wanted` accepts to `each`, on the thread that logs.
pub struct Events<W, F> {
    wanted: W,
    each: F,
}

impl<W, F> Events<W, F>
where
    W: Fn(&str) -> bool + 'static,
    F: Fn(Logged) + 'static,
{
    /// Creates the subscriber; no thread has it yet.
    pub fn new(wanted: W, each: F) -> Self {
        Self { wanted, each }
    }
}

impl<W, F> Subscriber for Events<W, F>
where
    W: Fn(&str) -> bool + 'static,
    F: Fn(Logged) + 'static,
{
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        (self.wanted)(metadata.target())
    }

    fn event(&self, event: &Event<'_>) {
        let mut logged = Logged {
            level: *event.metadata().level(),
            target: event.metadata().target().to_owned(),
            message: String::new(),
            fields: String::new(),
        };
        event.record(&mut logged);
        (self.each)(logged);
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}
