//! What the analysis says about when a rule opens, against the engine itself.

use std::{fmt::Write, time::Duration};

use fluxgate::{
    Builder,
    retry::Never,
    sim::{Dependency, Load, Scenario},
    tripper::{FailureRate, FailureStreak, MinRequests, Rule},
    window::{CountWindow, TimeWindow},
};

use super::{FUNCTION, protected};
use crate::{
    analysis::{Openings, Size, openings},
    validate::validated::FunctionBreaker,
};

/// More calls than any window of the grid holds.
const CALLS: u64 = 60;

#[derive(Clone, Copy, Debug)]
struct Case {
    /// The size of the count window; without, a time window.
    size: Option<u64>,
    streak: Option<u64>,
    min: Option<u64>,
    ratio: Option<f64>,
    /// Whether the streak is one way to open of two.
    either: bool,
}

impl Case {
    fn attribute(self) -> String {
        let mut rate = String::new();
        if let Some(min) = self.min {
            let _ = write!(rate, "MinRequests({min})");
        }
        if let Some(ratio) = self.ratio {
            let and = if rate.is_empty() { "" } else { " & " };
            let _ = write!(rate, "{and}FailureRate({ratio:?})");
        }
        let streak = self.streak.map(|count| format!("FailureStreak({count})"));
        let rules: Vec<String> = streak
            .into_iter()
            .chain((!rate.is_empty()).then_some(rate))
            .collect();
        let rules = rules.join(if self.either { " | " } else { " & " });
        let window = match self.size {
            Some(size) => format!("CountWindow({size})"),
            None => "TimeWindow(60s)".to_owned(),
        };
        format!("window = {window}, tripper = {rules}")
    }

    fn builder(self, breaker: Builder) -> Builder {
        let min = self.min.map(|count| Rule::from(MinRequests::new(count)));
        let ratio = self.ratio.map(|ratio| Rule::from(FailureRate::new(ratio)));
        let rate = min.into_iter().chain(ratio).reduce(|all, next| all & next);
        let streak = self
            .streak
            .map(|count| Rule::from(FailureStreak::new(count)));
        let rules = streak.into_iter().chain(rate);
        let rule = if self.either {
            rules.reduce(|any, next| any | next)
        } else {
            rules.reduce(|all, next| all & next)
        };
        let breaker = match self.size {
            Some(size) => breaker.window(CountWindow::new(size)),
            None => breaker.window(TimeWindow::new(Duration::from_secs(60))),
        };
        breaker.tripper(rule.expect("a rule")).retry(Never)
    }

    /// Returns how many failing calls open the circuit on the engine.
    fn opens(self, healthy: bool) -> Option<u64> {
        let lasts = Duration::from_micros(CALLS * 1000 + 500);
        let mut scenario = Scenario::new(Load::constant(1000.0))
            .dependency(Dependency::latency(Duration::from_nanos(1)));
        if healthy {
            scenario = scenario.phase(lasts, |dependency| dependency.healthy());
        }
        let run = scenario
            .phase(lasts, |dependency| dependency.fails(1.0))
            .run(|breaker: Builder| self.builder(breaker));
        let total = run.total();
        (total.openings > 0).then_some(total.failed)
    }
}

fn grid() -> impl Iterator<Item = Case> {
    const SIZES: [Option<u64>; 8] = [
        Some(1),
        Some(2),
        Some(3),
        Some(5),
        Some(10),
        Some(20),
        Some(50),
        None,
    ];
    const COUNTS: [Option<u64>; 9] = [
        None,
        Some(1),
        Some(2),
        Some(3),
        Some(5),
        Some(8),
        Some(10),
        Some(20),
        Some(50),
    ];
    const RATIOS: [Option<f64>; 9] = [
        None,
        Some(0.05),
        Some(0.1),
        Some(0.25),
        Some(0.34),
        Some(0.5),
        Some(0.75),
        Some(0.9),
        Some(1.0),
    ];
    SIZES.into_iter().flat_map(|size| {
        COUNTS.into_iter().flat_map(move |streak| {
            COUNTS.into_iter().flat_map(move |min| {
                RATIOS.into_iter().flat_map(move |ratio| {
                    [false, true].map(|either| Case {
                        size,
                        streak,
                        min,
                        ratio,
                        either,
                    })
                })
            })
        })
    })
}

#[test]
fn openings_match_the_engine() {
    let (mut compared, mut wrong) = (0, Vec::new());
    for case in grid() {
        if case.streak.is_none() && case.min.is_none() && case.ratio.is_none() {
            continue;
        }
        // What the analysis refuses never reaches the engine.
        let Ok(found) = protected(&case.attribute(), FUNCTION) else {
            continue;
        };
        let FunctionBreaker::Own { settings, .. } = &found.breaker else {
            panic!("{case:?} is a breaker of its own");
        };
        let size = Size::of(settings.window.as_ref());
        let tripper = settings.tripper.as_ref().expect("a tripper");
        let Some(Openings { cold, healthy }) = openings(tripper, size) else {
            panic!("{case:?} is known");
        };
        compared += 1;
        if case.opens(false) != cold {
            wrong.push((case.attribute(), "cold", cold, case.opens(false)));
        }
        // A time window is never full.
        if case.size.is_some() && case.opens(true) != healthy {
            wrong.push((case.attribute(), "healthy", healthy, case.opens(true)));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {compared}: {:#?}",
        wrong.len(),
        &wrong[..wrong.len().min(10)]
    );
    assert!(compared >= 2_880, "{compared}");
}
