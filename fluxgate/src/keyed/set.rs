//! Who has a breaker, and who must go.

use std::{
    borrow::Borrow,
    collections::HashSet,
    fmt::Write,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use papaya::{HashMap, HashMapRef, LocalGuard};

use super::{Entry, Key, builder::Builder, recipe::Recipe};
use crate::{
    CircuitBreaker, Command, Name,
    breaker::build::News,
    registry::{self, Group},
};

pub(super) struct Set<K> {
    pub(super) name: Name,
    pub(super) max_keys: usize,
    pub(super) overflow: CircuitBreaker,
    recipe: Recipe,
    entries: HashMap<K, Entry>,
    register: Mutex<Register<K>>,
}

type Pinned<'a, K> = HashMapRef<'a, K, Entry, std::hash::RandomState, LocalGuard<'a>>;

/// What comes and goes is entered here; looking up does not ask.
struct Register<K> {
    keys: usize,
    /// The keys that have a name of their own, for ever.
    labelled: HashSet<K>,
    labels: usize,
    /// What all were told last.
    command: Command,
}

/// Room is made for one key in so many at once: looking for the idle ones takes
/// time in proportion to all of them.
const BATCH: usize = 16;
/// So many characters of a key become part of a name.
const LABEL: usize = 100;

impl<K: Key> Set<K> {
    pub(super) fn new(builder: Builder<K>, overflow: CircuitBreaker) -> Self {
        Self {
            name: builder.name,
            max_keys: builder.max_keys,
            overflow,
            recipe: builder.recipe,
            entries: HashMap::new(),
            register: Mutex::new(Register {
                keys: 0,
                labelled: HashSet::new(),
                labels: builder.max_labels,
                command: Command::Reset,
            }),
        }
    }

    /// Makes the breakers known to those who ask for all there are.
    pub(super) fn enter_group(set: &Arc<Self>) {
        let group: Arc<dyn Group> = set.clone();
        registry::enter_group(&group);
    }

    pub(super) fn get<Q>(&self, key: &Q) -> CircuitBreaker
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
    {
        let entries = self.entries.pin();
        let found = entries.get_key_value(key);
        let Some((key, entry)) = found.or_else(|| self.enter(&key.to_owned(), &entries)) else {
            return self.overflow.clone();
        };
        entry.touch();
        if let Some(breaker) = entry.breaker.get() {
            return breaker.clone();
        }
        let mut news = None;
        let breaker = entry.breaker.get_or_init(|| {
            let (breaker, untold) = self.build(key, entry.labelled);
            news = Some(untold);
            breaker
        });
        // Those who are told may ask for this very key.
        if let Some(news) = news {
            news.tell(breaker);
        }
        // Looked at when the breaker is there for everybody: whoever gives a
        // command from now on will find it.
        let command = self.register().command;
        if command != Command::Reset {
            breaker.command(command);
        }
        breaker.clone()
    }

    pub(super) fn find<Q>(&self, key: &Q) -> Option<CircuitBreaker>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.entries.pin().get(key)?.breaker.get().cloned()
    }

    pub(super) fn remove<Q>(&self, key: &Q) -> Option<CircuitBreaker>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let entries = self.entries.pin();
        let mut register = self.register();
        let removed = entries.remove(key)?;
        register.keys -= 1;
        drop(register);
        removed.breaker.get().cloned()
    }

    pub(super) fn all(&self) -> Vec<(K, CircuitBreaker)> {
        let entries = self.entries.pin();
        let built = |(key, entry): (&K, &Entry)| Some((key.clone(), entry.breaker.get()?.clone()));
        entries.iter().filter_map(built).collect()
    }

    pub(super) fn command_all(&self, command: Command) {
        self.register().command = command;
        self.overflow.command(command);
        for (_, breaker) in self.all() {
            breaker.command(command);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.register().keys
    }

    fn register(&self) -> MutexGuard<'_, Register<K>> {
        self.register.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a new key, if there is room.
    #[cold]
    fn enter<'a>(&self, key: &K, entries: &'a Pinned<'_, K>) -> Option<(&'a K, &'a Entry)> {
        let mut register = self.register();
        if entries.get(key).is_none() {
            if register.keys >= self.max_keys {
                register.keys -= self.make_room(entries);
            }
            if register.keys >= self.max_keys {
                return None;
            }
            let labelled = register.label(key);
            register.keys += 1;
            entries.insert(key.clone(), Entry::new(labelled));
        }
        entries.get_key_value(key)
    }

    /// Drops idle breakers: how many. Those that were asked for since the last
    /// time stay, unless there are no others.
    fn make_room(&self, entries: &Pinned<'_, K>) -> usize {
        let wanted = self.max_keys.div_ceil(BATCH);
        let mut dropped = 0;
        for _ in 0..2 {
            for (key, entry) in entries {
                if dropped < wanted && !entry.was_used() && entry.is_idle() {
                    entries.remove(key);
                    dropped += 1;
                }
            }
            if dropped > 0 {
                break;
            }
        }
        dropped
    }

    fn build(&self, key: &K, labelled: bool) -> (CircuitBreaker, News) {
        if !labelled {
            let name = self.overflow.name().clone();
            return self.recipe.builder(name).build_or_default();
        }
        let mut name = String::new();
        // A key that can't be shown has an empty name; nothing depends on it.
        let _ = write!(name, "{key}");
        if let Some((end, _)) = name.char_indices().nth(LABEL) {
            name.truncate(end);
            name.push('…');
        }
        let name = Name::from(format!("{}/{name}", self.name));
        let (breaker, news) = self.recipe.builder(name).build_or_default();
        let news = breaker.register(news);
        (breaker, news)
    }
}

impl<K: Key> Register<K> {
    fn label(&mut self, key: &K) -> bool {
        let known = self.labelled.contains(key);
        if !known && self.labelled.len() < self.labels {
            self.labelled.insert(key.clone());
            return true;
        }
        known
    }
}

impl<K: Key> Group for Set<K> {
    fn breakers(&self) -> Vec<CircuitBreaker> {
        self.all().into_iter().map(|(_, breaker)| breaker).collect()
    }
}
