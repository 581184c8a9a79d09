//! What the breakers of all keys have in common.

use std::sync::Arc;

use crate::{Builder, Listener, MissingListener, Name, listener::Owned};

pub(super) struct Recipe {
    pub(super) settings: Box<dyn Fn(Builder) -> Builder + Send + Sync>,
    listeners: Vec<Result<Arc<dyn Listener>, MissingListener>>,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            settings: Box::new(|builder| builder),
            listeners: Vec::new(),
        }
    }
}

impl Recipe {
    pub(super) fn add(&mut self, listener: Result<Box<dyn Listener>, MissingListener>) {
        let shared = listener.map(|listener| Arc::new(Owned::new(listener)) as _);
        self.listeners.push(shared);
    }

    /// Returns a builder with the common settings, for one more breaker.
    pub(super) fn builder(&self, name: Name) -> Builder {
        let builder = (self.settings)(Builder::new(name));
        self.listeners
            .iter()
            .fold(builder, |builder, listener| match listener {
                Ok(listener) => builder.listener(Arc::clone(listener)),
                Err(MissingListener { name, reason }) => {
                    let missing = Err::<Arc<dyn Listener>, _>(reason);
                    builder.try_listener(name.clone(), missing)
                }
            })
    }
}
