//! Values as words, for messages.

pub(crate) mod words;
