//! Transitions as `tracing` events.

use tracing::Level;

use super::Listener;
use crate::{Signal, State};

/// Writes one `tracing` event for every transition, with the target
/// `fluxgate::listeners::log`.
///
/// The message is `Circuit Breaker 'api' transitioned from closed to open`; the
/// subscriber adds the time. The fields are `circuit_name`, `old_state`,
/// `new_state`, `sequence`, and for an opening `reason` and `retry_after_secs`; of the
/// [flight recorder](crate::flight) also `rule`, what each part of the rule read,
/// `last_failure`, if texts of failures were asked for, and `by`, who gave a command.
///
/// A breaker in `metrics_only` that would have opened says so, with its `reason`, at the
/// level of `open`: `Circuit Breaker 'api' would have opened, but only measures`.
///
/// A change of settings is written at INFO, with the old and the new value of each:
/// `Circuit Breaker 'api' has other settings: retry: Cooldown(60s) -> Cooldown(5s)`.
///
/// The level is WARN for `open` and `forced_open` and INFO for the other new
/// states, unless set otherwise.
///
/// ```
/// use fluxgate::{CircuitBreaker, State, listener::LogListener};
/// use tracing::Level;
///
/// let breaker = CircuitBreaker::builder("api")
///     .listener(LogListener::new().level(State::Open, Level::ERROR))
///     .build()?;
/// # Ok::<_, fluxgate::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct LogListener {
    /// By the discriminant of the new state.
    levels: [Level; State::ALL.len()],
}

impl LogListener {
    /// Creates a listener with the default levels.
    #[must_use]
    pub const fn new() -> Self {
        let mut levels = [Level::INFO; State::ALL.len()];
        levels[State::Open as usize] = Level::WARN;
        levels[State::ForcedOpen as usize] = Level::WARN;
        Self { levels }
    }

    /// Sets the level for transitions to `new_state`.
    #[must_use]
    pub const fn level(mut self, new_state: State, level: Level) -> Self {
        self.levels[new_state as usize] = level;
        self
    }
}

impl Default for LogListener {
    fn default() -> Self {
        Self::new()
    }
}

impl Listener for LogListener {
    fn on_signal(&self, signal: &Signal) {
        let Signal {
            name,
            old_state,
            new_state,
            timestamp,
            sequence,
            reason,
            next_attempt,
            would_have_opened,
            record,
            origin: _,
        } = signal;
        let reason = reason.as_ref().map(tracing::field::display);
        let retry_after = next_attempt
            .and_then(|next| next.duration_since(*timestamp).ok())
            .map(|wait| wait.as_secs_f64());
        let (text, level) = if *would_have_opened {
            // As serious as an opening.
            let text = format!("Circuit Breaker '{name}' would have opened, but only measures");
            (text, State::Open)
        } else {
            let text =
                format!("Circuit Breaker '{name}' transitioned from {old_state} to {new_state}");
            (text, *new_state)
        };
        let opening = record.as_ref().filter(|_| *new_state == State::Open);
        let rule = opening.and_then(|record| record.rule_text());
        let last_failure = opening.and_then(|record| record.last_failure.as_ref());
        let last_failure = last_failure.map(|failure| &*failure.text);
        let by = record.as_ref().and_then(|record| record.by.as_deref());
        // The level of an event is part of its static description.
        macro_rules! event {
            ($level:ident) => {
                tracing::event!(
                    target: "fluxgate::listeners::log",
                    Level::$level,
                    circuit_name = name.as_str(),
                    old_state = old_state.as_str(),
                    new_state = new_state.as_str(),
                    sequence,
                    reason,
                    retry_after_secs = retry_after,
                    rule,
                    last_failure,
                    by,
                    "{text}",
                )
            };
        }
        match self.levels[level as usize] {
            Level::ERROR => event!(ERROR),
            Level::WARN => event!(WARN),
            Level::INFO => event!(INFO),
            Level::DEBUG => event!(DEBUG),
            Level::TRACE => event!(TRACE),
        }
    }

    #[cfg(feature = "settings")]
    fn on_settings(&self, change: &super::SettingsChange) {
        tracing::event!(
            target: "fluxgate::listeners::log",
            Level::INFO,
            circuit_name = change.name.as_str(),
            sequence = change.sequence,
            window_emptied = change.window_emptied,
            "Circuit Breaker '{}' has other settings: {change}",
            change.name,
        );
    }

    fn name(&self) -> &'static str {
        "LogListener"
    }
}
