//! Val
