//! The calls of the quotes, recorded for the example `simulate`.

use std::{env, error::Error, fmt, sync::LazyLock};

use axum::http::StatusCode;
use fluxgate::sim::Recorder;

/// How many of the latest calls to keep; nothing is recorded without it.
const VARIABLE: &str = "QUOTES_RECORDING";

static QUOTES: LazyLock<Result<Recorder, Off>> = LazyLock::new(|| {
    let calls = env::var(VARIABLE).map_err(|_| Off::Unset)?;
    let calls = calls.parse().map_err(|_| Off::NoNumber(calls))?;
    Ok(Recorder::new(calls))
});

/// A listener that records, if it is asked for.
pub(crate) fn recorder() -> Result<Recorder, Off> {
    QUOTES.clone()
}

/// Hands out what was recorded, a line of JSON for each call, and begins anew.
pub(crate) async fn take() -> Result<String, (StatusCode, String)> {
    let recorder = recorder().map_err(|off| (StatusCode::NOT_FOUND, format!("{off}\n")))?;
    let mut lines = Vec::new();
    let written = recorder.take().write_jsonl(&mut lines);
    written
        .map_err(Box::<dyn Error>::from)
        .and_then(|()| Ok(String::from_utf8(lines)?))
        .map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")))
}

/// Why nothing is recorded.
#[derive(Clone, Debug)]
pub(crate) enum Off {
    Unset,
    NoNumber(String),
}

impl fmt::Display for Off {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unset => write!(f, "the environment variable {VARIABLE} is not set"),
            Self::NoNumber(value) => write!(f, "{VARIABLE} is {value:?}, and no number of calls"),
        }
    }
}
