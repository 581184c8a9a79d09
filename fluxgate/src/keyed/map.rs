//! The map from keys to breakers: lookup, creation, eviction.
//!
//! No code of the user's runs under the lock of the set, neither that of keys
//! (`Hash`, `Eq`, `Clone`, `Display`, `Drop`) nor that of breakers (settings,
//! clocks, listeners):
//!
//! - Readers take no lock. The [`Index`] leads from a key's hash to a short list of
//!   entries, which are compared outside of any lock.
//! - An entry holds its breaker weakly; the strong handle is in the [`Order`],
//!   under the lock. [`Core::retire`] takes the count of handles from one to zero,
//!   at once and only if the breaker can be done without. A reader that upgraded
//!   its handle before keeps the breaker where it is; one that comes later finds
//!   no breaker and makes a new one. So there is no moment in which a breaker that
//!   is held is replaced.
//! - A new key is compared with the entries of its bucket first, and entered only
//!   if the bucket is still the same when the lock is held.

use std::{
    borrow::Borrow,
    cell::RefCell,
    collections::{HashMap, HashSet},
    hash::{BuildHasher, Hash, RandomState},
    mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use once_cell::sync::OnceCell;

use super::{
    Key, Stats,
    builder::{CircuitBreakersBuilder, CommonSettings},
    index::{BucketList, Hashed, Index},
    label,
    order::{Id, List, Order},
};
use crate::{
    CircuitBreaker, Command, Name, diagnostics,
    engine::{Core, clock_source::ClockSource, gate::Gate, retire::Holds},
    registry::{self, Group},
    util::panic::{DropContained, catch_panic},
};

pub(super) struct Set<K> {
    pub(super) name: Name,
    pub(super) max_keys: usize,
    pub(super) overflow: CircuitBreaker,
    common: CommonSettings,
    hasher: RandomState,
    index: Index<KeyEntry<K>>,
    register: Mutex<Register<K>>,
    evicted: AtomicU64,
    overflowed: [AtomicU64; OverflowReason::ALL.len()],
    /// The pace of early probes.
    pub(super) gate: Arc<Gate>,
}

/// A key, and its breaker as long as the set keeps it.
struct KeyEntry<K> {
    key: DropContained<K>,
    hash: u64,
    /// Its place in the order. Written under the lock, before others can find it.
    id: AtomicU32,
    /// Empty while the breaker is being built.
    core: OnceCell<Weak<Core>>,
    /// Whether it was asked for since it was last looked at.
    asked: AtomicBool,
}

/// What comes and goes is entered here; looking up does not ask.
struct Register<K> {
    order: Order<KeyPlace<K>>,
    labels: GivenNames,
    /// The command that was last given to all.
    standing: Option<Command>,
    /// How many commands were given to all.
    commands: u64,
}

struct KeyPlace<K> {
    entry: Arc<KeyEntry<K>>,
    /// Empty while the breaker is being built.
    core: Option<Arc<Core>>,
    /// By the breaker's clock, when it was known to have been asked for; `None` if
    /// it was asked for since.
    seen: Option<Duration>,
}

/// The names that are given for ever, by the hash of their keys.
struct GivenNames {
    names: HashMap<u64, Name>,
    taken: HashSet<Name>,
    limit: usize,
}

/// Why a key shares the overflow breaker.
#[derive(Clone, Copy)]
enum OverflowReason {
    NoRoom,
    TooLong,
    EqualHashes,
    NotBuilt,
}

/// A breaker that may have to go.
struct Candidate<K> {
    entry: Arc<KeyEntry<K>>,
    core: Arc<Core>,
    why: Why,
}

/// What is asked of a breaker that shall go, beyond that nothing holds it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    /// It holds nothing, and was not asked for since it was last looked at.
    Unasked,
    /// Also one whose failures are forgotten.
    Forgotten,
    /// It holds nothing.
    Forced,
}

/// How far one key looked for room.
#[derive(Default)]
struct Looks {
    began: bool,
    /// The first of those that were skipped: where it comes again, all candidates
    /// were asked for.
    skipped: Option<Id>,
    all_asked: bool,
    skips: usize,
    candidates: usize,
    kept: usize,
    forced: usize,
}

/// What left the set, to be dropped without its lock.
struct Evicted<K>(Option<(KeyPlace<K>, Core)>);

/// A new key looks at so many candidates at most,
const CANDIDATES: usize = 64;
/// and passes so many that were asked for lately;
const SKIPS: usize = 1024;
/// then at so many of those that had to stay,
const KEPT: usize = 8;
/// and at so many candidates again, asked for or not.
const FORCED: usize = 8;
/// Failures of a key that was not asked for in such a time make room, if nothing
/// else does.
const FORGOTTEN: Duration = Duration::from_secs(300);
/// Longer keys, shown or as they are looked up by, share the overflow breaker.
const MAX_KEY_BYTES: usize = 1024;
/// So many different keys may have one hash.
const EQUAL_HASHES: usize = 32;
/// So often a breaker that was evicted at once is made anew.
const RETRIES: usize = 16;

impl<K: Key> Set<K> {
    pub(super) fn new(builder: CircuitBreakersBuilder<K>, overflow: CircuitBreaker) -> Self {
        Self {
            name: builder.name,
            max_keys: builder.max_keys,
            overflow,
            common: builder.common,
            hasher: RandomState::new(),
            index: Index::new(),
            register: Mutex::new(Register {
                order: Order::new(),
                labels: GivenNames {
                    names: HashMap::new(),
                    taken: HashSet::new(),
                    limit: builder.max_labels,
                },
                standing: None,
                commands: 0,
            }),
            evicted: AtomicU64::new(0),
            overflowed: [const { AtomicU64::new(0) }; OverflowReason::ALL.len()],
            gate: Arc::default(),
        }
    }

    /// Makes the breakers known to the registry, which lists them with all others.
    pub(super) fn enter_group(set: &Arc<Self>) {
        let group: Arc<dyn Group> = set.clone();
        registry::enter_group(&group);
    }

    #[inline]
    pub(super) fn get<Q>(&self, key: &Q) -> CircuitBreaker
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        let known = self.known(hash, key, |entry| {
            entry.ask();
            entry.breaker()
        });
        known.unwrap_or_else(|| self.make(hash, key))
    }

    pub(super) fn find<Q>(&self, key: &Q) -> Option<CircuitBreaker>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.known(self.hasher.hash_one(key), key, |entry| entry.breaker())
    }

    /// Returns what `read` makes of the entry of a key.
    #[inline]
    fn known<Q, R>(
        &self,
        hash: u64,
        key: &Q,
        read: impl FnOnce(&Arc<KeyEntry<K>>) -> Option<R>,
    ) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let bucket = self.index.place(hash).load();
        let entry = bucket.as_ref()?.iter().find(|entry| entry.is(hash, key))?;
        read(entry)
    }

    pub(super) fn remove<Q>(&self, key: &Q) -> Option<CircuitBreaker>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        // Outlives the lock, and with it the key.
        let entry = loop {
            let bucket = self.index.place(hash).load_full();
            let mut entries = bucket.iter().flat_map(|list| list.iter());
            if let Some(found) = entries.find(|entry| entry.is(hash, key)).cloned() {
                break found;
            }
            // A miss is certain under the lock only.
            let _register = self.register();
            if self.index.is(hash, bucket.as_ref()) {
                return None;
            }
        };
        let place = self.register().take(&entry, &self.index)?;
        let core = place.core?;
        Some(CircuitBreaker { core })
    }

    pub(super) fn all(&self) -> Vec<(K, CircuitBreaker)> {
        let all = self.register().all();
        let with_key = |(entry, breaker): (Arc<KeyEntry<K>>, _)| ((*entry.key).clone(), breaker);
        all.into_iter().map(with_key).collect()
    }

    pub(super) fn command_all(&self, command: Command) {
        let all = {
            let mut register = self.register();
            register.standing = Some(command);
            register.commands += 1;
            register.all()
        };
        self.command_as_told(&self.overflow);
        for (_, breaker) in all {
            self.command_as_told(&breaker);
        }
    }

    /// Gives a breaker the standing command, and the next one if that was given
    /// meanwhile: of two threads that command all, one has the last word for every
    /// breaker.
    fn command_as_told(&self, breaker: &CircuitBreaker) {
        let standing = || {
            let register = self.register();
            (register.standing, register.commands)
        };
        let (mut command, mut number) = standing();
        while let Some(given) = command {
            breaker.command(given);
            let (next, latest) = standing();
            if latest == number {
                return;
            }
            (command, number) = (next, latest);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.register().order.len()
    }

    pub(super) fn stats(&self) -> Stats {
        let (keys, labels) = {
            let register = self.register();
            (register.order.len(), register.labels.names.len())
        };
        let overflowed =
            |reason: OverflowReason| self.overflowed[reason as usize].load(Ordering::Relaxed);
        Stats {
            keys,
            labels,
            evicted: self.evicted.load(Ordering::Relaxed),
            without_room: overflowed(OverflowReason::NoRoom),
            too_long: overflowed(OverflowReason::TooLong),
            equal_hashes: overflowed(OverflowReason::EqualHashes),
            not_built: overflowed(OverflowReason::NotBuilt),
        }
    }

    fn register(&self) -> MutexGuard<'_, Register<K>> {
        self.register.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the breaker of a key that was not found: made now, or by another
    /// thread at the same time.
    #[cold]
    fn make<Q>(&self, hash: u64, key: &Q) -> CircuitBreaker
    where
        K: Borrow<Q>,
        Q: Eq + ToOwned<Owned = K> + ?Sized,
    {
        let Some(making) = Making::begin(self) else {
            // Code that runs while a breaker of this set is made asks for another.
            return self.overflow(OverflowReason::NotBuilt);
        };
        for _ in 0..RETRIES {
            match self.enter(hash, key) {
                Err(reason) => return self.overflow(reason),
                Ok((entry, true)) => {
                    let made = self.build(&entry, making);
                    return made.unwrap_or_else(|| self.overflow(OverflowReason::NotBuilt));
                }
                Ok((entry, false)) => {
                    entry.ask();
                    // A thread that others may wait for waits for none.
                    if entry.core.get().is_none() && !making.is_outermost {
                        return self.overflow(OverflowReason::NotBuilt);
                    }
                    entry.core.wait();
                    if let Some(breaker) = entry.breaker() {
                        return breaker;
                    }
                }
            }
        }
        self.overflow(OverflowReason::NoRoom)
    }

    fn overflow(&self, reason: OverflowReason) -> CircuitBreaker {
        let before = self.overflowed[reason as usize].fetch_add(1, Ordering::Relaxed);
        if before == 0 {
            diagnostics::keys_share(&self.name, reason.text());
        }
        self.overflow.clone()
    }

    /// Enters a key, or finds it. Returns its entry, and whether it is new, with a
    /// breaker to be built.
    fn enter<Q>(&self, hash: u64, key: &Q) -> Result<(Arc<KeyEntry<K>>, bool), OverflowReason>
    where
        K: Borrow<Q>,
        Q: Eq + ToOwned<Owned = K> + ?Sized,
    {
        if size_of_val(key) > MAX_KEY_BYTES {
            return Err(OverflowReason::TooLong);
        }
        let new = Arc::new(KeyEntry {
            key: DropContained::new(key.to_owned()),
            hash,
            id: AtomicU32::new(0),
            core: OnceCell::new(),
            asked: AtomicBool::new(false),
        });
        if label::length(&*new.key, MAX_KEY_BYTES) > MAX_KEY_BYTES {
            return Err(OverflowReason::TooLong);
        }
        let mut looks = Looks::default();
        loop {
            let bucket = self.index.place(hash).load_full();
            let list = bucket.as_ref().map_or(&[][..], |list| list);
            if let Some(found) = list.iter().find(|entry| entry.is(hash, key)) {
                return Ok((Arc::clone(found), false));
            }
            if list.iter().filter(|entry| entry.hash == hash).count() >= EQUAL_HASHES {
                return Err(OverflowReason::EqualHashes);
            }
            if let Some(entered) = self.enter_into(&bucket, &new, &mut looks) {
                return entered.map(|()| (new, true));
            }
        }
    }

    /// Enters a key into a bucket, once there is room; `None` if the bucket is
    /// another one by now.
    #[allow(clippy::ref_option, reason = "that is what the index holds")]
    fn enter_into(
        &self,
        bucket: &BucketList<KeyEntry<K>>,
        new: &Arc<KeyEntry<K>>,
        looks: &mut Looks,
    ) -> Option<Result<(), OverflowReason>> {
        loop {
            let mut register = self.register();
            if !self.index.is(new.hash, bucket.as_ref()) {
                return None;
            }
            if register.order.len() < self.max_keys {
                let Some(id) = register.order.insert(KeyPlace {
                    entry: Arc::clone(new),
                    core: None,
                    seen: None,
                }) else {
                    return Some(Err(OverflowReason::NoRoom));
                };
                new.id.store(id, Ordering::Relaxed);
                self.index.insert(Arc::clone(new));
                return Some(Ok(()));
            }
            let Some(candidate) = register.next(looks) else {
                return Some(Err(OverflowReason::NoRoom));
            };
            drop(register);
            drop(self.settle(candidate));
        }
    }

    /// Evicts a breaker, if it may go, or puts it where it belongs.
    fn settle(&self, candidate: Candidate<K>) -> Evicted<K> {
        let Candidate { entry, core, why } = candidate;
        let now = core.refresh();
        // The last handle, if the key was removed meanwhile.
        catch_panic(|| drop(core));

        let mut register = self.register();
        let standing = register.standing.filter(|command| command.lasts());
        let standing = standing.map(Command::state);
        let Some(place) = register.place(&entry) else {
            return Evicted(None);
        };
        let asked = entry.asked.swap(false, Ordering::Relaxed);
        if asked {
            place.seen = None;
        }
        let mut stays = List::Kept;
        if let Some(core) = place.core.take() {
            let seen = *place.seen.get_or_insert(now);
            let retired = Core::retire(core, now, standing, |holds| {
                let is_forgotten = |since: Duration| {
                    let unasked = now.saturating_sub(since);
                    why == Why::Forgotten && !asked && unasked >= FORGOTTEN
                };
                match holds {
                    Holds::Nothing | Holds::Opening { long_over: true } => {
                        if asked {
                            stays = List::Candidates;
                        }
                        !asked || why == Why::Forced
                    }
                    Holds::Trouble => is_forgotten(seen),
                    Holds::Probing { since } => is_forgotten(since),
                    Holds::Opening { long_over: false } | Holds::Command => false,
                }
            });
            match retired {
                Ok(core) => {
                    self.evicted.fetch_add(1, Ordering::Relaxed);
                    let place = register.take(&entry, &self.index);
                    return Evicted(place.map(|place| (place, core)));
                }
                Err(core) => place.core = Some(core),
            }
        }
        let id = entry.id.load(Ordering::Relaxed);
        register.order.move_to_back(id, stays);
        Evicted(None)
    }

    /// Builds the breaker of an entry, for all who wait for it; `None` if code of
    /// the user's panics.
    fn build(&self, entry: &Arc<KeyEntry<K>>, making: Making) -> Option<CircuitBreaker> {
        let built = catch_panic(|| {
            let own = self.label(entry);
            let is_labelled = own.is_some();
            let name = own.unwrap_or_else(|| self.overflow.name().clone());
            let (breaker, news) = self.common.builder(name).build_or_default();
            let news = if is_labelled {
                breaker.register(news)
            } else {
                news
            };
            let now = breaker.core.now();
            (breaker, news, now)
        });
        let Some((breaker, news, now)) = built else {
            let place = self.register().take(entry, &self.index);
            let _ = entry.core.set(Weak::new());
            drop(place);
            diagnostics::policy_panicked("setting");
            return None;
        };
        {
            let mut register = self.register();
            // Unless it was removed meanwhile; then its breaker is only for those
            // who asked for it.
            if let Some(place) = register.place(entry) {
                place.core = Some(Arc::clone(&breaker.core));
                place.seen = Some(now);
                let id = entry.id.load(Ordering::Relaxed);
                register.order.move_to_back(id, List::Candidates);
            }
        }
        let _ = entry.core.set(Arc::downgrade(&breaker.core));
        drop(making);
        // Listeners may ask for this very key.
        news.tell(&breaker);
        // The standing command is looked at when the breaker can be found:
        // a command given from now on reaches it.
        if self.register().standing.is_some_and(Command::lasts) {
            self.command_as_told(&breaker);
        }
        Some(breaker)
    }

    /// Returns the name of the breaker of a key, or the one that it would have if it
    /// were one of the first.
    pub(super) fn name_of<Q>(&self, key: &Q, breaker: &CircuitBreaker) -> Name
    where
        K: Borrow<Q>,
        Q: ToOwned<Owned = K> + ?Sized,
    {
        let shared = self.overflow.name();
        if breaker.name() != shared || size_of_val(key) > MAX_KEY_BYTES {
            return breaker.name().clone();
        }
        match label::of(&*DropContained::new(key.to_owned())) {
            Some(label) => Name::from(format!("{}/{label}", self.name)),
            None => shared.clone(),
        }
    }

    /// Returns the name that a key has for itself, if it is one of the first.
    fn label(&self, entry: &KeyEntry<K>) -> Option<Name> {
        if let Some(answer) = self.register().labels.find(entry.hash) {
            return answer;
        }
        let label = label::of(&*entry.key)?;
        let name = Name::from(format!("{}/{label}", self.name));
        self.register().labels.give(entry.hash, name)
    }
}

impl<K> Register<K> {
    /// Returns the place of an entry, if it is in the set.
    fn place(&mut self, entry: &Arc<KeyEntry<K>>) -> Option<&mut KeyPlace<K>> {
        let id = entry.id.load(Ordering::Relaxed);
        let place = self.order.get_mut(id)?;
        Arc::ptr_eq(&place.entry, entry).then_some(place)
    }

    /// Takes an entry out of the set. The caller keeps `entry`.
    fn take(
        &mut self,
        entry: &Arc<KeyEntry<K>>,
        index: &Index<KeyEntry<K>>,
    ) -> Option<KeyPlace<K>> {
        self.place(entry)?;
        index.remove(entry);
        self.order.remove(entry.id.load(Ordering::Relaxed))
    }

    /// Returns all breakers there are. Runs no code of the user's.
    fn all(&self) -> Vec<(Arc<KeyEntry<K>>, CircuitBreaker)> {
        let built = |place: &KeyPlace<K>| {
            let core = Arc::clone(place.core.as_ref()?);
            Some((Arc::clone(&place.entry), CircuitBreaker { core }))
        };
        self.order.iter().filter_map(built).collect()
    }

    /// Returns the next breaker that a key without room looks at.
    fn next(&mut self, looks: &mut Looks) -> Option<Candidate<K>> {
        // One of those that had to stay, for each key: so they come back to the
        // candidates when they need not any more.
        if !mem::replace(&mut looks.began, true)
            && let Some(id) = self.order.front(List::Kept)
        {
            return self.candidate(id, List::Kept, Why::Unasked);
        }
        while let Some(id) = self.order.front(List::Candidates) {
            if looks.skipped == Some(id) {
                looks.all_asked = true;
            }
            if looks.all_asked || looks.skips == SKIPS || looks.candidates == CANDIDATES {
                break;
            }
            let place = self.order.get_mut(id)?;
            if place.entry.asked.swap(false, Ordering::Relaxed) {
                place.seen = None;
                self.order.move_to_back(id, List::Candidates);
                looks.skipped.get_or_insert(id);
                looks.skips += 1;
            } else {
                looks.candidates += 1;
                return self.candidate(id, List::Candidates, Why::Unasked);
            }
        }
        let candidate = self.order.front(List::Candidates);
        let kept = self.order.front(List::Kept);
        if let Some(id) = kept.filter(|_| looks.kept < KEPT) {
            looks.kept += 1;
            let why = if looks.all_asked || candidate.is_none() {
                Why::Forgotten
            } else {
                Why::Unasked
            };
            return self.candidate(id, List::Kept, why);
        }
        let id = candidate.filter(|_| looks.forced < FORCED)?;
        looks.forced += 1;
        self.candidate(id, List::Candidates, Why::Forced)
    }

    fn candidate(&mut self, id: Id, list: List, why: Why) -> Option<Candidate<K>> {
        // The next thread is to look at another one.
        self.order.move_to_back(id, list);
        let place = self.order.get_mut(id)?;
        Some(Candidate {
            entry: Arc::clone(&place.entry),
            core: Arc::clone(place.core.as_ref()?),
            why,
        })
    }
}

impl GivenNames {
    /// Returns the name of a key, or that it can have none; `None` if that is still
    /// to be decided.
    #[allow(clippy::option_option, reason = "unknown, known without a name, named")]
    fn find(&self, hash: u64) -> Option<Option<Name>> {
        match self.names.get(&hash) {
            Some(name) => Some(Some(name.clone())),
            None if self.names.len() >= self.limit => Some(None),
            None => None,
        }
    }

    /// Gives a name for ever, unless another key has it: both would be one series.
    fn give(&mut self, hash: u64, name: Name) -> Option<Name> {
        match self.find(hash) {
            Some(answer) => answer,
            None if self.taken.insert(name.clone()) => {
                self.names.insert(hash, name.clone());
                Some(name)
            }
            None => None,
        }
    }
}

impl<K> KeyEntry<K> {
    #[inline]
    fn is<Q>(&self, hash: u64, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        self.hash == hash && (*self.key).borrow() == key
    }

    #[inline]
    fn breaker(&self) -> Option<CircuitBreaker> {
        let core = self.core.get()?.upgrade()?;
        Some(CircuitBreaker { core })
    }

    fn ask(&self) {
        // A store would take the line from other threads each time.
        if !self.asked.load(Ordering::Relaxed) {
            self.asked.store(true, Ordering::Relaxed);
        }
    }
}

impl<K> Hashed for KeyEntry<K> {
    fn hash(&self) -> u64 {
        self.hash
    }
}

impl OverflowReason {
    const ALL: [Self; 4] = [
        Self::NoRoom,
        Self::TooLong,
        Self::EqualHashes,
        Self::NotBuilt,
    ];

    fn text(self) -> &'static str {
        match self {
            Self::NoRoom => "all `max_keys` breakers are in use, open or failing",
            Self::TooLong => "the key is longer than 1024 bytes",
            Self::EqualHashes => "too many keys have one hash; mend the `Hash` of the key",
            Self::NotBuilt => {
                "its breaker can't be made: the settings panic, or ask for a breaker of the same set"
            }
        }
    }
}

impl<K> Drop for Evicted<K> {
    fn drop(&mut self) {
        let evicted = self.0.take();
        catch_panic(|| drop(evicted));
    }
}

thread_local! {
    /// The sets that this thread is making a breaker for, by address.
    static MAKING: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// While it lives, this thread makes a breaker of a set: code that runs for it
/// and asks the set gets what is there, and makes no other.
struct Making {
    set: usize,
    is_outermost: bool,
}

impl Making {
    /// Marks this thread as building for the set. Returns `None` if it already
    /// is.
    fn begin<K>(set: &Set<K>) -> Option<Self> {
        let set = std::ptr::from_ref(set).addr();
        let begin = |making: &RefCell<Vec<usize>>| {
            let mut making = making.borrow_mut();
            if making.contains(&set) {
                return None;
            }
            let is_outermost = making.is_empty();
            making.push(set);
            Some(Self { set, is_outermost })
        };
        // In a destructor of a thread that ends, nothing can be remembered.
        MAKING.try_with(begin).unwrap_or_else(|_| {
            Some(Self {
                set,
                is_outermost: true,
            })
        })
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        let _ = MAKING.try_with(|making| making.borrow_mut().retain(|set| *set != self.set));
    }
}

impl<K: Key> Group for Set<K> {
    fn breakers(&self) -> Vec<CircuitBreaker> {
        let all = self.register().all();
        all.into_iter().map(|(_, breaker)| breaker).collect()
    }

    fn clock(&self) -> &ClockSource {
        // All are made with the same settings.
        self.overflow.core.clock()
    }

    fn forget_command(&self) {
        let mut register = self.register();
        register.standing = None;
        register.commands += 1;
    }
}
