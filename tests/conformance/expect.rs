//! What each step of a recording has to give.

use crate::{
    format::{Retry, Scenario},
    model::{Draw, Rules, replay},
    observed::{Observed, column},
};

/// The recording itself: what the original did. Of its two breakers the async
/// one, whose late outcomes can't override an operator.
pub(crate) fn recorded(scenario: &Scenario) -> Vec<Observed> {
    column(scenario, |step| step.asynchronous.as_ref())
        .or_else(|| column(scenario, |step| Some(&step.seen)))
        .unwrap_or_default()
}

/// What this crate has to do.
///
/// That is the `corrected` column of a scenario that has one, and else the
/// recording itself, except where neither can say it:
/// - a call changes the state while it runs: the original's freshness test looks
///   at the state's name, ours at the generation;
/// - jitter: the original draws at every call, this crate once per opening;
/// - the wall clock jumps: the corrected column has only result and state.
///
/// There the model says the rest.
///
/// # Errors
///
/// If the model contradicts the recording.
pub(crate) fn expected(scenario: &Scenario) -> Result<Vec<Observed>, String> {
    let steps = &scenario.steps;
    let is_partial = steps
        .iter()
        .filter_map(|step| step.corrected.as_ref())
        .any(|seen| seen.metrics.is_none());
    if runs_both(scenario) || is_partial || jitters(scenario) {
        let ours = derived(scenario)?;
        if let Some(corrected) = column(scenario, |step| step.corrected.as_ref()) {
            for (at, (ours, corrected)) in ours.iter().zip(&corrected).enumerate() {
                if (&ours.result, ours.state) != (&corrected.result, corrected.state) {
                    return Err(differs("the model", at, ours, corrected));
                }
            }
        }
        return Ok(ours);
    }
    Ok(column(scenario, |step| step.corrected.as_ref()).unwrap_or_else(|| recorded(scenario)))
}

/// What the model gives by the rules of this crate, with the random numbers of
/// the recording.
///
/// # Errors
///
/// If by the rules of the original it does not give the recording.
pub(crate) fn derived(scenario: &Scenario) -> Result<Vec<Observed>, String> {
    let (original, drawn) = original(scenario);
    same("the model of the original", &original, &recorded(scenario))?;

    // An opening takes the first jitter that the original draws after it. Where
    // the two have parted, and the original draws nothing at all: the middle.
    let mut source = |at: usize, what: Draw| {
        let fits = |(step, purpose, _): &&(usize, Draw, f64)| {
            *purpose == what
                && match what {
                    Draw::Jitter => *step > at,
                    Draw::Admission => *step == at,
                }
        };
        drawn
            .iter()
            .find(fits)
            .map_or(0.5, |(_, _, number)| *number)
    };
    Ok(replay(
        &scenario.config,
        &scenario.steps,
        Rules::Ours,
        &mut source,
    ))
}

/// What the model gives by the rules of the original, and for what it drew
/// which random number in which step.
fn original(scenario: &Scenario) -> (Vec<Observed>, Vec<(usize, Draw, f64)>) {
    let mut drawn: Vec<(usize, Draw, f64)> = Vec::new();
    let mut source = |at: usize, what: Draw| {
        let earlier = drawn.iter().filter(|(step, ..)| *step == at).count();
        let rand = &scenario.steps[at].rand;
        let number = rand.get(earlier).copied().unwrap_or(f64::NAN);
        drawn.push((at, what, number));
        number
    };
    let seen = replay(
        &scenario.config,
        &scenario.steps,
        Rules::Original,
        &mut source,
    );
    (seen, drawn)
}

/// Whether the original's sync and async breaker were both run, and recorded
/// apart: where calls end late.
pub(crate) fn runs_both(scenario: &Scenario) -> bool {
    scenario
        .steps
        .iter()
        .any(|step| step.asynchronous.is_some())
}

fn jitters(scenario: &Scenario) -> bool {
    match scenario.config.retry {
        Some(Retry::Cooldown { jitter_ratio, .. } | Retry::Backoff { jitter_ratio, .. }) => {
            jitter_ratio.is_some_and(|ratio| ratio > 0.0)
        }
        _ => false,
    }
}

/// Compares step by step.
///
/// # Errors
///
/// The first difference.
pub(crate) fn same(who: &str, seen: &[Observed], expected: &[Observed]) -> Result<(), String> {
    match seen.iter().zip(expected).position(|(a, b)| a != b) {
        Some(at) => Err(differs(who, at, &seen[at], &expected[at])),
        None => Ok(()),
    }
}

pub(crate) fn differs(who: &str, at: usize, seen: &Observed, expected: &Observed) -> String {
    format!("step {at}: {who} gives\n  {seen:?}\nbut it should be\n  {expected:?}")
}
