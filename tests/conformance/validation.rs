//! Which settings are accepted.
//!
//! Where the original accepts by accident what can't work, this crate refuses
//! it: each such case is a [`Difference`]. What a type can't hold, the compiler
//! refuses, and here the conversion.

use std::{collections::BTreeMap, time::Duration};

use fluxgate::{
    Builder, CircuitBreaker,
    permit::{self, RampUp},
    retry::{Always, Backoff, Cooldown, Never},
    tripper::{AvgLatency, Closed, FailureRate, FailureStreak, HalfOpened, MinRequests, SlowRate},
    window::{CountWindow, TimeWindow},
};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    errors::{Failure, tracker},
    format::Tracker,
    vectors::{self, Kind},
};

#[derive(Debug, Deserialize)]
struct Recording {
    id: String,
    ctor: String,
    args: Args,
    result: String,
    #[serde(default)]
    py_only: bool,
    first_call: Option<FirstCall>,
}

/// What a breaker with this window did with one successful call.
#[derive(Debug, Deserialize)]
struct FirstCall {
    total_count: Option<u64>,
}

/// Why this crate decides otherwise than the original.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Difference {
    /// With NaN a rule never holds and a wait never ends.
    NotANumber,
    /// An infinite wait is `Never`, an infinite threshold a rule to leave out,
    /// an infinite multiplier a wait of `max_duration`. Where infinity makes
    /// sense, for `max_duration` itself, `Duration::MAX` is meant.
    Infinite,
    /// A window that holds nothing: in the original every call fails.
    EmptyWindow,
    /// With `max_half_open_calls` at 0 there is no probe and no recovery.
    NoProbes,
    /// Above the 584 billion years of a `Duration`, 2^32 - 1 calls in a window
    /// or half-open, or 2^64 - 1 of anything.
    TooLarge,
    /// `max_duration` is below `initial` by a fraction of a nanosecond, which no
    /// `Duration` can tell. The one case that is accepted only here.
    SameDuration,
}

#[test]
fn conformance_of_validation() {
    let (mut compared, mut python_only) = (0, 0);
    let mut listed: BTreeMap<Difference, Vec<String>> = BTreeMap::new();
    for file in vectors::read::<Recording>(Kind::Validation) {
        for (number, recording) in file.lines {
            if recording.py_only {
                python_only += 1;
                continue;
            }
            let place = format!("{}:{number} '{}'", file.name, recording.id);
            let accepted_there = match recording.result.as_str() {
                "ok" => true,
                "error" => false,
                other => panic!("{place}: unknown result `{other}`"),
            };
            let difference = recording.difference(accepted_there);
            let accepted = accepted_there != difference.is_some();
            let built = recording.build(CircuitBreaker::builder("validation"));
            assert_eq!(
                built.is_ok(),
                accepted,
                "{place}: {difference:?}, {built:?}"
            );
            if let (Ok(breaker), Some(first)) = (&built, &recording.first_call) {
                let result = breaker.call(|| Ok::<_, Failure>(()));
                assert!(result.is_ok(), "{place}: {result:?}");
                let total = breaker.info().metrics.total_count;
                assert_eq!(Some(total), first.total_count, "{place}");
            }
            if let Some(difference) = difference {
                listed.entry(difference).or_default().push(recording.id);
            }
            compared += 1;
        }
    }
    println!("validation: compared {compared} constructions; {python_only} only Python can write");
    for (difference, ids) in listed {
        println!("{difference:?}: {}", ids.join(", "));
    }
}

impl Recording {
    /// Why this is decided otherwise here, going by the arguments.
    fn difference(&self, accepted_there: bool) -> Option<Difference> {
        let args = &self.args;
        if !accepted_there {
            return args
                .is_refused_by_a_fraction()
                .then_some(Difference::SameDuration);
        }
        let numbers = || args.0.keys().filter_map(|name| args.number(name));
        let number = |name| args.number(name);
        if numbers().any(f64::is_nan) {
            Some(Difference::NotANumber)
        } else if numbers().any(f64::is_infinite) {
            Some(Difference::Infinite)
        } else if number("size").is_some_and(|size| size <= 0.0) {
            Some(Difference::EmptyWindow)
        } else if number("max_half_open_calls").is_some_and(|calls| calls <= 0.0) {
            Some(Difference::NoProbes)
        } else {
            // 2^64 and 2^32.
            let wide =
                |name| number(name).is_some_and(|given| given >= 18_446_744_073_709_551_616.0);
            let narrow = |name| number(name).is_some_and(|given| given >= 4_294_967_296.0);
            let calls = if self.ctor == "TimeWindow" {
                wide("size")
            } else {
                narrow("size")
            };
            let names = ["count", "threshold", "duration", "initial", "max_duration"];
            (calls || narrow("max_half_open_calls") || names.into_iter().any(wide))
                .then_some(Difference::TooLarge)
        }
    }

    /// Builds a breaker with what is constructed.
    fn build(&self, builder: Builder) -> Result<CircuitBreaker, String> {
        let args = &self.args;
        let builder = match self.ctor.as_str() {
            "CountWindow" => builder.window(CountWindow::new(args.whole("size")?)),
            "TimeWindow" => {
                builder.window(TimeWindow::new(Duration::from_secs(args.whole("size")?)))
            }
            "Closed" => builder.tripper(Closed),
            "HalfOpened" => builder.tripper(HalfOpened),
            "MinRequests" => builder.tripper(MinRequests::new(args.whole("count")?)),
            "FailureRate" => builder.tripper(FailureRate::new(args.ratio("ratio"))),
            "AvgLatency" => builder.tripper(AvgLatency::new(args.seconds("threshold")?)),
            "SlowRate" => {
                let threshold = args.seconds("threshold")?;
                builder.tripper(SlowRate::new(args.ratio("ratio"), threshold))
            }
            "FailureStreak" => builder.tripper(FailureStreak::new(args.whole("count")?)),
            "Never" => builder.retry(Never),
            "Always" => builder.retry(Always),
            "Cooldown" => {
                let mut cooldown = Cooldown::new(args.seconds("duration")?);
                if let Some(ratio) = args.number("jitter_ratio") {
                    cooldown = cooldown.jitter_ratio(ratio);
                }
                builder.retry(cooldown)
            }
            "Backoff" => builder.retry(args.backoff()?),
            "PermitAll" => builder.permit(permit::All),
            "Random" => builder.permit(permit::Random::new(args.ratio("ratio"))),
            "RampUp" => {
                let (initial, r#final) = (args.ratio("initial"), args.ratio("final"));
                builder.permit(RampUp::new(initial, r#final, args.seconds("duration")?))
            }
            "TrackerAll" => builder,
            "TypeOf" => {
                let kinds = serde_json::from_value(args.0["types"].clone()).expect("error kinds");
                tracker(&Tracker::TypeOf(kinds)).ok_or("`TypeOf` needs a type")?;
                builder
            }
            "CircuitBreaker" | "AsyncCircuitBreaker" => {
                let known = args.0.keys().all(|name| name == "max_half_open_calls");
                assert!(known, "an unknown setting in {args:?}");
                if args.number("max_half_open_calls").is_some() {
                    let calls = args.whole("max_half_open_calls")?;
                    builder.max_half_open_calls(u32::try_from(calls).map_err(|e| e.to_string())?)
                } else {
                    builder
                }
            }
            other => panic!("`{other}`, an unknown constructor"),
        };
        builder.build().map_err(|error| error.to_string())
    }
}

#[derive(Debug, Deserialize)]
struct Args(BTreeMap<String, Value>);

impl Args {
    fn number(&self, name: &str) -> Option<f64> {
        match self.0.get(name)? {
            Value::String(text) => text.parse().ok(),
            value => value.as_f64(),
        }
    }

    fn ratio(&self, name: &str) -> f64 {
        self.number(name)
            .unwrap_or_else(|| panic!("`{name}` is no number in {self:?}"))
    }

    fn whole(&self, name: &str) -> Result<u64, String> {
        let value = &self.0[name];
        value.as_u64().ok_or_else(|| format!("{value} is no u64"))
    }

    fn seconds(&self, name: &str) -> Result<Duration, String> {
        duration(self.ratio(name))
    }

    fn backoff(&self) -> Result<Backoff, String> {
        let mut backoff = Backoff::new(self.seconds("initial")?);
        if let Some(multiplier) = self.number("multiplier") {
            backoff = backoff.multiplier(multiplier);
        }
        if self.number("max_duration").is_some() {
            backoff = backoff.max_duration(self.seconds("max_duration")?);
        }
        if let Some(ratio) = self.number("jitter_ratio") {
            backoff = backoff.jitter_ratio(ratio);
        }
        Ok(backoff)
    }

    /// Whether nothing is wrong but that `max_duration` is below `initial`, by
    /// less than a `Duration` can tell.
    fn is_refused_by_a_fraction(&self) -> bool {
        let Some(initial) = self
            .number("initial")
            .filter(|_| !self.0.contains_key("final"))
        else {
            return false;
        };
        let longest = self.number("max_duration").unwrap_or(300.0);
        let is_same = duration(initial).is_ok_and(|initial| duration(longest) == Ok(initial));
        let multiplies = self
            .number("multiplier")
            .is_none_or(|multiplier| multiplier > 1.0);
        let jitters = self.number("jitter_ratio").unwrap_or(0.0);
        longest < initial && is_same && multiplies && (0.0..1.0).contains(&jitters)
    }
}

/// To the nearest nanosecond, but what is above zero stays so.
fn duration(seconds: f64) -> Result<Duration, String> {
    let nearest = Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())?;
    Ok(if seconds > 0.0 {
        nearest.max(Duration::from_nanos(1))
    } else {
        nearest
    })
}
