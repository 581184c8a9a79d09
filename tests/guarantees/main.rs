//! The guarantees of fluxgate, and which test holds each.
//!
//! - G1 bounded probes: `probes::g1_a_probe_gives_its_slot_back_however_it_ends`,
//!   `probes::g1_hanging_probe_loses_its_slot`,
//!   `stress::g1_bounded_probes_on_real_threads`,
//!   `model::exhaustive::g1_healed_dependency_closes_every_state`.
//! - G2 generations: `generations::g2_a_late_result_lands_in_no_later_window_of_the_same_state`,
//!   `generations::g2_late_outcomes_change_no_state`,
//!   `generations::g2_a_late_result_never_overrides_an_operator`.
//! - G3 signals: `stress::g3_signals_form_one_chain_whatever_all_threads_do`,
//!   `reentrancy::g3_reentrant_listener_keeps_the_order`.
//! - G4 no lock is held: `reentrancy::g4_a_listener_may_call_every_method_of_its_breaker`,
//!   `reentrancy::g4_protected_function_may_recurse`,
//!   `reentrancy::g4_tracker_predicate_and_fallback_may_use_the_breaker`.
//! - G5 containment: `panics::g5_panicking_listener_silences_no_other`
//!   and its neighbours for fallback, tracker, predicate, window, tripper, retry
//!   and permit.
//! - G6 exact windows: `stress::g6_window_holds_exactly_the_last_outcomes`,
//!   `stress::g6_the_counters_equal_the_outcomes_of_all_threads`,
//!   `windows::g6_a_time_window_covers_its_duration_less_a_slot_at_least`,
//!   `windows::g6_no_clock_is_read_for_calls_that_nobody_times`.
//! - G7 one opening: `stress::g7_one_thread_half_opens_at_the_end_of_each_wait`.
//! - G8 no I/O on the caller: `caller::g8_async_listener_delays_no_call`.
//! - G9 nothing required: `auto_traits::g9_sync_and_async_calls_share_one_breaker_without_a_runtime`.
//! - G10 panics: `panics::g10_a_panic_counts_as_a_failure_and_unwinds_on_unchanged`.
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
