//! Which breaker has to go for a new key.
//!
//! A new key looks at [`CANDIDATES`] breakers that hold nothing, in the order in which
//! they were last asked for, passing those that were asked for since. Then it looks at
//! some that had to stay, and at last takes one whether it was asked for or not.

use std::{
    mem,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use super::{
    Key,
    map::Set,
    order::{Id, List},
    register::{KeyEntry, KeyPlace, Register},
};
use crate::{
    engine::{Core, retire::Holds},
    util::panic::catch_panic,
};

/// A breaker that may have to go.
pub(super) struct Candidate<K> {
    entry: Arc<KeyEntry<K>>,
    core: Arc<Core>,
    why: Why,
}

/// What is asked of a breaker that shall go, beyond that nothing holds it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// It holds nothing, and was not asked for since it was last looked at.
    Unasked,
    /// Also one whose failures are forgotten.
    Forgotten,
    /// It holds nothing.
    Forced,
}

/// How far one key looked for room.
#[derive(Default)]
pub(super) struct Looks {
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
pub(super) struct Evicted<K>(Option<(KeyPlace<K>, Core)>);

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

impl<K: Key> Set<K> {
    /// Evicts a breaker, if it may go, or puts it where it belongs.
    pub(super) fn settle(&self, candidate: Candidate<K>) -> Evicted<K> {
        let Candidate { entry, core, why } = candidate;
        let now = core.refresh();
        let (state, start) = (core.state(), core.start());
        // The last handle, if the key was removed meanwhile.
        catch_panic(|| drop(core));

        let mut register = self.register();
        let commanded = register.commanded_state(&entry, state, start);
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
            let retired = Core::retire(core, now, commanded, |holds| {
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
}

impl<K> Register<K> {
    /// Returns the next breaker that a key without room looks at.
    pub(super) fn next(&mut self, looks: &mut Looks) -> Option<Candidate<K>> {
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

impl<K> Drop for Evicted<K> {
    fn drop(&mut self) {
        let evicted = self.0.take();
        catch_panic(|| drop(evicted));
    }
}
