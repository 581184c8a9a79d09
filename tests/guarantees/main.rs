//! The guarantees of fluxgate, and which test holds each.
//!
//! - G1 bounded probes: `probes::g1_probe_returns_slot_however_it_ends`,
//!   `probes::g1_hanging_probe_loses_its_slot`,
//!   `stress::g1_bounded_probes_on_real_threads`,
//!   `model::exhaustive::g1_healed_dependency_closes_every_state`.
//! - G2 generations: `generations::g2_late_result_lands_in_no_later_window`,
//!   `generations::g2_late_outcomes_change_no_state`,
//!   `generations::g2_a_late_result_never_overrides_an_operator`.
//! - G3 signals: `stress::g3_signals_of_all_threads_form_one_chain`,
//!   `reentrancy::g3_reentrant_listener_keeps_the_order`.
//! - G4 no lock is held: `reentrancy::g4_listener_may_call_every_method`,
//!   `reentrancy::g4_protected_function_may_recurse`,
//!   `reentrancy::g4_tracker_and_fallback_may_use_the_breaker`.
//! - G5 containment: `panics::g5_panicking_listener_silences_no_other`
//!   and its neighbours for fallback, tracker, predicate, window, tripper, retry
//!   and permit.
//! - G6 exact windows: `stress::g6_window_holds_exactly_the_last_outcomes`,
//!   `stress::g6_counters_equal_outcomes_of_all_threads`,
//!   `windows::g6_time_window_covers_duration_less_a_slot`,
//!   `windows::g6_untimed_calls_read_no_clock`.
//! - G7 one opening: `stress::g7_one_thread_half_opens_after_each_wait`.
//! - G8 no I/O on the caller: `caller::g8_async_listener_delays_no_call`.
//! - G9 nothing required: `auto_traits::g9_sync_and_async_share_one_breaker`.
//! - G10 panics: `panics::g10_panic_fails_and_unwinds_unchanged`.
//!
//! All of them at once: `model::random::breaker_agrees_with_the_model`,
//! and, for the interleavings of threads, `fluxgate/src/loom_tests.rs`.

mod auto_traits;
mod bad_input;
mod caller;
mod choosing;
mod custom;
mod field_bugs;
mod futures;
mod generations;
mod inside;
mod kit;
mod model;
mod panics;
mod probes;
mod reentrancy;
mod slow_probes;
mod stress;
mod windows;
