//! The protocol, piece by piece.

mod memory;
