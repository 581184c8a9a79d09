//! The index: from the hash of a key to its entries, read without a lock.
//!
//! A table of buckets that grows by one bucket for each entry (linear hashing), so
//! that no insertion takes longer than another, whatever the number of entries,
//! and none is ever rehashed as a whole. A bucket is an immutable list that is
//! replaced as a whole.
//!
//! Writers hold the lock of the set. Readers take none: a reader that comes
//! between two steps of a writer may miss an entry that is there, and then asks
//! once more with the lock.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicUsize, Ordering},
};

use arc_swap::ArcSwapOption;

/// What the index holds: entries that know the hash of their key.
pub(super) trait Hashed {
    fn hash(&self) -> u64;
}

/// The entries of one bucket; `None` stands for an empty list.
pub(super) type BucketList<E> = Option<Arc<Vec<Arc<E>>>>;

type BucketCell<E> = ArcSwapOption<Vec<Arc<E>>>;

pub(super) struct Index<E> {
    /// Segment 0 has one bucket, segment `n` has 2^(n-1).
    segments: [OnceLock<Box<[BucketCell<E>]>>; SEGMENTS],
    /// How many buckets are in use. Stored with `Release` when the newest bucket
    /// is filled; partner of the `Acquire` in `place`, which so finds its segment
    /// and its entries.
    buckets: AtomicUsize,
    entries: AtomicUsize,
}

/// Room for 2^31 buckets; beyond that lists grow longer.
const SEGMENTS: usize = 32;

impl<E: Hashed> Index<E> {
    pub(super) fn new() -> Self {
        let index = Self {
            segments: [const { OnceLock::new() }; SEGMENTS],
            buckets: AtomicUsize::new(1),
            entries: AtomicUsize::new(0),
        };
        index.segment(0);
        index
    }

    /// Returns the place of the bucket of a hash, for readers: entries of other
    /// hashes are in it as well.
    #[inline]
    pub(super) fn place(&self, hash: u64) -> &BucketCell<E> {
        let buckets = self.buckets.load(Ordering::Acquire);
        self.at(number(hash, buckets))
    }

    /// Returns whether the bucket of a hash is this one. Needs the set's lock.
    pub(super) fn is(&self, hash: u64, bucket: Option<&Arc<Vec<Arc<E>>>>) -> bool {
        let present = self.place(hash).load();
        match (&*present, bucket) {
            (Some(present), Some(bucket)) => Arc::ptr_eq(present, bucket),
            (None, None) => true,
            _ => false,
        }
    }

    /// Adds an entry. Needs the set's lock.
    pub(super) fn insert(&self, entry: Arc<E>) {
        let place = self.place(entry.hash());
        let mut list = place.load().as_deref().cloned().unwrap_or_default();
        list.push(entry);
        place.store(Some(Arc::new(list)));
        let entries = self.entries.load(Ordering::Relaxed) + 1;
        self.entries.store(entries, Ordering::Relaxed);
        if entries > self.buckets.load(Ordering::Relaxed) {
            self.split();
        }
    }

    /// Removes an entry. Needs the set's lock, and the caller keeps the entry, so
    /// that its key is not dropped under it.
    pub(super) fn remove(&self, entry: &Arc<E>) {
        let place = self.place(entry.hash());
        let mut list = place.load().as_deref().cloned().unwrap_or_default();
        if let Some(at) = list.iter().position(|each| Arc::ptr_eq(each, entry)) {
            list.swap_remove(at);
            place.store((!list.is_empty()).then(|| Arc::new(list)));
            let entries = self.entries.load(Ordering::Relaxed);
            self.entries.store(entries - 1, Ordering::Relaxed);
        }
    }

    /// Adds a bucket, and moves into it what belongs there from now on.
    fn split(&self) {
        let buckets = self.buckets.load(Ordering::Relaxed);
        if buckets >= 1 << (SEGMENTS - 1) {
            return;
        }
        let old = self.at(number(buckets as u64, buckets));
        let new = {
            let (segment, offset) = address(buckets);
            &self.segment(segment)[offset]
        };
        let list = old.load().as_deref().cloned().unwrap_or_default();
        let goes = |entry: &Arc<E>| number(entry.hash(), buckets + 1) == buckets;
        let (moved, stays): (Vec<_>, Vec<_>) = list.into_iter().partition(goes);
        if !moved.is_empty() {
            new.store(Some(Arc::new(moved)));
        }
        self.buckets.store(buckets + 1, Ordering::Release);
        old.store((!stays.is_empty()).then(|| Arc::new(stays)));
    }

    fn at(&self, bucket: usize) -> &BucketCell<E> {
        let (segment, offset) = address(bucket);
        &self.segment(segment)[offset]
    }

    #[inline]
    fn segment(&self, segment: usize) -> &[BucketCell<E>] {
        self.segments[segment].get_or_init(|| {
            let buckets = 1_usize << segment.saturating_sub(1);
            (0..buckets).map(|_| ArcSwapOption::empty()).collect()
        })
    }
}

/// Returns the bucket of a hash among so many.
#[inline]
fn number(hash: u64, buckets: usize) -> usize {
    // At least 1, and so never out of the range of the shift.
    let mask = buckets.next_power_of_two() - 1;
    #[allow(
        clippy::cast_possible_truncation,
        reason = "the mask takes the low bits"
    )]
    let hash = hash as usize;
    let bucket = hash & mask;
    if bucket < buckets {
        bucket
    } else {
        bucket & (mask >> 1)
    }
}

/// Returns the segment of a bucket, and its place there.
#[inline]
fn address(bucket: usize) -> (usize, usize) {
    match bucket.checked_ilog2() {
        None => (0, 0),
        Some(log) => (log as usize + 1, bucket - (1 << log)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Hashed for u64 {
        fn hash(&self) -> u64 {
            *self
        }
    }

    fn holds(index: &Index<u64>, entry: &Arc<u64>) -> bool {
        let bucket = index.place(**entry).load_full();
        bucket.is_some_and(|list| list.iter().any(|each| Arc::ptr_eq(each, entry)))
    }

    #[test]
    fn entries_are_found_while_it_grows_and_shrinks() {
        let index = Index::new();
        // A generator of the same sequence each time.
        let mut state = 1_u64;
        let mut next = move || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            state ^ (state >> 29)
        };
        let entries: Vec<Arc<u64>> = (0..3000).map(|_| Arc::new(next())).collect();
        for (at, entry) in entries.iter().enumerate() {
            index.insert(Arc::clone(entry));
            assert!(holds(&index, &entries[at / 2]) && holds(&index, entry));
        }
        let longest = (0..3000).filter_map(|at| Some(index.at(at).load().as_ref()?.len()));
        assert!(longest.max() < Some(12), "a list is too long");
        for entry in entries.iter().step_by(2) {
            index.remove(entry);
            index.remove(entry);
        }
        for (at, entry) in entries.iter().enumerate() {
            assert_eq!(holds(&index, entry), at % 2 == 1);
        }
    }

    #[test]
    fn equal_hashes_share_a_list() {
        let index = Index::new();
        let entries: Vec<Arc<u64>> = (0..100).map(|_| Arc::new(7)).collect();
        for each in &entries {
            index.insert(Arc::clone(each));
        }
        assert!(entries.iter().all(|each| holds(&index, each)));
    }

    #[test]
    fn buckets_have_places_of_their_own() {
        let mut seen = std::collections::HashSet::new();
        for bucket in 0..1000 {
            let (segment, offset) = address(bucket);
            assert!(offset < 1 << segment.saturating_sub(1));
            assert!(seen.insert((segment, offset)), "{bucket}");
        }
    }
}
