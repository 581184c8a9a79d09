//! Nine scenarios that every policy should be tried on.

use std::time::Duration;

use super::{Dependency, Load, LogNormal, Scenario};

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// A dependency that takes 20 ms, as most tables about latency begin.
fn usual() -> Dependency {
    Dependency::latency(LogNormal::median(Duration::from_millis(20)))
}

impl Scenario {
    /// The names of the [ready](Self::ready) scenarios.
    pub const READY: [&'static str; 9] = [
        "sudden-outage",
        "slow-burn",
        "brown-out",
        "flapping",
        "error-spike",
        "overload",
        "low-traffic",
        "one-bad-instance",
        "slow-recovery",
    ];

    /// Returns one of the ready scenarios by its name; `None` for a name that is none
    /// of [`READY`](Self::READY).
    ///
    /// | name | what happens |
    /// |---|---|
    /// | `sudden-outage` | everything fails for two minutes |
    /// | `slow-burn` | failures grow from 5 % to 70 % over five minutes |
    /// | `brown-out` | answers take forty times as long, with a timeout of 1 s |
    /// | `flapping` | up and down in turn, every ten seconds |
    /// | `error-spike` | half of the calls fail for three seconds |
    /// | `overload` | twice the calls that the dependency can serve; refusing costs it 0.3 of a call |
    /// | `low-traffic` | an outage of an hour at one call in five seconds |
    /// | `one-bad-instance` | one of ten instances is cut off |
    /// | `slow-recovery` | an outage, then ever fewer failures |
    ///
    /// ```
    /// use fluxgate::{Builder, sim::Scenario};
    ///
    /// let outage = Scenario::ready("sudden-outage").expect("a known name");
    /// let run = outage.run(|breaker: Builder| breaker);
    /// assert!(run.opened_after().is_some());
    /// ```
    #[must_use]
    pub fn ready(name: &str) -> Option<Self> {
        let steady = Self::new(Load::poisson(200.0)).dependency(usual());
        let healthy = |scenario: Self, lasts: u64| {
            scenario
                .phase(secs(lasts), Dependency::healthy)
                .named("healthy")
        };
        let failing = |scenario: Self, lasts: u64, percent: u32| {
            scenario
                .phase(secs(lasts), |dependency| {
                    dependency.fails(f64::from(percent) / 100.0)
                })
                .named(format!("{percent} % fail"))
        };
        let down = |scenario: Self, lasts: u64| {
            scenario
                .phase(secs(lasts), |dependency| dependency.fails(1.0))
                .named("down")
        };
        Some(match name {
            "sudden-outage" => healthy(down(healthy(steady, 60), 120), 120),
            "slow-burn" => {
                let burning = [5, 10, 20, 40, 70].into_iter();
                let burnt = burning.fold(healthy(steady, 60), |scenario, percent| {
                    failing(scenario, 60, percent)
                });
                healthy(burnt, 120)
            }
            "brown-out" => healthy(
                healthy(steady, 60)
                    .phase(secs(120), |dependency| {
                        dependency.slower(40.0).timeout(secs(1))
                    })
                    .named("slow"),
                120,
            ),
            "flapping" => {
                let flapping = (0..6).fold(healthy(steady, 30), |scenario, _| {
                    down(scenario, 10)
                        .phase(secs(10), Dependency::healthy)
                        .named("up")
                });
                healthy(flapping, 90)
            }
            "error-spike" => healthy(failing(healthy(steady, 30), 3, 50), 57),
            "overload" => {
                let dependency = usual().capacity(500.0).refusal_costs(0.3);
                let normal = |scenario: Self, lasts: u64| {
                    healthy(scenario, lasts).with_load(Load::poisson(400.0))
                };
                let overloaded = Self::new(Load::poisson(1000.0)).dependency(dependency);
                normal(
                    normal(overloaded, 60)
                        .phase(secs(180), Dependency::healthy)
                        .named("1000 calls/s, room for 500"),
                    60,
                )
            }
            "low-traffic" => {
                let rare = Self::new(Load::poisson(0.2)).dependency(usual());
                healthy(down(healthy(rare, 1800), 3600), 1800)
            }
            "one-bad-instance" => healthy(
                healthy(steady.instances(10), 60)
                    .phase(secs(120), |dependency| {
                        dependency.for_instances(0..1, |seen| seen.fails(1.0))
                    })
                    .named("one of ten is cut off"),
                60,
            ),
            "slow-recovery" => {
                let ill = down(healthy(steady, 60), 60);
                let better = [70, 50, 30, 10]
                    .into_iter()
                    .fold(ill, |scenario, percent| failing(scenario, 45, percent));
                healthy(better, 60)
            }
            _ => return None,
        })
    }
}
