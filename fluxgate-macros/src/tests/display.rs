//! What the runtime's policies write of themselves is read here.

use std::time::Duration;

use fluxgate::{
    OnCancel, State,
    permit::{self, RampUp},
    retry::{Always, Backoff, Cooldown, Never},
    throttle::Adaptive,
    tripper::{
        AvgLatency, Closed, FailureRate, FailureStreak, HalfOpened, InFlight, MinRequests, Rule,
        SlowRate,
    },
    window::{CountWindow, TimeWindow},
};

use super::accepted;

const TIMES: [Duration; 7] = [
    Duration::from_nanos(1),
    Duration::from_nanos(12_500),
    Duration::from_millis(250),
    Duration::from_millis(1500),
    Duration::from_secs(60),
    Duration::new(86_400, 1),
    Duration::MAX,
];
const RATIOS: [f64; 5] = [f64::MIN_POSITIVE, 1e-7, 0.1 + 0.2, 0.5, 1.0];

fn reads(key: &str, shown: &dyn std::fmt::Display) {
    accepted(&format!("{key} = {:?}", shown.to_string()));
    // As tokens, too.
    accepted(&format!("{key} = {shown}"));
}

#[test]
fn displayed_rules_are_accepted() {
    let streak = || FailureStreak::new(5);
    let rate = || MinRequests::new(20) & FailureRate::new(0.5);
    let mut rules: Vec<Rule> = vec![
        streak().into(),
        rate(),
        streak() | rate(),
        MinRequests::new(20) & (FailureRate::new(0.5) | streak()),
        (streak() | FailureRate::new(0.5)) & MinRequests::new(2),
        Closed & rate() | HalfOpened & FailureStreak::new(1),
    ];
    for time in TIMES {
        rules.push(AvgLatency::new(time).into());
        rules.push(InFlight::new(10, time).into());
        for ratio in RATIOS {
            rules.push(MinRequests::new(3) & SlowRate::new(ratio, time));
        }
    }
    for ratio in RATIOS {
        rules.push(MinRequests::new(3) & FailureRate::new(ratio));
    }
    for rule in rules {
        // A count window would refuse a ratio that it can't show.
        let shown = rule.to_string();
        accepted(&format!("window = TimeWindow(1s), tripper = {shown:?}"));
        accepted(&format!("window = TimeWindow(1s), tripper = {shown}"));
    }
}

#[test]
fn displayed_policies_are_accepted() {
    reads("window", &CountWindow::new(1));
    reads("window", &CountWindow::new(u64::from(u32::MAX)));
    reads("retry", &Never);
    reads("retry", &Always);
    reads("permit", &permit::All);
    reads("permit", &permit::Random::new(0.0));
    reads("on_cancel", &OnCancel::Ignore);
    reads("on_cancel", &OnCancel::Fail);
    for state in State::ALL {
        reads("initial_state", &state);
        reads("initial_state", &format_args!("{state:?}"));
    }
    for time in TIMES {
        reads("window", &TimeWindow::new(time));
        reads("retry", &Cooldown::new(time));
        reads("retry", &Cooldown::new(time).jitter_ratio(0.1 + 0.2));
        let backoff = Backoff::new(time).max_duration(Duration::MAX);
        reads("retry", &backoff);
        reads("retry", &backoff.multiplier(1e300).jitter_ratio(1e-300));
        reads("permit", &RampUp::new(0.1, 1.0, time));
        reads("on_cancel", &OnCancel::FailAfter(time));
    }
    for k in [1.1, 1.5, 2.0, 1e300] {
        for secs in [2, 10, 120] {
            let throttle = Adaptive::new(k).window(Duration::from_secs(secs));
            reads("throttle", &throttle);
            reads("throttle", &throttle.min(u64::MAX).floor(0.0));
        }
    }
    for ratio in RATIOS {
        reads("permit", &permit::Random::new(ratio));
        reads(
            "permit",
            &RampUp::new(ratio, ratio, Duration::from_secs(60)),
        );
    }
}
