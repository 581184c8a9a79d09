//! The order in which keys are looked at when one has to go: two intrusive lists
//! over one slab. Every operation takes the same time, however many there are.

/// A place in the slab.
pub(super) type Id = u32;

/// One of the lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum List {
    /// Those that may go, as far as is known.
    Candidates,
    /// Those that had to stay when they were last looked at.
    Kept,
}

pub(super) struct Order<T> {
    slots: Vec<OrderSlot<T>>,
    /// The first of the unused slots, which are linked by `next`.
    unused: Id,
    ends: [Ends; 2],
    len: usize,
}

struct OrderSlot<T> {
    value: Option<T>,
    list: Option<List>,
    previous: Id,
    next: Id,
}

#[derive(Clone, Copy)]
struct Ends {
    front: Id,
    back: Id,
}

const NONE: Id = Id::MAX;

impl<T> Order<T> {
    pub(super) fn new() -> Self {
        let empty = Ends {
            front: NONE,
            back: NONE,
        };
        Self {
            slots: Vec::new(),
            unused: NONE,
            ends: [empty; 2],
            len: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Adds a value, in neither list. Returns `None` if there is no room for one
    /// more, at 2^32 - 1.
    pub(super) fn insert(&mut self, value: T) -> Option<Id> {
        let id = if self.unused == NONE {
            let id = Id::try_from(self.slots.len())
                .ok()
                .filter(|id| *id != NONE)?;
            self.slots.push(OrderSlot {
                value: None,
                list: None,
                previous: NONE,
                next: NONE,
            });
            id
        } else {
            let id = self.unused;
            self.unused = self.slot(id).next;
            id
        };
        self.len += 1;
        let slot = self.slot(id);
        slot.value = Some(value);
        slot.next = NONE;
        Some(id)
    }

    pub(super) fn remove(&mut self, id: Id) -> Option<T> {
        self.unlink(id);
        let unused = self.unused;
        let slot = self.slots.get_mut(id as usize)?;
        let value = slot.value.take()?;
        slot.next = unused;
        self.unused = id;
        self.len -= 1;
        Some(value)
    }

    pub(super) fn get_mut(&mut self, id: Id) -> Option<&mut T> {
        self.slots.get_mut(id as usize)?.value.as_mut()
    }

    pub(super) fn front(&self, list: List) -> Option<Id> {
        Some(self.ends[list as usize].front).filter(|id| *id != NONE)
    }

    /// Makes a value the last of a list, whichever it was in.
    pub(super) fn move_to_back(&mut self, id: Id, list: List) {
        self.unlink(id);
        let back = std::mem::replace(&mut self.ends[list as usize].back, id);
        let slot = self.slot(id);
        (slot.list, slot.previous, slot.next) = (Some(list), back, NONE);
        if back == NONE {
            self.ends[list as usize].front = id;
        } else {
            self.slot(back).next = id;
        }
    }

    fn unlink(&mut self, id: Id) {
        let Some(slot) = self.slots.get_mut(id as usize) else {
            return;
        };
        let Some(list) = slot.list.take() else {
            return;
        };
        let (previous, next) = (slot.previous, slot.next);
        if previous == NONE {
            self.ends[list as usize].front = next;
        } else {
            self.slot(previous).next = next;
        }
        if next == NONE {
            self.ends[list as usize].back = previous;
        } else {
            self.slot(next).previous = previous;
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.slots.iter().filter_map(|slot| slot.value.as_ref())
    }

    fn slot(&mut self, id: Id) -> &mut OrderSlot<T> {
        &mut self.slots[id as usize]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    #[test]
    fn lists_are_as_two_queues_would_be() {
        let mut order = Order::new();
        let mut queues = [VecDeque::new(), VecDeque::new()];
        let mut state = 7_u64;
        let mut most = 0;
        for round in 0..2000_u32 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let choice = state >> 33;
            let list = [List::Candidates, List::Kept][(choice & 1) as usize];
            let all: Vec<Id> = queues.iter().flatten().copied().collect();
            if choice.is_multiple_of(3) || all.is_empty() {
                let id = order.insert(round).expect("room");
                assert!(!all.contains(&id));
                order.move_to_back(id, list);
                queues[list as usize].push_back(id);
            } else {
                let id = all[(choice / 8) as usize % all.len()];
                for queue in &mut queues {
                    queue.retain(|each| *each != id);
                }
                if choice % 3 == 1 || all.len() > 40 {
                    assert!(order.remove(id).is_some() && order.remove(id).is_none());
                } else {
                    order.move_to_back(id, list);
                    queues[list as usize].push_back(id);
                }
            }
            for list in [List::Candidates, List::Kept] {
                assert_eq!(order.front(list), queues[list as usize].front().copied());
            }
            assert_eq!(order.len(), queues[0].len() + queues[1].len());
            assert_eq!(order.iter().count(), order.len());
            most = most.max(order.len());
        }
        assert_eq!(order.slots.len(), most, "slots are used again");
        let mut id = order.ends[0].front;
        for expected in &queues[0] {
            assert_eq!(id, *expected);
            id = order.slot(id).next;
        }
        assert_eq!(id, NONE);
    }
}
