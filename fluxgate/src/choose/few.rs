//! A list that allocates nothing while it is short.

/// Keeps so many without an allocation.
const FEW: usize = 8;

pub(super) struct Few<T> {
    first: [Option<T>; FEW],
    len: usize,
    rest: Vec<T>,
}

impl<T> Few<T> {
    pub(super) fn new() -> Self {
        Self {
            first: [const { None }; FEW],
            len: 0,
            rest: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, item: T) {
        match self.first.get_mut(self.len) {
            Some(place) => *place = Some(item),
            None => self.rest.push(item),
        }
        self.len += 1;
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }
}

impl<T> IntoIterator for Few<T> {
    type Item = T;
    type IntoIter = std::iter::Chain<
        std::iter::Flatten<std::array::IntoIter<Option<T>, FEW>>,
        std::vec::IntoIter<T>,
    >;

    fn into_iter(self) -> Self::IntoIter {
        self.first.into_iter().flatten().chain(self.rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_and_many_keep_their_order() {
        for n in [0, 1, FEW, FEW + 1, 3 * FEW] {
            let mut few = Few::new();
            (0..n).for_each(|i| few.push(i));
            assert_eq!(few.len(), n);
            assert!(few.into_iter().eq(0..n), "{n}");
        }
    }
}
