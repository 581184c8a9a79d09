//! Settings as a format of serde hands them over: texts and tables, each bounded.

use std::{cell::Cell, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

/// The most bytes that all texts together may have.
pub(super) const MOST_BYTES: usize = 4 * 1024 * 1024;
/// The most entries that all tables together may have.
pub(super) const MOST_ENTRIES: usize = 100_000;
/// How deep tables may stand in each other: `set`, its name, `key`, its name, a value,
/// and one more, which is refused by its place.
const MOST_DEEP: usize = 6;

/// What was read.
#[derive(Clone, Debug)]
pub(super) enum Raw {
    /// A text, a number or a flag, as the attribute would have it.
    Text(String),
    Table(Vec<(String, Raw)>),
    /// What is no value of settings, by what it is called.
    Other(&'static str),
}

/// What is left of the bounds.
pub(super) struct Budget {
    bytes: Cell<usize>,
    entries: Cell<usize>,
    is_exceeded: Cell<bool>,
}

impl Budget {
    pub(super) fn new() -> Self {
        Self {
            bytes: Cell::new(MOST_BYTES),
            entries: Cell::new(MOST_ENTRIES),
            is_exceeded: Cell::new(false),
        }
    }

    /// Returns whether something was left out for want of room.
    pub(super) fn is_exceeded(&self) -> bool {
        self.is_exceeded.get()
    }

    fn take(&self, of: &Cell<usize>, wanted: usize) -> bool {
        let left = of.get().checked_sub(wanted);
        if let Some(left) = left {
            of.set(left);
        } else {
            self.is_exceeded.set(true);
        }
        left.is_some()
    }
}

/// Reads one value.
#[derive(Clone, Copy)]
pub(super) struct Seed<'b> {
    pub(super) budget: &'b Budget,
    pub(super) depth: usize,
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Raw;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Seed<'_> {
    fn text(self, text: impl fmt::Display) -> Raw {
        self.string(text.to_string())
    }

    fn string(self, text: String) -> Raw {
        if self.budget.take(&self.budget.bytes, text.len()) {
            Raw::Text(text)
        } else {
            Raw::Other("a text that is too long")
        }
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("settings of circuit breakers: tables, texts, numbers and flags")
    }

    fn visit_str<E>(self, text: &str) -> Result<Raw, E> {
        Ok(self.string(text.to_owned()))
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Raw, E> {
        Ok(self.text(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Raw, E> {
        Ok(self.text(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Raw, E> {
        Ok(self.text(number))
    }

    fn visit_i128<E>(self, number: i128) -> Result<Raw, E> {
        Ok(self.text(number))
    }

    fn visit_u128<E>(self, number: u128) -> Result<Raw, E> {
        Ok(self.text(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Raw, E> {
        Ok(self.text(format_args!("{number:?}")))
    }

    fn visit_bytes<E>(self, _: &[u8]) -> Result<Raw, E> {
        Ok(Raw::Other("bytes"))
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Other("nothing"))
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Other("nothing"))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Raw, D::Error> {
        inner.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Raw, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Raw::Other("a list"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        if self.depth >= MOST_DEEP {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(Raw::Other("a table"));
        }
        let mut entries = Vec::new();
        let inside = Self {
            depth: self.depth + 1,
            ..self
        };
        while let Some(EntryName(name)) = map.next_key()? {
            let Budget {
                bytes,
                entries: left,
                ..
            } = self.budget;
            let has_room = self.budget.take(left, 1) && self.budget.take(bytes, name.len());
            if has_room {
                entries.push((name, map.next_value_seed(inside)?));
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Raw::Table(entries))
    }
}

/// The name of an entry: a text, or what a format takes for a number or a flag.
struct EntryName(String);

impl<'de> Deserialize<'de> for EntryName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;

        impl Visitor<'_> for Name {
            type Value = EntryName;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_str<E>(self, name: &str) -> Result<EntryName, E> {
                Ok(EntryName(name.to_owned()))
            }

            fn visit_bool<E>(self, name: bool) -> Result<EntryName, E> {
                Ok(EntryName(name.to_string()))
            }

            fn visit_i64<E>(self, name: i64) -> Result<EntryName, E> {
                Ok(EntryName(name.to_string()))
            }

            fn visit_u64<E>(self, name: u64) -> Result<EntryName, E> {
                Ok(EntryName(name.to_string()))
            }
        }

        deserializer.deserialize_any(Name)
    }
}
