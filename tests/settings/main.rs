//! Policies and settings from text: files, the environment, flags.

mod attribute;
mod environment;
mod files;
mod keys;
mod policies;
mod saved;
mod state;
mod threads;

use fluxgate_tests::reports;
