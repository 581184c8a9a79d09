//! Settings that change: what stays of the model's history, and what does not.

use fluxgate::{CircuitBreaker, OnCancel, State, retry, window};

use super::{
    reference::Reference,
    settings::{Retry, Rule, Settings, Window, nanos, ratio},
};

/// What is set by hand, in place of what was before; the rest is the code's.
#[derive(Clone, Debug, Default)]
pub(crate) struct Change {
    pub(crate) window: Option<Window>,
    /// Without a rule of the user's.
    pub(crate) tripper: Option<Rule>,
    /// None of the user's.
    pub(crate) retry: Option<Retry>,
    pub(crate) probes: Option<u32>,
    pub(crate) close_after: Option<u64>,
    pub(crate) on_cancel: Option<OnCancel>,
    pub(crate) durations: Option<bool>,
}

impl Change {
    fn settings(&self, code: &Settings) -> Settings {
        let mut settings = code.clone();
        let change = self.clone();
        settings.window = change.window.unwrap_or(settings.window);
        settings.tripper = change.tripper.unwrap_or(settings.tripper);
        settings.retry = change.retry.unwrap_or(settings.retry);
        settings.probes = change.probes.unwrap_or(settings.probes);
        settings.close_after = change.close_after.unwrap_or(settings.close_after);
        settings.on_cancel = change.on_cancel.unwrap_or(settings.on_cancel);
        settings.durations = change.durations.unwrap_or(settings.durations);
        settings
    }

    /// Changes the breaker. Whether it obeys.
    pub(crate) fn apply(&self, breaker: &CircuitBreaker) -> bool {
        let changed = breaker.reconfigure(|mut it| {
            it = match self.window {
                Some(Window::Count(size)) => it.window(window::CountWindow::new(size)),
                Some(Window::Time(duration, slots)) => {
                    let window = window::TimeWindow::new(nanos(duration));
                    it.window(match slots {
                        Some(slots) => window.slots(slots),
                        None => window,
                    })
                }
                None => it,
            };
            if let Some(rule) = &self.tripper {
                it = it.tripper(rule.build());
            }
            it = match self.retry {
                Some(Retry::Never) => it.retry(retry::Never),
                Some(Retry::Always) => it.retry(retry::Always),
                Some(Retry::Cooldown(wait, jitter)) => {
                    it.retry(retry::Cooldown::new(nanos(wait)).jitter_ratio(ratio(jitter * 2)))
                }
                Some(Retry::Backoff(initial, doubled, longest, jitter)) => it.retry(
                    retry::Backoff::new(nanos(initial))
                        .multiplier(doubled as f64 / 2.0)
                        .max_duration(nanos(longest))
                        .jitter_ratio(ratio(jitter * 2)),
                ),
                Some(Retry::Gated(_)) => panic!("a policy of the user's is not changed to"),
                None => it,
            };
            if let Some(probes) = self.probes {
                it = it.max_half_open_calls(probes);
            }
            if let Some(successes) = self.close_after {
                it = it.close_after(successes);
            }
            if let Some(on_cancel) = self.on_cancel {
                it = it.on_cancel(on_cancel);
            }
            if let Some(durations) = self.durations {
                it = it.durations(durations);
            }
            it
        });
        changed.is_ok()
    }
}

impl Reference {
    /// Puts other settings in place. Whether they are in range.
    pub(crate) fn change(&mut self, change: &Change) -> bool {
        let settings = change.settings(&self.code);
        if settings.slow_probes_fail && settings.tripper.slowest_allowed().is_none() {
            return false;
        }
        let words = |settings: &Settings| {
            let window = match settings.window {
                Window::Count(size) => (size, None),
                Window::Time(duration, slots) => (duration, Some(Window::slots(duration, slots))),
            };
            let Settings {
                retry,
                probes,
                close_after,
                on_cancel,
                durations,
                ..
            } = settings;
            let tripper = settings.tripper.build().to_string();
            format!(
                "{window:?} {tripper} {retry:?} {probes} {close_after} {on_cancel:?} {durations}"
            )
        };
        if words(&settings) == words(&self.settings) {
            return true;
        }
        let in_window = self.window().len();
        let before = (self.thresholds(), self.keeps_durations(), self.ages());
        let old = std::mem::replace(&mut self.settings, settings);
        let after = (self.thresholds(), self.keeps_durations(), self.ages());
        self.revision += 1;
        self.list += usize::from(before.2 != after.2);
        let period = self.periods.last_mut().expect("there is always a period");
        let recorded = period.records.len();
        match (&old.window, &self.settings.window) {
            _ if before != after => period.window_from = recorded,
            (Window::Count(_), Window::Count(size)) => {
                let kept = in_window.min(usize::try_from(*size).expect("a small window"));
                period.window_from = recorded - kept;
            }
            (Window::Time(duration, slots), Window::Time(..)) => {
                period.window_from = recorded - in_window;
                let width = Window::width(*duration, *slots);
                let is_other = format!("{:?}", old.window) != format!("{:?}", self.settings.window);
                for record in &mut period.records[recorded - in_window..] {
                    if is_other {
                        record.at = record.at / width * width;
                    }
                }
            }
            _ => period.window_from = recorded,
        }
        // Slots that are the same, or longer, hold what they held.
        let kept = self.window().len();
        let period = self.periods.last_mut().expect("there is always a period");
        period.window_from = period.window_from.max(recorded - kept);
        let asks = format!("{:?}", old.retry) != format!("{:?}", self.settings.retry);
        if asks && self.state() == State::Open {
            let drawn = self.draw_wait();
            let period = self.periods.last_mut().expect("there is always a period");
            if let Some(wait) = drawn.map(|wait| wait.max(period.least))
                && period.wait.is_none_or(|present| wait < present)
            {
                // What was to wait for ever has no early probes.
                period.by_policy &= period.wait.is_some();
                period.wait = Some(wait);
            }
        }
        true
    }
}
