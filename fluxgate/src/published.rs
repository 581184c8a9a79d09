//! The present opening, for rejections that take no lock.

use std::time::Duration;

use crate::{
    Reason, RuleKind,
    span::nanos,
    sync::{AtomicU64, Ordering},
};

/// When an open circuit may be probed, and why it opened.
///
/// Written under the breaker's lock before the control word says `Open`. A
/// reader loads the control word, then this, then the control word again: if the
/// generation is the same, so was the opening. That holds because the words are
/// stored with `Release` after the control word of the generation before, so a
/// reader that saw one of them, and then an `Acquire` fence, sees that control
/// word as well and finds the generation changed.
#[derive(Debug)]
pub(crate) struct Published {
    due: AtomicU64,
    reason: [AtomicU64; 5],
}

/// What was read from [`Published`], to be decoded when it is known to be whole.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Encoded {
    due: u64,
    reason: [u64; 5],
}

const NEVER: u64 = u64::MAX;

impl Published {
    pub(crate) fn new() -> Self {
        Self {
            due: AtomicU64::new(NEVER),
            reason: std::array::from_fn(|_| AtomicU64::new(0)),
        }
    }

    /// `customs` are the names of the tripper's custom rules.
    pub(crate) fn store(
        &self,
        now: Duration,
        wait: Option<Duration>,
        reason: Option<&Reason>,
        customs: &[&'static str],
    ) {
        let due = wait.map_or(NEVER, |wait| nanos(now.saturating_add(wait)));
        self.due.store(due, Ordering::Release);
        for (word, value) in self.reason.iter().zip(encode(reason, customs)) {
            word.store(value, Ordering::Release);
        }
    }

    pub(crate) fn load(&self) -> Encoded {
        Encoded {
            due: self.due.load(Ordering::Relaxed),
            reason: std::array::from_fn(|i| self.reason[i].load(Ordering::Relaxed)),
        }
    }
}

impl Encoded {
    /// How long until the circuit may be probed; `None` if never.
    pub(crate) fn wait(&self, now: Duration) -> Option<Duration> {
        (self.due != NEVER).then(|| Duration::from_nanos(self.due.saturating_sub(nanos(now))))
    }

    pub(crate) fn reason(&self, customs: &[&'static str]) -> Option<Reason> {
        let [kind, detail, measured, threshold, calls] = self.reason;
        let rule = match kind {
            1 => RuleKind::State,
            2 => RuleKind::MinRequests,
            3 => RuleKind::FailureRate,
            4 => RuleKind::AvgLatency,
            5 => RuleKind::SlowRate {
                slow: Duration::from_nanos(detail),
            },
            6 => RuleKind::FailureStreak,
            7 => RuleKind::Custom(customs.get(usize::try_from(detail).ok()?)?),
            8 => RuleKind::ReopenAfter,
            _ => return None,
        };
        Some(Reason {
            rule,
            measured: f64::from_bits(measured),
            threshold: f64::from_bits(threshold),
            calls,
        })
    }
}

fn encode(reason: Option<&Reason>, customs: &[&'static str]) -> [u64; 5] {
    let Some(reason) = reason else { return [0; 5] };
    let (kind, detail) = match reason.rule {
        RuleKind::State => (1, 0),
        RuleKind::MinRequests => (2, 0),
        RuleKind::FailureRate => (3, 0),
        RuleKind::AvgLatency => (4, 0),
        RuleKind::SlowRate { slow } => (5, nanos(slow)),
        RuleKind::FailureStreak => (6, 0),
        RuleKind::Custom(name) => {
            let index = customs.iter().position(|custom| *custom == name);
            (7, index.unwrap_or(usize::MAX) as u64)
        }
        RuleKind::ReopenAfter => (8, 0),
    };
    [
        kind,
        detail,
        reason.measured.to_bits(),
        reason.threshold.to_bits(),
        reason.calls,
    ]
}
