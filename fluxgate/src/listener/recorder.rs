//! What records single calls of a breaker.

use std::{fmt, sync::Arc, time::Duration};

use crate::engine::ticket::CallEnd;

/// Records single calls. It is called without the breaker's lock.
pub(crate) trait CallRecorder: Send + Sync {
    /// Records a call that ended at `now`, by the breaker's clock, and ran for `elapsed`.
    fn record_call(&self, ended: CallEnd, now: Duration, elapsed: Duration);

    /// Records a call that was refused at `now`.
    fn record_refusal(&self, now: Duration);
}

/// The recorders of a breaker. Equal if they are the same ones.
#[derive(Clone, Default)]
pub(crate) struct Recorders(Vec<Arc<dyn CallRecorder>>);

impl Recorders {
    pub(crate) fn one(recorder: Arc<dyn CallRecorder>) -> Self {
        Self(vec![recorder])
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &dyn CallRecorder> {
        self.0.iter().map(|recorder| &**recorder)
    }

    pub(crate) fn append(&mut self, mut others: Self) {
        self.0.append(&mut others.0);
    }
}

impl PartialEq for Recorders {
    fn eq(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(|(a, b)| Arc::ptr_eq(a, b))
    }
}

impl Eq for Recorders {}

impl fmt::Debug for Recorders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Recorders").field(&self.0.len()).finish()
    }
}
