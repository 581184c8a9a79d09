//! Open circuits, kept over a restart: a new process does not send its whole traffic to a
//! dependency that the last one knew to be down.

use std::{env, error::Error, fs, io, path::PathBuf, time::Duration};

use fluxgate::registry::{self, SavedState};

/// What was saved longer ago says nothing of today.
const MAX_AGE: Duration = Duration::from_secs(600);

/// Where it is kept; without the variable nothing is.
fn path() -> Option<PathBuf> {
    env::var_os("SERVICE_STATE").map(PathBuf::from)
}

/// Opens the circuits again that the last process knew to be open. A file that can't be
/// read keeps no service from starting.
pub(crate) fn restore() {
    let Some(path) = path() else { return };
    let saved = match fs::read_to_string(&path) {
        Ok(text) => serde_json::from_str::<SavedState>(&text).map_err(io::Error::from),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return,
        Err(error) => Err(error),
    };
    match saved {
        Ok(saved) => {
            for circuit in saved.restore(MAX_AGE).restored {
                tracing::warn!("circuit breaker '{}' is open again", circuit.name);
            }
        }
        Err(error) => tracing::error!("{} is not restored: {error}", path.display()),
    }
}

/// Writes down which circuits are open, for the next process: whole, or not at all.
pub(crate) fn save() -> Result<(), Box<dyn Error + Send + Sync>> {
    let Some(path) = path() else { return Ok(()) };
    let text = serde_json::to_string(&registry::save())?;
    let new = path.with_extension("new");
    fs::write(&new, text)?;
    fs::rename(new, path)?;
    Ok(())
}
