//! Policies and settings from text: files, the environment, flags.

mod environment;
mod files;
mod keys;
mod policies;
#[path = "../ops/reports.rs"]
#[allow(dead_code, reason = "other tests use more of it")]
mod reports;
mod state;
