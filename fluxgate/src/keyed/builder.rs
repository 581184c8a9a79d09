//! The settings of a set.

use std::{fmt, marker::PhantomData, sync::Arc};

use super::{CircuitBreakers, Key, set::Set};
use crate::{ConfigError, Name, error::Fault, registry};

pub(super) type Settings = Box<dyn Fn(crate::Builder) -> crate::Builder + Send + Sync>;

/// The settings of breakers by key; see [`CircuitBreakers::builder`].
#[must_use = "a builder does nothing until `build`"]
pub struct Builder<K> {
    pub(super) name: Name,
    pub(super) settings: Settings,
    pub(super) capacity: usize,
    pub(super) labels: usize,
    key: PhantomData<fn() -> K>,
}

impl<K: Key> Builder<K> {
    pub(super) fn new(name: Name) -> Self {
        Self {
            name,
            settings: Box::new(|builder| builder),
            capacity: 10_000,
            labels: 100,
            key: PhantomData,
        }
    }

    /// What to set for each breaker. Default: nothing, so they have the default
    /// settings.
    ///
    /// The function is called for each breaker that is made, and must not ask the
    /// set for the same key.
    pub fn settings<F>(mut self, settings: F) -> Self
    where
        F: Fn(crate::Builder) -> crate::Builder + Send + Sync + 'static,
    {
        self.settings = Box::new(settings);
        self
    }

    /// How many keys may have a breaker at once, at least 1. Default: 10 000.
    pub fn capacity(mut self, keys: usize) -> Self {
        self.capacity = keys;
        self
    }

    /// How many keys get a name of their own, in metrics and elsewhere. Default:
    /// 100.
    pub fn labels(mut self, keys: usize) -> Self {
        self.labels = keys;
        self
    }

    /// Builds the set, with the [overflow](CircuitBreakers::overflow) breaker and
    /// no other.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the capacity is 0, or with what is wrong with the
    /// settings of the breakers.
    pub fn build(self) -> Result<CircuitBreakers<K>, ConfigError> {
        if self.capacity == 0 {
            let fault = "the capacity of breakers by key must be at least 1, but is 0";
            return Err(ConfigError {
                name: self.name,
                faults: vec![Fault::new(fault)],
            });
        }
        let shared = Name::from(format!("{}/*", self.name));
        let overflow = (self.settings)(crate::Builder::new(shared)).build()?;
        let set = Arc::new(Set::new(self, overflow));
        let group: Arc<dyn registry::Group> = set.clone();
        registry::enter_group(&group);
        Ok(CircuitBreakers(set))
    }
}

impl<K> fmt::Debug for Builder<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("name", &self.name)
            .field("capacity", &self.capacity)
            .field("labels", &self.labels)
            .finish_non_exhaustive()
    }
}
