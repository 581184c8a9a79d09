//! Policies in files: strings in the attribute's words.

use std::{fmt, marker::PhantomData, str::FromStr};

use serde::{
    Deserialize, Deserializer,
    de::{self, Visitor},
};

use crate::{
    OnCancel, ParsePolicyError, SlowProbes,
    permit::{All, AnyPermit, RampUp, Random},
    retry::{Always, AnyRetry, Backoff, Cooldown, Never},
    throttle::Adaptive,
    tripper::{
        AvgLatency, Closed, FailureRate, FailureStreak, HalfOpened, InFlight, MinRequests, Rule,
        SlowRate,
    },
    window::{AnyWindow, CountWindow, TimeWindow},
};

/// Reads what is written as a string.
struct Text<T> {
    expected: &'static str,
    of: PhantomData<T>,
}

impl<T: FromStr<Err = ParsePolicyError>> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a policy as a string, such as \"{}\"", self.expected)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

macro_rules! deserialize {
    ($($name:ident: $example:literal;)*) => {$(
        /// Reads the policy from a string.
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(Text {
                    expected: $example,
                    of: PhantomData,
                })
            }
        }
    )*};
}

deserialize! {
    AnyWindow: "CountWindow(100)";
    CountWindow: "CountWindow(100)";
    TimeWindow: "TimeWindow(60s)";
    Rule: "MinRequests(20) & FailureRate(0.5)";
    Closed: "Closed";
    HalfOpened: "HalfOpened";
    MinRequests: "MinRequests(20)";
    FailureRate: "FailureRate(0.5)";
    AvgLatency: "AvgLatency(500ms)";
    SlowRate: "SlowRate(0.3, threshold = 1s)";
    FailureStreak: "FailureStreak(5)";
    InFlight: "InFlight(10, older_than = 2s)";
    AnyRetry: "Cooldown(60s)";
    Never: "Never";
    Always: "Always";
    Cooldown: "Cooldown(60s)";
    Backoff: "Backoff(initial = 10s)";
    AnyPermit: "RampUp(0.1, 1.0, 60s)";
    All: "All";
    Random: "Random(0.2)";
    RampUp: "RampUp(0.1, 1.0, 60s)";
    Adaptive: "Adaptive(k = 1.5)";
    OnCancel: "FailAfter(5s)";
    SlowProbes: "Fail";
}
