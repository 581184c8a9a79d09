//! Which state an instance was in, and when.

use super::Run;
use crate::{Reason, State, util::duration::nanos};

/// A time that an instance spent in one state, in nanoseconds of the run.
pub(super) struct Span<'a> {
    pub(super) state: State,
    /// Why it opened, for the state after an opening.
    pub(super) reason: Option<&'a Reason>,
    pub(super) start: u64,
    pub(super) end: u64,
}

impl Run {
    /// Returns the states of each instance, one after the other.
    pub(super) fn spans(&self) -> Vec<Vec<Span<'_>>> {
        let end = nanos(self.lasts);
        let mut spans: Vec<Vec<Span<'_>>> = (0..self.instances)
            .map(|_| {
                vec![Span {
                    state: State::Closed,
                    reason: None,
                    start: 0,
                    end,
                }]
            })
            .collect();
        for change in &self.changes {
            let at = nanos(change.at).min(end);
            let spans = &mut spans[change.instance];
            if let Some(last) = spans.last_mut() {
                last.end = at;
            }
            spans.push(Span {
                state: change.new_state,
                reason: change.reason.as_ref(),
                start: at,
                end,
            });
        }
        spans
    }
}

/// Returns the state that took most of each of `columns` equal slices of time.
pub(super) fn columns(spans: &[Span<'_>], columns: usize) -> Vec<State> {
    let end = spans.last().map_or(0, |span| span.end);
    let width = (end / columns as u64).max(1);
    let mut first = 0;
    (0..columns as u64)
        .map(|column| {
            let (from, to) = (column * width, (column + 1) * width);
            while first + 1 < spans.len() && spans[first].end <= from {
                first += 1;
            }
            let mut shares = [0_u64; 3];
            for span in &spans[first..] {
                if span.start >= to {
                    break;
                }
                let share = span.end.min(to).saturating_sub(span.start.max(from));
                shares[place(span.state)] += share;
            }
            let most = (0..3).max_by_key(|place| (shares[*place], *place));
            [State::Closed, State::HalfOpen, State::Open][most.unwrap_or(0)]
        })
        .collect()
}

/// Returns how far from closed a state is.
pub(super) fn place(state: State) -> usize {
    match state {
        State::Open | State::ForcedOpen => 2,
        State::HalfOpen => 1,
        _ => 0,
    }
}
