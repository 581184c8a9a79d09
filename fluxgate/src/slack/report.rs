//! What the delivery says in the log: events of `tracing` at the target
//! `fluxgate::slack`, or lines on stderr without that feature.

use super::{
    Message,
    api::{body::redacted, error_code},
    queue::outcome::Settled,
    redact::Redactor,
};
use crate::util::panic::catch_panic;

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
    // Without a subscriber nothing chooses the level.
    if level == "debug" {
        return;
    }
    let mut text = format!("fluxgate::slack {level}: {message}");
    for (name, value) in fields {
        let _ = std::fmt::Write::write_fmt(&mut text, format_args!(" {name}={value}"));
    }
    eprintln!("{text}");
}

/// Reports how one attempt ended. `body` is what was sent.
pub(super) fn settled(redactor: &Redactor, settled: &Settled, channel: &str, body: &str) {
    let channel = || redactor.word(channel);
    let word = |code: &str| redactor.word(code);
    let payload = || redacted(redactor, body);
    catch_panic(|| match settled {
        Settled::Delivered => say!(debug, "message delivered", channel = channel()),
        Settled::Retrying(code, wait) => say!(
            warn,
            "temporary error, message will be retried in {wait:.1?}",
            channel = channel(),
            code = word(code),
        ),
        Settled::Held(code, wait) => say!(
            warn,
            "Slack's rate limit was met, nothing is sent for {wait:.1?}",
            channel = channel(),
            code = word(code),
        ),
        Settled::ThreadGone(code) => say!(
            warn,
            "the thread is gone, message will be sent outside it",
            channel = channel(),
            code = word(code),
        ),
        Settled::Paused(code, pause) => say!(
            error,
            "permanent error, the channel is left alone for {pause:.0?}",
            channel = channel(),
            code = word(code),
            advice = advice(code),
            payload = payload(),
        ),
        Settled::Failed(code, 0) => say!(
            error,
            "permanent error, message will not be retried",
            channel = channel(),
            code = word(code),
            advice = advice(code),
            payload = payload(),
        ),
        Settled::Failed(code, retries) => say!(
            error,
            "message failed after retries",
            channel = channel(),
            code = word(code),
            retries = retries,
            advice = advice(code),
            payload = payload(),
        ),
    });
}

pub(super) fn skipped(redactor: &Redactor, message: &Message) {
    catch_panic(|| {
        say!(
            debug,
            "message dropped, its channel is left alone",
            channel = redactor.word(&message.channel),
        );
    });
}

/// Logs messages that are given up because the time ran out.
pub(super) fn abandoned(redactor: &Redactor, messages: &[Message]) {
    for message in messages {
        catch_panic(|| {
            say!(
                warn,
                "shut down before the message was delivered",
                channel = redactor.word(&message.channel),
                payload = redacted(redactor, &message.finish(0, false)),
            );
        });
    }
}

pub(super) fn panicked() {
    catch_panic(|| say!(error, "the delivery to Slack panicked and starts again"));
}

pub(super) fn not_started(error: &std::io::Error) {
    catch_panic(|| {
        say!(
            error,
            "the delivery to Slack can't start its thread; the next message tries again",
            error = error,
        );
    });
}

fn advice(code: &str) -> &'static str {
    let is_of_slack = !code.contains(' ') && !code.starts_with("http_");
    match error_code::advice(code) {
        Some(advice) => advice,
        None if is_of_slack => "see Slack's documentation of chat.postMessage",
        None => "check that the URL is right and can be reached from here",
    }
}
