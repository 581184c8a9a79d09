//! Real servers that have too much to do.
