//! The listeners that the attribute knows by name, and closures.

use std::future::Future;

use crate::{Signal, listener::Delivered};

/// Gives a closure in `listeners = […]` the type of its argument.
pub fn listener_fn<F: Fn(&Signal) + Send + Sync + 'static>(listener: F) -> F {
    listener
}

/// Makes a listener of a closure that gives a future.
pub fn async_listener_fn<F, Fut>(listener: F) -> F
where
    F: Fn(Signal) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: Delivered> + Send,
{
    listener
}

/// `listeners = [LogListener]`.
#[cfg(feature = "tracing")]
#[doc(hidden)]
#[macro_export]
macro_rules! __log_listener {
    ($listener:ident) => {
        $crate::listener::$listener::new()
    };
}

/// `listeners = [LogListener]` without its feature.
#[cfg(not(feature = "tracing"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __log_listener {
    ($listener:ident) => {
        ::core::compile_error!(
            "`LogListener` needs the feature `tracing` of `fluxgate`: add it in Cargo.toml, as in `fluxgate = { …, features = [\"tracing\"] }`"
        )
    };
}
pub use crate::__log_listener as log_listener;

/// `listeners = [PrometheusListener]`, or with `registry = …`.
#[cfg(feature = "prometheus")]
#[doc(hidden)]
#[macro_export]
macro_rules! __prometheus_listener {
    ($listener:ident) => {
        $crate::listener::$listener::new()
    };
    ($listener:ident registry = $registry:expr) => {
        $crate::listener::$listener::with_registry($registry)
    };
}

/// `listeners = [PrometheusListener]` without its feature.
#[cfg(not(feature = "prometheus"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __prometheus_listener {
    ($listener:ident $($arguments:tt)*) => {
        ::core::compile_error!(
            "`PrometheusListener` needs the feature `prometheus` of `fluxgate`: add it in Cargo.toml, as in `fluxgate = { …, features = [\"prometheus\"] }`"
        )
    };
}
pub use crate::__prometheus_listener as prometheus_listener;

/// `listeners = [MetricsListener]`, or with `recorder = …`.
#[cfg(feature = "metrics")]
#[doc(hidden)]
#[macro_export]
macro_rules! __metrics_listener {
    ($listener:ident) => {
        $crate::listener::$listener::new()
    };
    ($listener:ident recorder = $recorder:expr) => {
        $crate::listener::$listener::with_recorder($recorder)
    };
}

/// `listeners = [MetricsListener]` without its feature.
#[cfg(not(feature = "metrics"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __metrics_listener {
    ($listener:ident $($arguments:tt)*) => {
        ::core::compile_error!(
            "`MetricsListener` needs the feature `metrics` of `fluxgate`: add it in Cargo.toml, as in `fluxgate = { …, features = [\"metrics\"] }`"
        )
    };
}
pub use crate::__metrics_listener as metrics_listener;

/// `listeners = [OpenTelemetryListener]`, or with `meter = …`.
#[cfg(feature = "opentelemetry")]
#[doc(hidden)]
#[macro_export]
macro_rules! __opentelemetry_listener {
    ($listener:ident) => {
        $crate::listener::$listener::new()
    };
    ($listener:ident meter = $meter:expr) => {
        $crate::listener::$listener::with_meter($meter)
    };
}

/// `listeners = [OpenTelemetryListener]` without its feature.
#[cfg(not(feature = "opentelemetry"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __opentelemetry_listener {
    ($listener:ident $($arguments:tt)*) => {
        ::core::compile_error!(
            "`OpenTelemetryListener` needs the feature `opentelemetry` of `fluxgate`: add it in Cargo.toml, as in `fluxgate = { …, features = [\"opentelemetry\"] }`"
        )
    };
}
pub use crate::__opentelemetry_listener as opentelemetry_listener;

/// `listeners = [SlackListener(channel = …, token = …)]`.
#[cfg(feature = "slack-core")]
#[doc(hidden)]
#[macro_export]
macro_rules! __slack_listener {
    (@ [$($builder:tt)*]) => {
        $($builder)*.build()
    };
    (@ [$($builder:tt)*] channel = env($variable:expr) $(, $($rest:tt)*)?) => {
        $crate::__slack_listener!(@ [$($builder)*.channel_from_env($variable)] $($($rest)*)?)
    };
    (@ [$($builder:tt)*] channel = $channel:expr $(, $($rest:tt)*)?) => {
        $crate::__slack_listener!(@ [$($builder)*.channel($channel)] $($($rest)*)?)
    };
    (@ [$($builder:tt)*] token = env($variable:expr) $(, $($rest:tt)*)?) => {
        $crate::__slack_listener!(@ [$($builder)*.token_from_env($variable)] $($($rest)*)?)
    };
    (@ [$($builder:tt)*] token = $token:expr $(, $($rest:tt)*)?) => {
        $crate::__slack_listener!(@ [$($builder)*.token($token)] $($($rest)*)?)
    };
    (@ [$($builder:tt)*] url = env($variable:expr) $(, $($rest:tt)*)?) => {
        $crate::__slack_listener!(@ [$($builder)*.url_from_env($variable)] $($($rest)*)?)
    };
    (@ [$($builder:tt)*] url = $url:expr $(, $($rest:tt)*)?) => {
        $crate::__slack_listener!(@ [$($builder)*.url($url)] $($($rest)*)?)
    };
    (@ [$($builder:tt)*] templates = $templates:expr $(, $($rest:tt)*)?) => {
        $crate::__slack_listener!(@ [$($builder)*.templates($templates)] $($($rest)*)?)
    };
    (@ [$($builder:tt)*] policy = $policy:expr $(, $($rest:tt)*)?) => {
        $crate::__slack_listener!(@ [$($builder)*.policy($policy)] $($($rest)*)?)
    };
    (@ [$($builder:tt)*] delivery = $delivery:expr $(, $($rest:tt)*)?) => {
        $crate::__slack_listener!(@ [$($builder)*.delivery($delivery)] $($($rest)*)?)
    };
    ($listener:ident $($arguments:tt)*) => {
        $crate::__slack_listener!(@ [$crate::listener::$listener::builder()] $($arguments)*)
    };
}

/// `listeners = [SlackListener(…)]` without its feature.
#[cfg(not(feature = "slack-core"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __slack_listener {
    ($listener:ident $($arguments:tt)*) => {
        ::core::compile_error!(
            "`SlackListener` needs the feature `slack` of `fluxgate`: add it in Cargo.toml, as in `fluxgate = { …, features = [\"slack\"] }`"
        )
    };
}
pub use crate::__slack_listener as slack_listener;
