//! Policies and settings from text: files, the environment, flags.

mod policies;
mod saved;
