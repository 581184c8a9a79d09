//! What delivers later than it is told: the list that `flush` waits for.

use std::{
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Instant,
};

/// Something that delivers later than it is told.
pub(crate) trait Pending: Send + Sync {
    /// Waits until what it was told before this call is done with. Whether it
    /// was so in time; `None` is for ever.
    fn wait(&self, until: Option<Instant>) -> bool;
}

static WATCHED: Mutex<Vec<Weak<dyn Pending>>> = Mutex::new(Vec::new());

/// Makes [`flush`] wait for it, too.
pub(crate) fn watch(pending: Weak<dyn Pending>) {
    let mut watched = WATCHED.lock().unwrap_or_else(PoisonError::into_inner);
    // Before the list would grow: what is dropped leaves.
    if watched.len() == watched.capacity() {
        watched.retain(|weak| weak.strong_count() > 0);
    }
    watched.push(pending);
}

/// Returns everything that delivers later and is still there.
pub(crate) fn all() -> Vec<Arc<dyn Pending>> {
    let watched = WATCHED.lock().unwrap_or_else(PoisonError::into_inner);
    watched.iter().filter_map(Weak::upgrade).collect()
}
