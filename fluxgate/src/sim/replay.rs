//! Replaying a trace: recorded outcomes, and guesses from the neighbours.

use std::time::Duration;

use super::{
    Ended, Policy, Replay, Run, Trace,
    dependency::CallAnswer,
    simulation::{Fleet, Simulation, World, fork},
    trace::Guessed,
};
use crate::{
    ConfigError,
    random::{Random, Seeded},
    util::duration::nanos,
};

/// How the outcome of a call is guessed that was refused then and runs now.
#[derive(Clone, Copy)]
enum Guess {
    FromNeighbours,
    Failed,
    Succeeded,
}

/// Guessed calls among those that each figure counts.
#[derive(Default)]
struct Guesses {
    answered: u64,
    failed: u64,
    overloaded: u64,
    wrongly_refused: u64,
}

pub(super) fn run(
    trace: &Trace,
    policy: &impl Policy,
    watch: &mut dyn FnMut(f64),
) -> Result<Replay, ConfigError> {
    // Without a guess all three are the same.
    let has_guesses = trace.entries.iter().any(|entry| entry.ended.is_none());
    let runs = if has_guesses { 3.0 } else { 1.0 };
    let mut one = |guess, before: f64| {
        one(trace, policy, guess, &mut |share| {
            watch((before + share) / runs);
        })
    };
    let (run, guesses) = one(Guess::FromNeighbours, 0.0)?;
    let mut bounds = [run.total(), run.total()];
    if has_guesses {
        bounds = [
            one(Guess::Failed, 1.0)?.0.total(),
            one(Guess::Succeeded, 2.0)?.0.total(),
        ];
    }
    let figure = |read: fn(&super::Figures) -> u64, guessed: u64| {
        let (value, one, other) = (read(&run.total()), read(&bounds[0]), read(&bounds[1]));
        Guessed {
            value,
            guessed,
            least: one.min(other).min(value),
            most: one.max(other).max(value),
        }
    };
    Ok(Replay {
        answered: figure(|total| total.answered, guesses.answered),
        failed: figure(|total| total.failed, guesses.failed),
        overloaded: figure(|total| total.overloaded, guesses.overloaded),
        refused: figure(|total| total.refused, 0),
        throttled: figure(|total| total.throttled, 0),
        wrongly_refused: figure(|total| total.wrongly_refused, guesses.wrongly_refused),
        run,
    })
}

fn one(
    trace: &Trace,
    policy: &impl Policy,
    guess: Guess,
    watch: &mut dyn FnMut(f64),
) -> Result<(Run, Guesses), ConfigError> {
    let mut seeds = Seeded::new(0);
    let fleet = Fleet::build(policy, 1, &mut seeds)?;
    let lasts = trace.lasts();
    let mut simulation = Simulation::new(&fleet, lasts, watch);
    let mut world = Recorded {
        trace,
        neighbours: Neighbours::of(trace),
        call: 0,
        chance: fork(&mut seeds),
        guess,
        guesses: Guesses::default(),
    };
    for (number, entry) in trace.entries.iter().enumerate() {
        world.call = number;
        simulation.arrive(0, &mut world, nanos(entry.at));
    }
    simulation.settle_until(lasts, &world);
    let phase = simulation.finish_phase("recorded", false, 0, lasts);
    Ok((simulation.finish(vec![phase]), world.guesses))
}

/// For each call that was refused, the nearest ones before and after that were not.
struct Neighbours {
    before: Vec<Option<usize>>,
    after: Vec<Option<usize>>,
}

impl Neighbours {
    fn of(trace: &Trace) -> Self {
        let count = trace.entries.len();
        let (mut before, mut after) = (vec![None; count], vec![None; count]);
        let mut last = None;
        for (number, entry) in trace.entries.iter().enumerate() {
            before[number] = last;
            if entry.ended.is_some() {
                last = Some(number);
            }
        }
        last = None;
        for (number, entry) in trace.entries.iter().enumerate().rev() {
            after[number] = last;
            if entry.ended.is_some() {
                last = Some(number);
            }
        }
        Self { before, after }
    }
}

/// The dependency as it was recorded.
struct Recorded<'a> {
    trace: &'a Trace,
    neighbours: Neighbours,
    /// The call that arrives.
    call: usize,
    chance: Seeded,
    guess: Guess,
    guesses: Guesses,
}

impl Recorded<'_> {
    /// Returns how the present call ends, and whether that is a guess.
    fn ended(&mut self) -> (Duration, Ended, bool) {
        if let Some((took, ended)) = self.trace.entries[self.call].ended {
            return (took, ended, false);
        }
        // A recording of refusals alone says nothing; its calls fail.
        let (took, drawn) = self.neighbour().unwrap_or((Duration::ZERO, Ended::Failure));
        let ended = match self.guess {
            Guess::FromNeighbours => drawn,
            Guess::Failed => Ended::Failure,
            Guess::Succeeded => Ended::Success,
        };
        (took, ended, true)
    }

    /// Draws one of the two neighbours, the nearer one the likelier.
    fn neighbour(&mut self) -> Option<(Duration, Ended)> {
        let at = self.trace.entries[self.call].at;
        let before = self.neighbours.before[self.call];
        let after = self.neighbours.after[self.call];
        let chosen = match (before, after) {
            (Some(before), Some(after)) => {
                let to_before = at.saturating_sub(self.trace.entries[before].at);
                let to_after = self.trace.entries[after].at.saturating_sub(at);
                let both = (to_before + to_after).as_nanos() as f64;
                let weight = if both > 0.0 {
                    to_after.as_nanos() as f64 / both
                } else {
                    0.5
                };
                if self.chance.next_f64() < weight {
                    before
                } else {
                    after
                }
            }
            (one, other) => one.or(other)?,
        };
        self.trace.entries[chosen].ended
    }
}

impl World for Recorded<'_> {
    fn is_down(&self, _instance: usize) -> bool {
        false
    }

    fn take(&mut self, _instance: usize, _now: u64) -> (CallAnswer, u64) {
        let (took, ended, guessed) = self.ended();
        let guessed = u64::from(guessed);
        let answer = match ended {
            Ended::Success => CallAnswer::Good,
            Ended::Failure => CallAnswer::Failed,
            Ended::Overloaded => CallAnswer::Overloaded,
            Ended::Alive => CallAnswer::Alive,
            Ended::Ignored => CallAnswer::Ignored,
            Ended::Cancelled => CallAnswer::Cancelled,
        };
        match answer {
            CallAnswer::Failed | CallAnswer::Cancelled => self.guesses.failed += guessed,
            CallAnswer::Overloaded => self.guesses.overloaded += guessed,
            _ => self.guesses.answered += guessed,
        }
        (answer, nanos(took))
    }

    fn would_answer(&mut self, _instance: usize, _now: u64) -> bool {
        let (_, ended, guessed) = self.ended();
        let answered = !matches!(ended, Ended::Failure | Ended::Overloaded | Ended::Cancelled);
        self.guesses.wrongly_refused += u64::from(answered && guessed);
        answered
    }
}
