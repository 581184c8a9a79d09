//! The breaker and the model, told apart by nothing that can be asked.

use std::sync::atomic::Ordering;

use fluxgate::{CallNotPermitted, Info, Signal, State};

use super::{
    lifetime::same_lifetime,
    overload::same_throttle,
    reference::{Reference, Rejection, Why},
    settings::nanos,
    world::World,
};

impl World<'_> {
    pub(crate) fn compare(&self) {
        let model = &self.model;
        let period = model.present();
        let info = self.breaker.info();
        let is_open = period.state == State::Open;
        assert_eq!(self.breaker.state(), period.state, "the state");
        assert_eq!(info.state, period.state, "the state in `info`");
        assert_eq!(info.name, "model");
        assert_eq!(info.changed_at, period.changed_at, "changed_at");
        assert_eq!(info.reopens, model.reopens(), "reopens");
        assert_eq!(info.failure_streak, model.streak(), "failure_streak");
        assert_eq!(
            info.retry_after,
            model.remaining().filter(|_| is_open).map(nanos),
            "retry_after"
        );
        assert_eq!(info.reason.map(Why::from), period.reason, "reason");
        assert_eq!(info.probes_in_flight, model.probes_in_flight(), "probes");
        assert_eq!(
            info.rejected,
            model.counts.rejected.len() as u64,
            "rejected"
        );
        assert_eq!(info.passed_over, model.counts.passed_over, "passed over");
        assert_eq!(info.early_probes, model.counts.early_probes, "early probes");
        assert_eq!(
            self.breaker.is_call_permitted(),
            model.is_permitted(),
            "whether a call is permitted"
        );
        assert_eq!(info.ignored, model.counts.ignored, "ignored");
        assert_eq!(info.alive, model.counts.alive, "alive");
        assert_eq!(info.overloaded, model.counts.overloaded, "overloaded");
        assert_eq!(info.failed, model.counts.failed, "failed");
        assert_eq!(info.cancelled, model.counts.cancelled, "cancelled");
        assert_eq!(info.panicked, model.counts.panicked, "panicked");
        assert_eq!(info.late, model.counts.late, "late");
        assert_eq!(info.lost_probes, model.lost_probes(), "lost probes");
        assert_eq!(info.listener_failures, 0);
        assert_eq!(
            self.levers.drawn.load(Ordering::Relaxed),
            model.drawn,
            "draws"
        );
        same_metrics(&info, model);
        same_lifetime(&info, model);
        same_throttle(&info, model);
        for heard in &self.levers.heard {
            same_signals(&heard.lock().unwrap(), model);
        }
    }
}

fn same_metrics(info: &Info, model: &Reference) {
    let metrics = &info.metrics;
    let slow: Vec<_> = model
        .thresholds()
        .into_iter()
        .map(|slow| (nanos(slow), model.slow(slow)))
        .collect();
    let total = model
        .keeps_durations()
        .then(|| nanos(model.total_duration()));
    assert_eq!(
        metrics.total_count,
        model.window().len() as u64,
        "total_count"
    );
    assert_eq!(metrics.failure_count, model.failures(), "failure_count");
    assert_eq!(metrics.total_duration, total, "total_duration");
    assert_eq!(metrics.slow_counts, slow, "slow_counts");
}

pub(crate) fn same_rejection(rejection: &CallNotPermitted, expected: &Rejection) {
    let given = Rejection {
        state: rejection.state(),
        retry_after: rejection.retry_after(),
        reason: rejection.reason().map(Why::from),
    };
    assert_eq!(given, *expected, "the rejection");
    assert_eq!(*rejection.name(), "model");
}

fn same_signals(heard: &[Signal], model: &Reference) {
    let transitions = heard.iter().filter(|signal| !signal.would_have_opened);
    let heard: Vec<_> = transitions.collect();
    assert_eq!(
        heard.len(),
        model.periods.len() - 1,
        "one signal a transition"
    );
    for (i, signal) in heard.iter().enumerate() {
        let (old, new) = (&model.periods[i], &model.periods[i + 1]);
        assert_eq!(signal.name, "model");
        assert_eq!((signal.old_state, signal.new_state), (old.state, new.state));
        assert_eq!(signal.sequence, i as u64 + 1);
        assert_eq!(signal.timestamp, new.changed_at);
        assert_eq!(signal.reason.map(Why::from), new.reason);
        assert_eq!(
            signal.next_attempt,
            new.told.map(|wait| new.changed_at + nanos(wait))
        );
    }
}
