//! Policies and settings from text: files, the environment, flags.

mod environment;
mod files;
mod keys;
mod policies;
mod state;

use fluxgate_tests::reports;
