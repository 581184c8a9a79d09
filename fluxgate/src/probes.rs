//! The slots of half-open calls, and their leases.

/// At most `limit` calls in flight. A slot is held until it is released or its
/// lease ends, also when the state moves on meanwhile: a probe of an earlier
/// half-open period that still runs is still load on the dependency.
#[derive(Debug)]
pub(crate) struct Probes {
    limit: u32,
    /// In nanoseconds, like all times here.
    lease: u64,
    /// When the probe in each slot began, or `FREE`.
    slots: Vec<u64>,
    free: Vec<u32>,
    /// No probe in flight began before this.
    oldest: u64,
}

const FREE: u64 = u64::MAX;
/// How many slots get their memory when the breaker is built.
const PREPARED: u32 = 16;

impl Probes {
    pub(crate) fn new(limit: u32, lease: u64) -> Self {
        let prepared = limit.min(PREPARED) as usize;
        Self {
            limit,
            lease,
            slots: Vec::with_capacity(prepared),
            free: Vec::with_capacity(prepared),
            oldest: FREE,
        }
    }

    /// A slot for a probe that begins `now`, and how many probes lost theirs
    /// for it.
    pub(crate) fn acquire(&mut self, now: u64) -> (Option<u32>, u64) {
        let began = now.min(FREE - 1);
        let lost = if self.is_full() { self.reclaim(now) } else { 0 };
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize] = began;
                Some(slot)
            }
            None if !self.is_full() => {
                self.slots.push(began);
                u32::try_from(self.slots.len() - 1).ok()
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
    pub(crate) fn release(&mut self, slot: u32, began: u64, now: u64) -> bool {
        // A slot is taken over only after a lease, which is above zero: the
        // time tells its holders apart.
        match self.slots.get_mut(slot as usize) {
            Some(holder) if *holder == began.min(FREE - 1) => {
                *holder = FREE;
                self.free.push(slot);
                now.saturating_sub(began) >= self.lease
            }
            _ => false,
        }
    }

    /// How many probes hold a slot and are within their lease.
    pub(crate) fn in_flight(&self, now: u64) -> usize {
        let live = |began: &&u64| **began != FREE && !self.is_over(**began, now);
        self.slots.iter().filter(live).count()
    }

    fn is_full(&self) -> bool {
        self.free.is_empty() && self.slots.len() >= self.limit as usize
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
        for slot in 0..self.slots.len() {
            let began = self.slots[slot];
            if began == FREE {
                continue;
            }
            if self.is_over(began, now) {
                self.slots[slot] = FREE;
                self.free.extend(u32::try_from(slot).ok());
                lost += 1;
            } else {
                self.oldest = self.oldest.min(began);
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
        assert_eq!(c, a);
        // The first holder returns late: the slot is another's by now.
        assert!(!probes.release(a, 0, 11));
        assert_eq!(probes.acquire(11), (None, 0));

        assert!(!probes.release(b, 5, 11));
        assert!(probes.release(c, 10, 20), "held to the end of its lease");
        assert_eq!(probes.in_flight(20), 0);
    }

    #[test]
    fn never_more_than_the_limit() {
        let mut probes = Probes::new(100, 50);
        for _ in 0..100 {
            assert!(probes.acquire(1).0.is_some());
        }
        assert_eq!(probes.acquire(50), (None, 0));
        assert_eq!(probes.acquire(51), (Some(99), 100));
        assert_eq!(probes.in_flight(51), 1);
    }
}
