//! The slots of half-open calls, and their leases.

/// At most `limit` calls in flight. A slot is held until it is released or its
/// lease ends, also when the state moves on meanwhile: a probe of an earlier
/// half-open period that still runs is still load on the dependency.
#[derive(Debug)]
pub(crate) struct Probes {
    limit: u32,
    /// In nanoseconds, like all times here.
    lease: u64,
    places: Vec<Place>,
    /// The first place that is free, linked by `next`; or `NOBODY`.
    free: u32,
    /// No probe in flight began before this.
    oldest: u64,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    /// When the probe here began, or `FREE`.
    began: u64,
    /// How many probes were here before.
    turn: u32,
    /// The next free place, while this one is.
    next: u32,
}

/// A probe's right to its place, until another probe has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    place: u32,
    turn: u32,
}

impl Slot {
    /// What a call that is no probe holds.
    pub(crate) const NONE: Self = Self {
        place: u32::MAX,
        turn: 0,
    };

    /// Of something that takes places without turns.
    pub(crate) fn at(place: u32) -> Self {
        Self { place, turn: 0 }
    }

    pub(crate) fn place(self) -> u32 {
        self.place
    }
}

const FREE: u64 = u64::MAX;
const NOBODY: u32 = u32::MAX;
/// How many slots get their memory when the breaker is built.
const PREPARED: u32 = 16;

impl Probes {
    pub(crate) fn new(limit: u32, lease: u64) -> Self {
        let prepared = limit.min(PREPARED) as usize;
        Self {
            limit,
            lease,
            places: Vec::with_capacity(prepared),
            free: NOBODY,
            oldest: FREE,
        }
    }

    pub(crate) fn limit(&self) -> u32 {
        self.limit
    }

    /// In nanoseconds.
    pub(crate) fn lease(&self) -> u64 {
        self.lease
    }

    /// A slot for a probe that begins `now`, and how many probes lost theirs
    /// for it.
    pub(crate) fn acquire(&mut self, now: u64) -> (Option<Slot>, u64) {
        let began = now.min(FREE - 1);
        let lost = if self.is_full() { self.reclaim(now) } else { 0 };
        let full = self.is_full();
        let slot = match self.places.get_mut(self.free as usize) {
            Some(place) => {
                let slot = Slot {
                    place: self.free,
                    turn: place.turn.wrapping_add(1),
                };
                self.free = place.next;
                (place.began, place.turn) = (began, slot.turn);
                Some(slot)
            }
            None if !full => {
                let place = u32::try_from(self.places.len()).ok();
                self.places.push(Place {
                    began,
                    turn: 0,
                    next: NOBODY,
                });
                place.map(|place| Slot { place, turn: 0 })
            }
            None => None,
        };
        if slot.is_some() {
            self.oldest = self.oldest.min(began);
        }
        (slot, lost)
    }

    /// Gives a slot back. Whether the probe outlived its lease while it still
    /// held the slot; one that lost it was counted then.
    pub(crate) fn release(&mut self, slot: Slot, now: u64) -> bool {
        match self.places.get_mut(slot.place as usize) {
            Some(place) if place.turn == slot.turn && place.began != FREE => {
                let began = place.began;
                (place.began, place.next) = (FREE, self.free);
                self.free = slot.place;
                self.is_over(began, now)
            }
            _ => false,
        }
    }

    /// How many probes hold a slot and are within their lease.
    pub(crate) fn in_flight(&self, now: u64) -> usize {
        self.held()
            .filter(|began| !self.is_over(*began, now))
            .count()
    }

    /// How many probes have outlived their lease, and still hold a slot because
    /// no other asked for it.
    pub(crate) fn overdue(&self, now: u64) -> u64 {
        self.held()
            .filter(|began| self.is_over(*began, now))
            .count() as u64
    }

    /// When each probe that holds a slot began.
    fn held(&self) -> impl Iterator<Item = u64> {
        self.places
            .iter()
            .map(|place| place.began)
            .filter(|began| *began != FREE)
    }

    fn is_full(&self) -> bool {
        self.free == NOBODY && self.places.len() >= self.limit as usize
    }

    fn is_over(&self, began: u64, now: u64) -> bool {
        now.saturating_sub(began) >= self.lease
    }

    fn reclaim(&mut self, now: u64) -> u64 {
        if !self.is_over(self.oldest, now) {
            return 0;
        }
        let mut lost = 0;
        self.oldest = FREE;
        let lease = self.lease;
        for (index, place) in (0..).zip(&mut self.places) {
            if place.began == FREE {
                continue;
            }
            if now.saturating_sub(place.began) >= lease {
                (place.began, place.next) = (FREE, self.free);
                self.free = index;
                lost += 1;
            } else {
                self.oldest = self.oldest.min(place.began);
            }
        }
        lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_comes_back_when_released_or_when_its_lease_ends() {
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
        assert_eq!(probes.acquire(51), (Some(Slot { place: 99, turn: 1 }), 100));
        assert_eq!((probes.in_flight(51), probes.overdue(51)), (1, 0));
    }

    #[test]
    fn a_lost_probe_never_frees_the_slot_of_another_though_the_clock_jumped_back() {
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
