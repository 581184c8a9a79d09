//! What the breakers say when the registry is scraped.

use std::{collections::BTreeMap, time::Duration};

use ::prometheus::proto::MetricFamily;

use super::{
    PrometheusMetric, Settings,
    families::{
        CALLS, DURATIONS, FAILURE_RATE, LISTENER_DROPS, LISTENER_FAILURES, LISTENERS_MISSING,
        PROBES, PROBES_IN_FLIGHT, PROBES_LOST, REJECTIONS, RETRY_AFTER, SLOW_RATE, TIME_IN_STATE,
        WINDOW_CALLS,
    },
};
use crate::{CircuitBreaker, Histogram, Info, Lifetime};

/// The breakers of one name, of which there is usually one.
pub(super) struct Reading {
    infos: Vec<Info>,
}

impl Reading {
    /// `None` without breakers.
    pub(super) fn of(breakers: &[CircuitBreaker]) -> Option<Self> {
        let infos: Vec<_> = breakers.iter().map(CircuitBreaker::info).collect();
        (!infos.is_empty()).then_some(Self { infos })
    }

    fn sum(&self, read: impl Fn(&Info) -> u64) -> f64 {
        self.infos.iter().map(read).sum::<u64>() as f64
    }

    fn lifetimes(&self) -> impl Iterator<Item = &Lifetime> {
        self.infos.iter().filter_map(|info| info.lifetime.as_ref())
    }

    fn lifetime(&self, read: impl Fn(&Lifetime) -> u64) -> f64 {
        self.lifetimes().map(read).sum::<u64>() as f64
    }

    /// By a label's value, what all breakers together have.
    fn by_label(&self, read: impl Fn(&Info) -> Vec<(String, f64)>) -> BTreeMap<[String; 1], f64> {
        let mut sums = BTreeMap::new();
        for (label, n) in self.infos.iter().flat_map(read) {
            *sums.entry([label]).or_default() += n;
        }
        sums
    }

    pub(super) fn families(
        &self,
        circuit: &str,
        settings: &Settings,
        families: &mut Vec<MetricFamily>,
    ) {
        if settings.has(PrometheusMetric::Calls) {
            families.push(CALLS.of(circuit, self.calls()));
        }
        if settings.has(PrometheusMetric::Rejections) {
            let rejections = self.by_label(|info| {
                let rejected = info.lifetime.iter().flat_map(|lifetime| &lifetime.rejected);
                let rejected = rejected.map(|(state, n)| (state.to_string(), *n as f64));
                rejected.collect()
            });
            families.push(REJECTIONS.of(circuit, rejections));
        }
        if settings.has(PrometheusMetric::Probes) {
            let in_flight = self.sum(|info| info.probes_in_flight as u64);
            let lost = self.sum(|info| info.lost_probes);
            families.push(PROBES.one(circuit, Some(self.lifetime(|all| all.probes))));
            families.push(PROBES_LOST.one(circuit, Some(lost)));
            families.push(PROBES_IN_FLIGHT.one(circuit, Some(in_flight)));
        }
        if settings.has(PrometheusMetric::TimeInState) {
            let times = self.by_label(|info| {
                let times = info.lifetime.iter().flat_map(|all| &all.time_in_state);
                let times = times.map(|(state, time)| (state.to_string(), time.as_secs_f64()));
                times.collect()
            });
            families.push(TIME_IN_STATE.of(circuit, times));
        }
        if settings.has(PrometheusMetric::Rates) {
            self.rates(circuit, families);
        }
        if settings.has(PrometheusMetric::RetryAfter) {
            let waits = self.infos.iter().filter_map(|info| info.retry_after);
            let wait = waits.min().map(|wait| wait.as_secs_f64());
            families.push(RETRY_AFTER.one(circuit, wait));
        }
        if settings.has(PrometheusMetric::Listeners) {
            self.listeners(circuit, families);
        }
        if let Some(histogram) = self.histogram() {
            families.push(DURATIONS.histogram(circuit, &histogram, &settings.bounds));
        }
    }

    fn calls(&self) -> [([String; 1], f64); 8] {
        [
            ("success", self.lifetime(|all| all.successes.unwrap_or(0))),
            ("failure", self.lifetime(|all| all.failures)),
            ("overloaded", self.sum(|info| info.overloaded)),
            ("alive", self.sum(|info| info.alive)),
            ("ignored", self.sum(|info| info.ignored)),
            ("cancelled", self.sum(|info| info.cancelled)),
            ("panicked", self.sum(|info| info.panicked)),
            ("late", self.lifetime(|all| all.late)),
        ]
        .map(|(outcome, n)| ([outcome.to_owned()], n))
    }

    fn rates(&self, circuit: &str, families: &mut Vec<MetricFamily>) {
        let calls = self.sum(|info| info.last_window().total_count);
        let failures = self.sum(|info| info.last_window().failure_count);
        let rate = |n: f64| (calls > 0.0).then(|| n / calls);
        let slow = self.by_label(|info| {
            let counts = info.last_window().slow_counts.iter();
            let counts = counts.map(|(at, n)| (at.as_secs_f64().to_string(), *n as f64));
            counts.collect()
        });
        let slow = slow.into_iter().filter_map(|(at, n)| Some((at, rate(n)?)));
        families.push(WINDOW_CALLS.one(circuit, Some(calls)));
        families.push(FAILURE_RATE.one(circuit, rate(failures)));
        families.push(SLOW_RATE.of(circuit, slow));
    }

    fn listeners(&self, circuit: &str, families: &mut Vec<MetricFamily>) {
        let failures = self.by_label(|info| {
            let listeners = info.listeners.iter();
            let listeners = listeners.map(|each| (each.name.clone(), each.failures as f64));
            listeners.collect()
        });
        let dropped = self.by_label(|info| {
            let listeners = info.listeners.iter();
            let listeners = listeners.map(|each| (each.name.clone(), each.dropped as f64));
            listeners.collect()
        });
        let missing = self.sum(|info| info.missing_listeners.len() as u64);
        families.push(LISTENER_FAILURES.of(circuit, failures));
        families.push(LISTENER_DROPS.of(circuit, dropped));
        families.push(LISTENERS_MISSING.one(circuit, Some(missing)));
    }

    fn histogram(&self) -> Option<Histogram> {
        let mut all = self.lifetimes().filter_map(|each| each.durations.clone());
        let first = all.next()?;
        Some(all.fold(first, |mut sum, each| {
            let counts: BTreeMap<Duration, u64> = each.buckets.into_iter().collect();
            // What one of them does not measure, none of them can answer.
            sum.buckets.retain(|(bound, _)| counts.contains_key(bound));
            for (bound, n) in &mut sum.buckets {
                *n += counts.get(bound).copied().unwrap_or_default();
            }
            sum.count += each.count;
            sum.sum = sum.sum.saturating_add(each.sum);
            sum
        }))
    }
}
