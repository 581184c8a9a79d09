//! The calls of a closed circuit that run now, and how many of them for long.

use std::time::Duration;

use crate::{util::duration::nanos, util::slot::Slot};

/// Calls in the order of their beginning, in a list that is linked through their
/// places. Every operation takes constant time, but for the calls that have
/// grown old since the last one.
#[derive(Debug)]
pub(crate) struct InFlightAges {
    /// Ascending: a call passes one after the other.
    ages: Box<[Age]>,
    places: Vec<CallPlace>,
    /// The first of the places that are not in use, linked by `next`.
    free: u32,
    last: u32,
    /// Tells this list from others that the breaker had in the same period: its slots
    /// fit no other.
    number: u32,
}

/// The calls that have run for at least `least`.
#[derive(Clone, Debug)]
struct Age {
    least: u64,
    count: u64,
    /// The first call that is younger.
    younger: u32,
}

#[derive(Clone, Copy, Debug)]
struct CallPlace {
    began: u64,
    /// How many ages the call here has passed.
    passed: u32,
    previous: u32,
    next: u32,
}

const NO_PLACE: u32 = u32::MAX;

impl InFlightAges {
    /// `ages` must ascend.
    pub(crate) fn new(ages: &[Duration]) -> Self {
        let age = |least: &Duration| Age {
            least: nanos(*least),
            count: 0,
            younger: NO_PLACE,
        };
        Self {
            ages: ages.iter().map(age).collect(),
            places: Vec::new(),
            free: NO_PLACE,
            last: NO_PLACE,
            number: 0,
        }
    }

    /// Gives the list another number.
    #[cfg(feature = "settings")]
    pub(crate) fn set_number(&mut self, number: u32) {
        self.number = number;
    }

    /// Returns whether these are the ages that calls are counted by.
    #[cfg(feature = "settings")]
    pub(crate) fn has_ages(&self, other: &Self) -> bool {
        let own = self.ages.iter().map(|age| age.least);
        own.eq(other.ages.iter().map(|age| age.least))
    }

    /// Takes note of a call that begins. `None` if there are more than any program
    /// can count.
    pub(crate) fn enter(&mut self, now: u64) -> Option<Slot> {
        // A clock that jumps back must not make the order a lie.
        let last = self.places.get(self.last as usize);
        let place = CallPlace {
            began: last.map_or(now, |last| last.began.max(now)),
            passed: 0,
            previous: self.last,
            next: NO_PLACE,
        };
        let index = self.free;
        let index = if let Some(free) = self.places.get_mut(index as usize) {
            self.free = free.next;
            *free = place;
            index
        } else {
            let index = u32::try_from(self.places.len()).ok();
            let index = index.filter(|index| *index != NO_PLACE)?;
            self.places.push(place);
            index
        };
        if let Some(last) = self.places.get_mut(self.last as usize) {
            last.next = index;
        }
        self.last = index;
        for age in &mut self.ages {
            if age.younger == NO_PLACE {
                age.younger = index;
            }
        }
        Some(Slot {
            place: index,
            turn: self.number,
        })
    }

    /// Takes note of the end of a call that entered since the last `clear`. One that
    /// entered another list is not in this one.
    pub(crate) fn leave(&mut self, slot: Slot) {
        if slot.turn != self.number {
            return;
        }
        let index = slot.place;
        let CallPlace {
            passed,
            previous,
            next,
            ..
        } = self.places[index as usize];
        let (older, younger) = self.ages.split_at_mut(passed as usize);
        for age in older {
            age.count -= 1;
        }
        for age in younger {
            if age.younger == index {
                age.younger = next;
            }
        }
        if let Some(previous) = self.places.get_mut(previous as usize) {
            previous.next = next;
        }
        match self.places.get_mut(next as usize) {
            Some(next) => next.previous = previous,
            None => self.last = previous,
        }
        self.places[index as usize].next = self.free;
        self.free = index;
    }

    /// Lets calls grow old. Whether any came of an age.
    pub(crate) fn age(&mut self, now: u64) -> bool {
        let mut grown = false;
        for age in &mut self.ages {
            while let Some(call) = self.places.get_mut(age.younger as usize) {
                if now.saturating_sub(call.began) < age.least {
                    break;
                }
                call.passed += 1;
                age.count += 1;
                age.younger = call.next;
                grown = true;
            }
        }
        grown
    }

    /// Returns how many calls have run for at least `age`, if that is one of the
    /// ages.
    pub(crate) fn count(&self, age: Duration) -> Option<u64> {
        let least = nanos(age);
        let found = self.ages.binary_search_by_key(&least, |age| age.least);
        Some(self.ages[found.ok()?].count)
    }

    /// Returns a copy of the counts alone, to be looked at later: no call enters
    /// or leaves it.
    pub(crate) fn ages(&self) -> Self {
        Self {
            ages: self.ages.clone(),
            places: Vec::new(),
            free: NO_PLACE,
            last: NO_PLACE,
            number: self.number,
        }
    }

    /// Forgets all calls: none of them will `leave`.
    pub(crate) fn clear(&mut self) {
        self.places.clear();
        (self.free, self.last) = (NO_PLACE, NO_PLACE);
        for age in &mut self.ages {
            (age.count, age.younger) = (0, NO_PLACE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Random, Seeded};

    const AGES: [Duration; 2] = [Duration::from_nanos(10), Duration::from_nanos(25)];

    fn counts(running: &InFlightAges) -> [u64; 2] {
        AGES.map(|age| running.count(age).expect("an age"))
    }

    #[test]
    fn calls_grow_old_one_after_the_other() {
        let mut running = InFlightAges::new(&AGES);
        let first = running.enter(0).expect("a place");
        let second = running.enter(5).expect("a place");
        assert!(!running.age(9));
        assert!(running.age(10));
        assert_eq!(counts(&running), [1, 0]);
        let third = running.enter(12).expect("a place");
        assert!(running.age(26));
        assert_eq!(counts(&running), [3, 1]);
        running.leave(second);
        assert_eq!(counts(&running), [2, 1]);
        running.leave(first);
        assert!(running.age(40));
        assert_eq!(counts(&running), [1, 1]);
        running.leave(third);
        assert_eq!(counts(&running), [0, 0]);
        assert_eq!(running.count(Duration::from_nanos(11)), None);
    }

    /// Against a plain list, over many random steps.
    #[test]
    fn it_counts_what_a_plain_list_counts() {
        let mut running = InFlightAges::new(&AGES);
        let mut plain: Vec<(u64, Slot)> = Vec::new();
        let mut random = Seeded::new(7);
        let mut now = 0;
        for step in 0..20_000 {
            // Any bits that change often.
            let draw = random.next_f64().to_bits() >> 20 & 0xFFFF;
            match draw % 10 {
                0..=3 => plain.push((now, running.enter(now).expect("a place"))),
                4..=6 if !plain.is_empty() => {
                    let (_, slot) = plain.remove(usize::try_from(draw).unwrap_or(0) % plain.len());
                    running.leave(slot);
                }
                7 if step % 100 == 0 => {
                    running.clear();
                    plain.clear();
                }
                _ => now += draw % 7,
            }
            running.age(now);
            let expected = AGES.map(|age| {
                let old = |(began, _): &&(u64, Slot)| now - began >= nanos(age);
                plain.iter().filter(old).count() as u64
            });
            assert_eq!(counts(&running), expected, "after {step} steps");
        }
        let most = plain.len().max(1000);
        assert!(running.places.len() <= most, "places are used again");
    }

    #[test]
    fn a_clock_that_jumps_back_makes_nobody_old() {
        let mut running = InFlightAges::new(&AGES);
        running.enter(100);
        running.enter(1);
        assert!(!running.age(105));
        assert!(running.age(110));
        assert_eq!(
            counts(&running),
            [2, 0],
            "both count from the later beginning"
        );
    }
}
