//! Results for serde: durations in seconds, and with the figures that are derived.

use std::time::Duration;

use serde::{Serialize, Serializer, ser::SerializeStruct};

use super::{Change, Comparison, Figures, Guessed, PhaseResult, Replay, Run};
use crate::{Reason, State};

/// A time as the other results of this crate have it.
struct Seconds(Duration);

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0.as_secs_f64())
    }
}

impl Serialize for PhaseResult {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct PhaseFields<'a> {
            name: &'a str,
            start: Seconds,
            end: Seconds,
            down: bool,
            figures: &'a Figures,
            opened_after: Option<Seconds>,
            closed_after: Option<Seconds>,
            open_share: f64,
        }
        PhaseFields {
            name: &self.name,
            start: Seconds(self.start),
            end: Seconds(self.end),
            down: self.down,
            figures: &self.figures,
            opened_after: self.opened_after.map(Seconds),
            closed_after: self.closed_after.map(Seconds),
            open_share: self.open_share,
        }
        .serialize(serializer)
    }
}

impl Serialize for Change {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct ChangeFields<'a> {
            at: Seconds,
            instance: usize,
            old_state: State,
            new_state: State,
            reason: &'a Option<Reason>,
        }
        ChangeFields {
            at: Seconds(self.at),
            instance: self.instance,
            old_state: self.old_state,
            new_state: self.new_state,
            reason: &self.reason,
        }
        .serialize(serializer)
    }
}

impl Serialize for Run {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct RunFields<'a> {
            lasts: Seconds,
            instances: usize,
            rule: &'a str,
            opened_after: Option<Seconds>,
            closed_after: Option<Seconds>,
            goodput: f64,
            open_share: f64,
            total: Figures,
            phases: &'a [PhaseResult],
            per_instance: &'a [Figures],
            changes: &'a [Change],
        }
        RunFields {
            lasts: Seconds(self.lasts),
            instances: self.instances,
            rule: &self.rule,
            opened_after: self.opened_after().map(Seconds),
            closed_after: self.closed_after().map(Seconds),
            goodput: self.goodput(),
            open_share: self.open_share(),
            total: self.total(),
            phases: &self.phases,
            per_instance: &self.per_instance,
            changes: &self.changes,
        }
        .serialize(serializer)
    }
}

/// The runs in order, each with the name of its policy.
impl Serialize for Comparison {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Tried<'a> {
            policy: &'a str,
            run: &'a Run,
        }
        serializer.collect_seq(
            self.runs()
                .iter()
                .map(|(policy, run)| Tried { policy, run }),
        )
    }
}

impl Serialize for Guessed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (least, most) = self.range();
        let mut map = serializer.serialize_struct("Guessed", 4)?;
        map.serialize_field("value", &self.value())?;
        map.serialize_field("share_guessed", &self.share())?;
        map.serialize_field("least", &least)?;
        map.serialize_field("most", &most)?;
        map.end()
    }
}

impl Serialize for Replay {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct ReplayFields<'a> {
            answered: Guessed,
            failed: Guessed,
            overloaded: Guessed,
            refused: Guessed,
            throttled: Guessed,
            wrongly_refused: Guessed,
            run: &'a Run,
        }
        ReplayFields {
            answered: self.answered,
            failed: self.failed,
            overloaded: self.overloaded,
            refused: self.refused,
            throttled: self.throttled,
            wrongly_refused: self.wrongly_refused,
            run: &self.run,
        }
        .serialize(serializer)
    }
}
