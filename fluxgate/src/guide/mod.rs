//! The manual. All of its code runs.
//!
//! - [`tutorial`]: a first breaker, step by step
//! - [`choosing_a_policy`]: how many calls until it opens
//! - [`recovery`]: between open and closed
//! - [`errors_and_fallbacks`]: what counts, errors of other crates, what to give instead, and retries
//! - [`overload`]: a dependency that is too busy, and not broken
//! - `grpc`: a tonic channel or server behind a breaker
//! - [`keys`]: one breaker for each tenant, host or shard
//! - [`choosing`]: several targets, one call; guards that travel; waiting
//! - [`async_and_cancellation`]: dropped futures, timeouts, hanging calls
//! - [`listeners_and_metrics`]: signals, snapshots, metrics
//! - [`testing`]: tests without sleeping
//! - `simulating`: policies simulated before production
//! - `settings`: where settings come from: code, files, the environment
//! - `fleet`: many instances that share openings and probes
//! - `fleet_server`: a fleet on a Redis or Valkey server: rights, costs, faults
//! - [`operating`]: what to look at and to do when a circuit is open
//! - `page`: the operators' page: mounting, commands, security
//! - [`from_python`]: fluxgate, name by name
//! - [`from_others`]: resilience4j, Polly, failsafe, tower-resilience, gobreaker, opossum, pybreaker, recloser
//! - [`limits`]: what it does not do, and what you pay

macro_rules! pages {
    ($($page:ident)*) => {$(
        #[doc = include_str!(concat!(stringify!($page), ".md"))]
        pub mod $page {}
    )*};
}

#[cfg(feature = "grpc")]
pages! {
    grpc
}

#[cfg(feature = "settings")]
pages! {
    settings
}

#[cfg(all(feature = "fleet", feature = "sim"))]
#[doc = include_str!("fleet.md")]
#[doc = ""]
#[doc = "```text"]
#[doc = include_str!("fleet.acl")]
#[doc = "```"]
#[doc = ""]
#[doc = "# In pictures"]
#[doc = ""]
#[doc = "An outage of 75 s for 64 instances with one call a second each; a row is an instance. Alone, each opens by itself, and probes by itself:"]
#[doc = ""]
#[doc = include_str!("pictures/fleet-alone.html")]
#[doc = ""]
#[doc = "As a fleet, a few vote (the ticks), all open, and three probe for all:"]
#[doc = ""]
#[doc = include_str!("pictures/fleet.html")]
pub mod fleet {}

#[cfg(feature = "page")]
pages! {
    page
}

#[cfg(feature = "redis-core")]
#[doc = include_str!("fleet_server.md")]
#[doc = include_str!("fleet.acl")]
#[doc = include_str!("fleet_server_costs.md")]
pub mod fleet_server {}

#[cfg(feature = "sim")]
#[doc = include_str!("simulating.md")]
#[doc = ""]
#[doc = include_str!("pictures/before.html")]
#[doc = ""]
#[doc = "And with a rate beside it:"]
#[doc = ""]
#[doc = include_str!("pictures/after.html")]
pub mod simulating {}

#[doc = include_str!("choosing_a_policy.md")]
#[doc = ""]
#[doc = include_str!("pictures/streak.html")]
#[doc = ""]
#[doc = "The default, a rate over calls, needs fifty failures:"]
#[doc = ""]
#[doc = include_str!("pictures/rate-over-calls.html")]
#[doc = ""]
#[doc = "A rate over a minute opens when half of that minute has failed:"]
#[doc = ""]
#[doc = include_str!("pictures/rate-over-time.html")]
pub mod choosing_a_policy {}

#[doc = include_str!("overload.md")]
#[doc = ""]
#[doc = include_str!("pictures/overload.html")]
#[doc = ""]
#[doc = "With `throttle = Adaptive(1.5)` beside the same rule it stays closed, and throttles:"]
#[doc = ""]
#[doc = include_str!("pictures/overload-throttled.html")]
pub mod overload {}

pages! {
    tutorial
    recovery
    errors_and_fallbacks
    keys
    choosing
    async_and_cancellation
    listeners_and_metrics
    testing
    operating
    from_python
    from_others
    limits
}
