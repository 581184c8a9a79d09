//! What the delivery says in the log: events of `tracing` at the target
//! `fluxgate::slack`, or lines on stderr without that feature.

use super::{Message, body::redacted, classify, settle::Settled};
use crate::util::panic::contained;

macro_rules! say {
    ($level:ident, $message:literal $(, $field:ident = $value:expr)* $(,)?) => {{
        #[cfg(feature = "tracing")]
        tracing::$level!(target: "fluxgate::slack", $($field = %$value,)* $message);
        #[cfg(not(feature = "tracing"))]
        line(stringify!($level), format_args!($message), &[$((stringify!($field), &$value)),*]);
    }};
}

#[cfg(not(feature = "tracing"))]
fn line(level: &str, message: std::fmt::Arguments<'_>, fields: &[(&str, &dyn std::fmt::Display)]) {
    // Without a subscriber there is nobody to choose the level.
    if level == "debug" {
        return;
    }
    let mut text = format!("fluxgate::slack {level}: {message}");
    for (name, value) in fields {
        let _ = std::fmt::Write::write_fmt(&mut text, format_args!(" {name}={value}"));
    }
    eprintln!("{text}");
}

/// How one attempt ended. `body` is what was sent.
pub(super) fn settled(settled: &Settled, channel: &str, body: &str) {
    contained(|| match settled {
        Settled::Delivered => say!(debug, "message delivered", channel = channel),
        Settled::Retrying(code, wait) => say!(
            warn,
            "temporary error, message will be retried in {wait:.1?}",
            channel = channel,
            code = code,
        ),
        Settled::Held(code, wait) => say!(
            warn,
            "Slack's rate limit was met, nothing is sent for {wait:.1?}",
            channel = channel,
            code = code,
        ),
        Settled::ThreadGone(code) => say!(
            warn,
            "the thread is gone, message will be sent outside it",
            channel = channel,
            code = code,
        ),
        Settled::Paused(code, pause) => say!(
            error,
            "permanent error, the channel is left alone for {pause:.0?}",
            channel = channel,
            code = code,
            advice = advice(code),
            payload = redacted(body),
        ),
        Settled::Failed(code, 0) => say!(
            error,
            "permanent error, message will not be retried",
            channel = channel,
            code = code,
            advice = advice(code),
            payload = redacted(body),
        ),
        Settled::Failed(code, retries) => say!(
            error,
            "message failed after retries",
            channel = channel,
            code = code,
            retries = retries,
            advice = advice(code),
            payload = redacted(body),
        ),
    });
}

pub(super) fn skipped(message: &Message) {
    contained(|| {
        say!(
            debug,
            "message dropped, its channel is left alone",
            channel = message.channel,
        );
    });
}

/// There was no time left for these.
pub(super) fn abandoned(messages: &[Message]) {
    for message in messages {
        contained(|| {
            say!(
                warn,
                "shut down before the message was delivered",
                channel = message.channel,
                payload = redacted(&message.finish(0, false)),
            );
        });
    }
}

pub(super) fn panicked() {
    contained(|| say!(error, "the delivery to Slack panicked and starts again"));
}

pub(super) fn not_started(error: &std::io::Error) {
    contained(|| {
        say!(
            error,
            "the delivery to Slack can't start its thread; the next message tries again",
            error = error,
        );
    });
}

fn advice(code: &str) -> &'static str {
    let is_of_slack = !code.contains(' ') && !code.starts_with("http_");
    match classify::advice(code) {
        Some(advice) => advice,
        None if is_of_slack => "see Slack's documentation of chat.postMessage",
        None => "check that the URL is right and can be reached from here",
    }
}
