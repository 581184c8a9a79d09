//! The settings of the breakers: from `service.toml`, the environment, and again whenever
//! the process is told.

use std::{env, error::Error, fs, io, path::PathBuf};

use axum::http::StatusCode;
use fluxgate::{Report, Settings};

/// Where the settings are, unless `SERVICE_SETTINGS` says otherwise.
const FILE: &str = "service.toml";

fn path() -> PathBuf {
    env::var_os("SERVICE_SETTINGS").map_or_else(|| FILE.into(), PathBuf::from)
}

/// Puts in force what the file says; without a file, what the code says. If anything is
/// wrong with it nothing changes.
pub(crate) fn load() -> Result<Report, Box<dyn Error + Send + Sync>> {
    let settings: Settings = match fs::read_to_string(path()) {
        Ok(text) => toml::from_str(&text)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Settings::default(),
        Err(error) => return Err(error.into()),
    };
    let report = settings.apply()?;
    for name in report.changed() {
        tracing::info!("circuit breaker '{name}' has other settings");
    }
    for unknown in report.unmatched() {
        tracing::warn!("{unknown}");
    }
    Ok(report)
}

/// Reads the file again, for an operator: what changed, or all that is wrong.
pub(crate) async fn reload() -> Result<String, (StatusCode, String)> {
    // A small file, now and then.
    let loaded = tokio::task::spawn_blocking(load).await;
    match loaded {
        Ok(Ok(report)) => {
            let mut lines = String::new();
            for name in report.changed() {
                lines.push_str(name.as_str());
                lines.push('\n');
            }
            Ok(lines)
        }
        Ok(Err(error)) => Err((StatusCode::BAD_REQUEST, format!("{error}\n"))),
        Err(error) => Err((StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n"))),
    }
}

/// Reads the file again at every SIGHUP. To follow the file itself, have the crate `notify`
/// call [`load`] in its place.
#[cfg(unix)]
pub(crate) async fn reload_when_told() {
    use tokio::signal::unix::{SignalKind, signal};

    let Ok(mut told) = signal(SignalKind::hangup()) else {
        return;
    };
    while told.recv().await.is_some() {
        match reload().await {
            Ok(changed) => {
                let changed = changed.lines().count();
                tracing::info!("{FILE} was read again; {changed} changed");
            }
            Err((_, error)) => tracing::error!("{FILE} is not in force: {error}"),
        }
    }
}
