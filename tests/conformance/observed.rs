//! What is compared after every step: said by a recording, seen in a breaker, or
//! worked out by the model.

use fluxgate::State;

use crate::format::{Op, Scenario, Seen, Step};

/// When a breaker is built, by the fake wall clock, in seconds.
pub(crate) const START: f64 = 1_700_000_000.0;

/// Times are in seconds, those of the wall clock since 1970.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Observed {
    /// For a call: `ok`, `err:…`, `rejected:…` or `raised:…`.
    pub(crate) result: Option<String>,
    pub(crate) state: State,
    pub(crate) reopens: u64,
    pub(crate) changed_at: f64,
    pub(crate) total_count: u64,
    pub(crate) failure_count: u64,
    pub(crate) total_duration: f64,
    /// By threshold, ascending, without zeros.
    pub(crate) slow_counts: Vec<(f64, u64)>,
    /// Of this step, in order.
    pub(crate) signals: Vec<(State, State, f64)>,
    /// The random numbers drawn in this step, in order.
    pub(crate) drawn: Vec<f64>,
}

impl Observed {
    fn new() -> Self {
        Self {
            result: None,
            state: State::Closed,
            reopens: 0,
            changed_at: START,
            total_count: 0,
            failure_count: 0,
            total_duration: 0.0,
            slow_counts: Vec::new(),
            signals: Vec::new(),
            drawn: Vec::new(),
        }
    }

    /// The observation of the next step: what is absent has not changed.
    fn next(&self, step: &Step, seen: &Seen) -> Self {
        let is_call = matches!(step.op, Op::Call(_));
        assert_eq!(seen.result.is_some(), is_call, "`result` belongs to calls");
        let mut next = Self {
            result: seen.result.clone(),
            state: seen.state.as_deref().map_or(self.state, state),
            reopens: seen.reopens.unwrap_or(self.reopens),
            changed_at: seen.changed_at.unwrap_or(self.changed_at),
            signals: seen
                .signals
                .iter()
                .map(|(old, new, at)| (state(old), state(new), *at))
                .collect(),
            drawn: step.rand.clone(),
            ..self.clone()
        };
        if let Some(metrics) = &seen.metrics {
            next.total_count = metrics.total_count;
            next.failure_count = metrics.failure_count;
            next.total_duration = metrics.total_duration;
            next.slow_counts.clone_from(&metrics.slow_counts);
        }
        next
    }
}

/// One column of a recording, written out in full; `None` if it has no such
/// column.
pub(crate) fn column(
    scenario: &Scenario,
    pick: impl Fn(&Step) -> Option<&Seen>,
) -> Option<Vec<Observed>> {
    scenario.steps.iter().find_map(&pick)?;
    let mut last = Observed::new();
    let seen = scenario.steps.iter().map(|step| {
        last = last.next(step, pick(step).expect("a column has every step"));
        last.clone()
    });
    Some(seen.collect())
}

/// A state by its name.
pub(crate) fn state(name: &str) -> State {
    name.parse()
        .unwrap_or_else(|error| panic!("`{name}`: {error}"))
}
