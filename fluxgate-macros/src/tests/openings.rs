//! How many failures open a circuit: what the analysis says, against the engine.

use std::time::Duration;

use fluxgate::{
    Builder,
    retry::Never,
    sim::{Dependency, Load, Scenario},
    tripper::{FailureRate, FailureStreak, MinRequests, Rule},
    window::{CountWindow, TimeWindow},
};
use proc_macro2::Span;

use crate::{
    analysis::{Openings, Size, openings},
    settings::{ItemSettings, Site},
    tokens::errors::ErrorList,
};

const DAY: Duration = Duration::from_secs(86_400);

#[derive(Clone, Copy, Debug)]
enum Window {
    Default,
    Count(u64),
    Day,
}

/// A rule, as the attribute and as the builder take it.
#[derive(Clone, Copy, Debug)]
enum Shape {
    Rate(f64),
    MinAndRate(u64, f64),
    MinAndRateOrStreak(u64, f64, u64),
    MinAndStreak(u64, u64),
    MinOrRateAndStreak(u64, f64, u64),
    Closed(u64, f64),
}

impl Shape {
    fn written(self) -> String {
        match self {
            Self::Rate(rate) => format!("FailureRate({rate:?})"),
            Self::MinAndRate(min, rate) => format!("MinRequests({min}) & FailureRate({rate:?})"),
            Self::MinAndRateOrStreak(min, rate, streak) => {
                format!("FailureStreak({streak}) | MinRequests({min}) & FailureRate({rate:?})")
            }
            Self::MinAndStreak(min, streak) => {
                format!("MinRequests({min}) & FailureStreak({streak})")
            }
            Self::MinOrRateAndStreak(min, rate, streak) => {
                format!("(MinRequests({min}) | FailureRate({rate:?})) & FailureStreak({streak})")
            }
            Self::Closed(min, rate) => {
                format!("Closed & MinRequests({min}) & FailureRate({rate:?})")
            }
        }
    }

    fn built(self) -> Rule {
        match self {
            Self::Rate(rate) => FailureRate::new(rate).into(),
            Self::MinAndRate(min, rate) => MinRequests::new(min) & FailureRate::new(rate),
            Self::MinAndRateOrStreak(min, rate, streak) => {
                FailureStreak::new(streak) | MinRequests::new(min) & FailureRate::new(rate)
            }
            Self::MinAndStreak(min, streak) => MinRequests::new(min) & FailureStreak::new(streak),
            Self::MinOrRateAndStreak(min, rate, streak) => {
                (MinRequests::new(min) | FailureRate::new(rate)) & FailureStreak::new(streak)
            }
            Self::Closed(min, rate) => {
                fluxgate::tripper::Closed & MinRequests::new(min) & FailureRate::new(rate)
            }
        }
    }
}

fn analysed(window: Window, shape: Shape) -> Openings {
    let window = match window {
        Window::Default => String::new(),
        Window::Count(size) => format!("window = CountWindow({size}), "),
        Window::Day => "window = TimeWindow(86400s), ".to_owned(),
    };
    let args = format!("{window}tripper = {}", shape.written());
    let errors = ErrorList::default();
    let tokens = args.parse().expect("tokens");
    let settings = ItemSettings::parse(tokens, Site::Function, Span::call_site(), &errors);
    errors
        .finish(Ok(()))
        .unwrap_or_else(|error| panic!("{args}: {error}"));
    let size = Size::of(settings.breaker.window.as_ref());
    let tripper = settings.breaker.tripper.expect("a rule");
    openings(&tripper, size).unwrap_or_else(|| panic!("{args}: nothing is known"))
}

/// Returns how many failures open a breaker that saw so many successes.
fn simulated(window: Window, shape: Shape, successes: u64) -> Option<u64> {
    // More than any number in the grid.
    const MOST: u64 = 130;
    let run = Scenario::new(Load::constant(1.0))
        .dependency(Dependency::latency(Duration::from_nanos(1)))
        .phase(Duration::from_secs(successes), Dependency::healthy)
        .phase(Duration::from_secs(MOST), |dependency| {
            dependency.fails(1.0)
        })
        .run(|breaker: Builder| {
            let breaker = breaker.tripper(shape.built()).retry(Never);
            match window {
                Window::Default => breaker,
                Window::Count(size) => breaker.window(CountWindow::new(size)),
                Window::Day => breaker.window(TimeWindow::new(DAY)),
            }
        });
    let total = run.total();
    (total.openings > 0).then_some(total.failed)
}

fn grid() -> Vec<(Window, Shape)> {
    let windows = [1, 2, 5, 10, 33, 64].map(Window::Count);
    let windows = windows.into_iter().chain([Window::Default, Window::Day]);
    let mins = [1, 2, 7, 20, 100, 101];
    let rates = [0.01, 0.3, 1.0 / 3.0, 0.5, 0.999, 1.0];
    let streaks = [1, 5, 21, 120];
    let mut grid = Vec::new();
    for window in windows {
        grid.extend(rates.map(|rate| (window, Shape::Rate(rate))));
        for min in mins {
            grid.extend(streaks.map(|streak| (window, Shape::MinAndStreak(min, streak))));
            for rate in rates {
                grid.push((window, Shape::MinAndRate(min, rate)));
                grid.push((window, Shape::Closed(min, rate)));
                for streak in streaks {
                    grid.push((window, Shape::MinAndRateOrStreak(min, rate, streak)));
                    grid.push((window, Shape::MinOrRateAndStreak(min, rate, streak)));
                }
            }
        }
    }
    grid
}

#[test]
fn analysis_agrees_with_the_engine() {
    let grid = grid();
    assert!(grid.len() >= 2_880, "{}", grid.len());
    let mut apart = Vec::new();
    for (window, shape) in &grid {
        let said = analysed(*window, *shape);
        let full = match window {
            Window::Default => 100,
            Window::Count(size) => *size,
            Window::Day => 0,
        };
        let cold = simulated(*window, *shape, 0);
        let healthy = (full > 0)
            .then(|| simulated(*window, *shape, full))
            .flatten();
        if (said.cold, said.healthy) != (cold, healthy) {
            apart.push(format!(
                "{window:?}, {}: said {said:?}, found {cold:?} and {healthy:?}",
                shape.written()
            ));
        }
    }
    assert!(
        apart.is_empty(),
        "{} of {} disagree:\n{}",
        apart.len(),
        grid.len(),
        apart[..apart.len().min(20)].join("\n")
    );
}
