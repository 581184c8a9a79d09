//! The model's totals over the life of a breaker.

use fluxgate::{Info, State};

use super::{
    reference::{Call, Ending, Reference},
    settings::nanos,
};

pub(crate) fn same_lifetime(info: &Info, model: &Reference) {
    let Some(reads) = &model.settings.reads else {
        assert_eq!(info.lifetime, None);
        return;
    };
    let lifetime = info.lifetime.as_ref().expect("a listener reads it");
    // In disabled results are not looked at.
    let judged: Vec<&Call> = model
        .calls
        .iter()
        .filter(|call| model.periods[call.period].state != State::Disabled)
        .collect();
    let count = |ending: Ending, late: bool| {
        let ended = |call: &&&Call| call.ending == Some(ending) && call.late == late;
        judged.iter().filter(ended).count() as u64
    };
    let successes = count(Ending::Success, false);
    let counts = reads.successes || !reads.bounds.is_empty();
    assert!(!reads.successes || lifetime.successes == Some(successes));
    assert!(counts || lifetime.successes.is_none());
    assert_eq!(lifetime.failures, count(Ending::Failure, false), "failures");
    let late = count(Ending::Success, true) + count(Ending::Failure, true);
    assert_eq!(lifetime.late, late, "late in lifetime");
    let probes = model
        .calls
        .iter()
        .filter(|call| call.probe && !call.early)
        .count() as u64;
    assert_eq!(lifetime.probes, probes, "probes ever");

    for (state, rejected) in &lifetime.rejected {
        let by_state = model.counts.rejected.iter().filter(|by| *by == state);
        assert_eq!(*rejected, by_state.count() as u64, "rejected by {state}");
    }
    for state in State::ALL {
        let mut spent = 0;
        for (i, period) in model.periods.iter().enumerate() {
            let end = model
                .periods
                .get(i + 1)
                .map_or(model.now, |next| next.entered);
            if period.state == state {
                spent += end - period.entered;
            }
        }
        assert_eq!(
            lifetime.time_in_state[&state],
            nanos(spent),
            "time in {state}"
        );
    }

    let Some(histogram) = &lifetime.durations else {
        assert!(reads.bounds.is_empty());
        return;
    };
    let took: Vec<u64> = judged
        .iter()
        .filter_map(|call| call.ended.map(|_| call.took))
        .collect();
    assert_eq!(histogram.count, took.len() as u64, "calls in the histogram");
    assert_eq!(histogram.sum, nanos(took.iter().sum()), "their durations");
    let buckets: Vec<_> = reads
        .bounds
        .iter()
        .map(|bound| {
            let within = took.iter().filter(|took| *took <= bound).count();
            (nanos(*bound), within as u64)
        })
        .collect();
    assert_eq!(histogram.buckets, buckets, "buckets");
}
