//! The settings of a set.

use std::{fmt, marker::PhantomData, sync::Arc};

use super::{CircuitBreakers, Key, map::Set};
use crate::{
    Builder, ConfigError, Fault, Listener, MissingListener, Name,
    breaker::build::Announcements,
    info::kill_switch,
    listener::{IntoListener, Owned},
};

/// The settings of breakers by key; see [`CircuitBreakers::builder`].
#[must_use = "a builder does nothing until `build`"]
pub struct CircuitBreakersBuilder<K> {
    pub(super) name: Name,
    pub(super) common: CommonSettings,
    pub(super) max_keys: usize,
    pub(super) max_labels: usize,
    key: PhantomData<fn() -> K>,
}

const MAX_KEYS: usize = 10_000;

impl<K> CircuitBreakersBuilder<K> {
    pub(super) fn new(name: Name) -> Self {
        Self {
            name,
            common: CommonSettings::default(),
            max_keys: MAX_KEYS,
            max_labels: 100,
            key: PhantomData,
        }
    }

    /// Sets what each breaker is built with: `settings` is given a builder and
    /// returns it. By default the breakers have the default settings.
    ///
    /// The function is called for each breaker that is made. If it asks the set for
    /// a key that has no breaker yet, it gets the
    /// [overflow](CircuitBreakers::overflow) breaker. If it panics, the key for
    /// which it was called shares that one.
    pub fn settings<F>(mut self, settings: F) -> Self
    where
        F: Fn(Builder) -> Builder + Send + Sync + 'static,
    {
        self.common.settings = Box::new(settings);
        self
    }

    /// Sets how many keys may have a breaker at once, at least 1. Default: 10
    /// 000.
    ///
    /// Beyond that a new key takes the place of one that is idle, in the order that
    /// the [module](crate::keyed) describes, or shares the
    /// [overflow](CircuitBreakers::overflow) breaker if none is. As few as there are
    /// keys that may fail at the same time is too few.
    pub fn max_keys(mut self, keys: usize) -> Self {
        self.max_keys = keys;
        self
    }

    /// Sets how many keys get a name of their own in metrics, logs and the
    /// registry. The first ones do, for good; the breakers of all others are
    /// named `<name>/*`. Default: 100.
    pub fn max_labels(mut self, keys: usize) -> Self {
        self.max_labels = keys;
        self
    }

    /// Adds a listener that the breakers of all keys share, told after those
    /// that [`settings`](Self::settings) makes for each of them. It takes what
    /// [`Builder::listener`](crate::Builder::listener) takes.
    pub fn listener<Kind>(mut self, listener: impl IntoListener<Kind>) -> Self {
        self.common.add(listener.into_listener());
        self
    }

    /// Adds a listener that may have failed to be made, with the name to report it by. It
    /// takes what [`Builder::try_listener`](crate::Builder::try_listener) takes.
    pub fn try_listener<Kind, L: IntoListener<Kind>, E: fmt::Display>(
        mut self,
        name: impl Into<String>,
        listener: Result<L, E>,
    ) -> Self {
        let listener = listener.into_listener();
        self.common.add(listener.map_err(|missing| MissingListener {
            name: name.into(),
            ..missing
        }));
        self
    }
}

impl<K: Key> CircuitBreakersBuilder<K> {
    /// Builds the set, with the [overflow](CircuitBreakers::overflow) breaker and
    /// no other.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if `max_keys` is 0, or with what is wrong with the
    /// settings of the breakers.
    pub fn build(self) -> Result<CircuitBreakers<K>, ConfigError> {
        let faults = self.check();
        if !faults.is_empty() {
            return Err(ConfigError {
                name: self.name,
                faults,
            });
        }
        let overflow = self.common.builder(&self.name, None, self.shared_name());
        let overflow = overflow.build()?;
        let set = Arc::new(Set::new(self, overflow));
        Set::enter_group(&set);
        Ok(CircuitBreakers(set))
    }

    /// Builds what must not fail, the breakers of an annotated function: see
    /// [`crate::Builder::build_or_default`]. The news are those of the overflow
    /// breaker, and of the set.
    pub(super) fn build_or_default(mut self) -> (CircuitBreakers<K>, Announcements) {
        let shared = self.common.builder(&self.name, None, self.shared_name());
        let (overflow, mut news) = shared.build_or_default();
        news.faults.extend(self.check());
        if self.max_keys == 0 {
            self.max_keys = MAX_KEYS;
        }
        (CircuitBreakers(Arc::new(Set::new(self, overflow))), news)
    }

    fn check(&self) -> Vec<Fault> {
        let keys =
            (self.max_keys == 0).then(|| Fault::new("max_keys must be at least 1, but is 0"));
        let name = kill_switch::reserved(&self.name);
        // What else is wrong with the name is wrong with that of the overflow breaker.
        let name = name.filter(|_| self.name.eq_ignore_ascii_case("all"));
        name.into_iter().chain(keys).collect()
    }

    /// Returns the name of the breakers whose keys have no name of their own.
    fn shared_name(&self) -> Name {
        Name::from(format!("{}/*", self.name))
    }
}

impl<K> fmt::Debug for CircuitBreakersBuilder<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircuitBreakersBuilder")
            .field("name", &self.name)
            .field("max_keys", &self.max_keys)
            .field("max_labels", &self.max_labels)
            .finish_non_exhaustive()
    }
}

/// What the breakers of all keys have in common.
pub(super) struct CommonSettings {
    pub(super) settings: Box<dyn Fn(Builder) -> Builder + Send + Sync>,
    listeners: Vec<Result<Arc<dyn Listener>, MissingListener>>,
}

impl Default for CommonSettings {
    fn default() -> Self {
        Self {
            settings: Box::new(|builder| builder),
            listeners: Vec::new(),
        }
    }
}

impl CommonSettings {
    pub(super) fn add(&mut self, listener: Result<Box<dyn Listener>, MissingListener>) {
        let shared = listener.map(|listener| Arc::new(Owned::new(listener)) as _);
        self.listeners.push(shared);
    }

    /// Returns a builder with the common settings, for one more breaker: of this key, by
    /// what it is called, or of those that have none of their own.
    pub(super) fn builder(&self, set: &Name, key: Option<&str>, name: Name) -> Builder {
        let builder = (self.settings)(Builder::new(name));
        let builder = builder.of_set(set, key);
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
