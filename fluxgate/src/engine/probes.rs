//! The slots of half-open calls, and their leases.

use crate::util::slot::Slot;

/// At most `limit` calls in flight. A slot is held until it is released or its
/// lease ends, also when the state moves on meanwhile: a probe of an earlier
/// half-open period that still runs is still load on the dependency.
///
/// Probes stand in a list in the order of their beginning, linked through their
/// places, so that the ends of their leases are passed one after the other. Every
/// operation takes constant time, but for the leases that have ended since the
/// last one, each of which is passed once.
#[derive(Debug)]
pub(crate) struct Probes {
    limit: u32,
    /// In nanoseconds, like all times here.
    lease: u64,
    places: Vec<ProbePlace>,
    /// The first place that is free, linked by `next`; or `NO_PLACE`.
    free: u32,
    /// The probes that hold a slot: the one that began first, the first that is
    /// within its lease, and the last.
    oldest: u32,
    within: u32,
    newest: u32,
    /// How many hold a slot, and how many of them past their lease.
    held: u32,
    overdue: u32,
}

#[derive(Clone, Copy, Debug)]
struct ProbePlace {
    /// When the probe here began.
    began: u64,
    /// How many probes were here before.
    turn: u32,
    stage: ProbeStage,
    previous: u32,
    /// The next probe, or the next free place.
    next: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ProbeStage {
    Free,
    Within,
    Overdue,
}

const NO_PLACE: u32 = u32::MAX;
/// How many slots get their memory when the breaker is built.
const PREPARED: u32 = 16;

impl Probes {
    pub(crate) fn new(limit: u32, lease: u64) -> Self {
        let prepared = limit.min(PREPARED) as usize;
        Self {
            limit,
            lease,
            places: Vec::with_capacity(prepared),
            free: NO_PLACE,
            oldest: NO_PLACE,
            within: NO_PLACE,
            newest: NO_PLACE,
            held: 0,
            overdue: 0,
        }
    }

    pub(crate) fn limit(&self) -> u32 {
        self.limit
    }

    /// Returns the lease, in nanoseconds.
    pub(crate) fn lease(&self) -> u64 {
        self.lease
    }

    /// Takes a slot for a probe that begins `now`; also returns how many probes lost theirs
    /// for it.
    pub(crate) fn acquire(&mut self, now: u64) -> (Option<Slot>, u64) {
        if !self.has_free(now) {
            return (None, 0);
        }
        let mut lost = 0;
        // More than one if the limit was lowered.
        while self.held >= self.limit {
            self.remove(self.oldest);
            lost += 1;
        }
        (self.append(now), lost)
    }

    /// Returns whether [`acquire`](Self::acquire) would give a slot.
    pub(crate) fn has_free(&mut self, now: u64) -> bool {
        self.age(now);
        self.held - self.overdue < self.limit
    }

    /// Sets the limit and the lease anew. Probes that hold a slot keep it: with a lower
    /// limit none is given until fewer are within their lease.
    #[cfg(feature = "settings")]
    pub(crate) fn set(&mut self, limit: u32, lease: u64, now: u64) {
        self.limit = limit;
        self.lease = lease;
        let mut index = self.oldest;
        while let Some(place) = self.places.get_mut(index as usize) {
            place.stage = ProbeStage::Within;
            index = place.next;
        }
        self.within = self.oldest;
        self.overdue = 0;
        self.age(now);
    }

    /// Gives a slot back. Whether the probe outlived its lease while it still
    /// held the slot; one that lost it was counted then.
    pub(crate) fn release(&mut self, slot: Slot, now: u64) -> bool {
        self.age(now);
        match self.places.get(slot.place as usize) {
            Some(place) if place.turn == slot.turn && place.stage != ProbeStage::Free => {
                let overdue = place.stage == ProbeStage::Overdue;
                self.remove(slot.place);
                overdue
            }
            _ => false,
        }
    }

    /// Returns how many probes hold a slot and are within their lease.
    pub(crate) fn in_flight(&mut self, now: u64) -> usize {
        self.age(now);
        (self.held - self.overdue) as usize
    }

    /// Returns how many probes have outlived their lease, and still hold a slot because
    /// no other asked for it.
    pub(crate) fn overdue(&mut self, now: u64) -> u64 {
        self.age(now);
        self.overdue.into()
    }

    /// Passes the leases that have ended.
    fn age(&mut self, now: u64) {
        while let Some(place) = self.places.get_mut(self.within as usize) {
            if now.saturating_sub(place.began) < self.lease {
                break;
            }
            place.stage = ProbeStage::Overdue;
            self.within = place.next;
            self.overdue += 1;
        }
    }

    /// Puts a probe at the end of the list.
    fn append(&mut self, now: u64) -> Option<Slot> {
        let newest = self.places.get(self.newest as usize);
        let mut place = ProbePlace {
            // A clock that jumps back must not make the order a lie.
            began: newest.map_or(now, |newest| newest.began.max(now)),
            turn: 0,
            stage: ProbeStage::Within,
            previous: self.newest,
            next: NO_PLACE,
        };
        let mut index = self.free;
        if let Some(free) = self.places.get_mut(index as usize) {
            self.free = free.next;
            place.turn = free.turn + 1;
            *free = place;
        } else {
            index = u32::try_from(self.places.len()).ok()?;
            if index == NO_PLACE {
                return None;
            }
            self.places.push(place);
        }
        match self.places.get_mut(self.newest as usize) {
            Some(newest) => newest.next = index,
            None => self.oldest = index,
        }
        self.newest = index;
        if self.within == NO_PLACE {
            self.within = index;
        }
        self.held += 1;
        Some(Slot {
            place: index,
            turn: place.turn,
        })
    }

    /// Takes a probe out of the list. Its place is free then, unless all its turns
    /// are used up: a slot must never fit a later probe.
    fn remove(&mut self, index: u32) {
        let ProbePlace {
            turn,
            stage,
            previous,
            next,
            ..
        } = self.places[index as usize];
        match self.places.get_mut(previous as usize) {
            Some(previous) => previous.next = next,
            None => self.oldest = next,
        }
        match self.places.get_mut(next as usize) {
            Some(next) => next.previous = previous,
            None => self.newest = previous,
        }
        if self.within == index {
            self.within = next;
        }
        self.held -= 1;
        self.overdue -= u32::from(stage == ProbeStage::Overdue);
        let place = &mut self.places[index as usize];
        place.stage = ProbeStage::Free;
        if turn < u32::MAX {
            place.next = self.free;
            self.free = index;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Random, Seeded};

    #[test]
    fn slot_returns_on_release_or_end_of_lease() {
        let mut probes = Probes::new(2, 10);
        let (Some(a), 0) = probes.acquire(0) else {
            panic!("the first slot")
        };
        let (Some(b), 0) = probes.acquire(5) else {
            panic!("the second slot")
        };
        assert_eq!(probes.acquire(9), (None, 0));
        assert_eq!(probes.in_flight(9), 2);
        assert_eq!(probes.in_flight(10), 1);

        let (Some(c), 1) = probes.acquire(10) else {
            panic!("the lease of the first is over")
        };
        assert_eq!(c.place, a.place);
        // The first holder returns late: the slot is another's by now.
        assert!(!probes.release(a, 11));
        assert_eq!(probes.acquire(11), (None, 0));

        assert!(!probes.release(b, 11));
        assert!(probes.release(c, 20), "held to the end of its lease");
        assert_eq!(probes.in_flight(20), 0);
    }

    #[test]
    fn never_more_than_the_limit() {
        let mut probes = Probes::new(100, 50);
        for _ in 0..100 {
            assert!(probes.acquire(1).0.is_some());
        }
        assert_eq!(probes.acquire(50), (None, 0));
        assert_eq!(probes.overdue(51), 100);
        // One lost its slot to the new one; the others keep theirs until asked.
        assert_eq!(probes.acquire(51), (Some(Slot { place: 0, turn: 1 }), 1));
        assert_eq!((probes.in_flight(51), probes.overdue(51)), (1, 99));
    }

    #[test]
    fn slot_of_the_last_turn_fits_no_later_probe() {
        let mut probes = Probes::new(1, 10);
        let slot = probes.acquire(0).0.expect("the first slot");
        probes.release(slot, 0);
        probes.places[0].turn = u32::MAX - 1;
        let last = probes.acquire(0).0.expect("the last turn");
        assert_eq!((last.place, last.turn), (0, u32::MAX));
        probes.release(last, 0);
        let next = probes.acquire(0).0.expect("another place");
        assert_eq!((next.place, next.turn), (1, 0));
        probes.release(last, 0);
        assert_eq!(probes.acquire(0), (None, 0), "the next holds its slot");
    }

    /// Against a plain list, over many random steps.
    #[test]
    fn probes_agree_with_a_plain_list() {
        const LIMIT: usize = 7;
        const LEASE: u64 = 20;
        let mut probes = Probes::new(7, LEASE);
        // When each began, its slot, and whether it holds it.
        let mut plain: Vec<(u64, Slot)> = Vec::new();
        let mut gone: Vec<Slot> = Vec::new();
        let mut random = Seeded::new(3);
        let mut now = 0;
        for step in 0..50_000 {
            let draw = random.next_f64().to_bits() >> 20 & 0xFFFF;
            let pick = |len: usize| usize::try_from(draw >> 4).unwrap_or(0) % len;
            match draw % 8 {
                0..=2 => {
                    let oldest = plain.iter().position(|(began, _)| now - began >= LEASE);
                    let full = plain.len() == LIMIT;
                    let (slot, lost) = probes.acquire(now);
                    assert_eq!(slot.is_some(), !full || oldest.is_some(), "{step}");
                    assert_eq!(lost == 1, full && oldest.is_some(), "{step}");
                    if let (true, Some(oldest)) = (full, oldest) {
                        gone.push(plain.remove(oldest).1);
                    }
                    plain.extend(slot.map(|slot| (now, slot)));
                }
                3..=4 if !plain.is_empty() => {
                    let (began, slot) = plain.remove(pick(plain.len()));
                    assert_eq!(probes.release(slot, now), now - began >= LEASE);
                    gone.push(slot);
                }
                5 if !gone.is_empty() => {
                    assert!(!probes.release(gone[pick(gone.len())], now), "{step}");
                }
                _ => now += draw % 7,
            }
            let overdue = plain.iter().filter(|(began, _)| now - began >= LEASE);
            let overdue = overdue.count();
            assert_eq!(probes.overdue(now), overdue as u64, "{step}");
            assert_eq!(probes.in_flight(now), plain.len() - overdue, "{step}");
        }
        assert!(probes.places.len() <= LIMIT);
    }

    #[cfg(feature = "settings")]
    #[test]
    fn lower_limit_admits_none_until_fewer_run() {
        let mut probes = Probes::new(3, 10);
        let slots = [0, 1, 2].map(|now| probes.acquire(now).0.expect("a slot"));
        probes.set(1, 10, 2);
        assert_eq!(probes.acquire(3), (None, 0));
        assert!(!probes.release(slots[1], 3));
        assert_eq!(probes.acquire(3), (None, 0), "two run");
        // The first is overdue, the third runs still.
        assert!(!probes.has_free(10));
        assert_eq!(probes.acquire(10), (None, 0));
        // Both are overdue: both lose their slots.
        let (slot, lost) = probes.acquire(12);
        assert!(slot.is_some());
        assert_eq!((lost, probes.held), (2, 1));
    }

    #[cfg(feature = "settings")]
    #[test]
    fn other_lease_is_that_of_probes_in_flight() {
        let mut probes = Probes::new(3, 10);
        let slots = [0, 4, 8].map(|now| probes.acquire(now).0.expect("a slot"));
        assert_eq!(probes.overdue(12), 1);
        probes.set(3, 20, 12);
        assert_eq!((probes.in_flight(12), probes.overdue(12)), (3, 0));
        probes.set(3, 5, 12);
        assert_eq!((probes.in_flight(12), probes.overdue(12)), (1, 2));
        assert!(probes.release(slots[1], 12) && !probes.release(slots[2], 12));
        assert_eq!((probes.in_flight(30), probes.overdue(30)), (0, 1));
    }

    #[test]
    fn lost_probe_frees_no_slot_of_another() {
        let mut probes = Probes::new(1, 10);
        let (Some(lost), 0) = probes.acquire(100) else {
            panic!("the first slot")
        };
        let (Some(next), 1) = probes.acquire(110) else {
            panic!("the lease of the first is over")
        };
        probes.release(next, 110);
        // Another probe that began when the lost one did.
        assert!(probes.acquire(100).0.is_some());
        probes.release(lost, 100);
        assert_eq!(probes.acquire(100), (None, 0));
    }

    #[test]
    fn slots_come_back_at_the_end_of_all_time() {
        let mut probes = Probes::new(1, u64::MAX);
        for _ in 0..3 {
            let (Some(slot), 0) = probes.acquire(u64::MAX) else {
                panic!("the slot is free")
            };
            assert_eq!(probes.acquire(u64::MAX), (None, 0));
            assert_eq!(probes.in_flight(u64::MAX), 1);
            assert!(!probes.release(slot, u64::MAX));
        }
    }
}
