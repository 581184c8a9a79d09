//! The state machine. Pure: no lock, no clock, no I/O, and no code of the
//! user's. Times and the answers of policies are handed in; transitions, and
//! questions that only a user's own rule can answer, are handed out.

pub(super) mod judge;
#[cfg(feature = "settings")]
pub(super) mod replace;
#[cfg(feature = "fleet")]
mod suspicion;
mod would_open;

use std::time::Duration;

pub(crate) use judge::Ending;

use crate::{
    State,
    engine::{
        config::{Config, Recording},
        probes::Probes,
        state_word::Epoch,
    },
    flight::ProbeOutcomes,
    retry::Opening,
    tripper::{Cause, ages::InFlightAges},
    util::{duration::nanos, slot::Slot},
    window::{AnyWindow, OwnWindow, Totals},
};
use would_open::WouldOpen;

/// A state to go to, and for `Open` why.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Next {
    pub(crate) state: State,
    pub(crate) cause: Option<Cause>,
    /// Whether the tripper has to be asked first: `Open` is entered if it fires,
    /// `Closed` if it does not.
    pub(crate) asks: bool,
    /// No transition: the second rule, which a fleet gives a breaker, began to fire.
    #[cfg(feature = "fleet")]
    pub(crate) suspects: bool,
}

impl From<State> for Next {
    fn from(state: State) -> Self {
        Self {
            state,
            cause: None,
            asks: false,
            #[cfg(feature = "fleet")]
            suspects: false,
        }
    }
}

/// What the retry policy says as a circuit opens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpeningWait {
    /// How long to wait for the first probe; `None` is for ever.
    pub(crate) first: Option<Duration>,
    /// No change of the settings makes the wait shorter than this.
    pub(crate) least: Duration,
    /// How long a dependency may ask it to wait.
    pub(crate) longest: Duration,
    /// Whether early probes may run in the opening.
    pub(crate) allows_early: bool,
}

/// A state that was entered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Transition {
    pub(crate) old_state: State,
    pub(crate) new_state: State,
    pub(crate) cause: Option<Cause>,
    /// For `Open`: the wait before the first probe.
    pub(crate) wait: Option<Duration>,
}

/// So many probes in a row that say nothing are reported.
pub(crate) const SILENT_PROBES: u64 = 100;

pub(crate) struct Machine {
    state: State,
    /// Goes up with every transition: what was admitted in another generation
    /// does not count.
    generation: u64,
    /// Goes up with every change of the settings.
    revision: u32,
    entered: Duration,
    /// From half-open back to open since the circuit was last closed.
    reopens: u64,
    /// Failures in a row.
    streak: u64,
    /// Successful probes in a row.
    recovered: u64,
    /// Probes in a row whose outcome said nothing.
    silent: u64,
    /// How the probes of this period ended.
    probed: ProbeOutcomes,
    /// Calls recorded as failures, over all periods.
    failed: u64,
    /// How long after `entered` an open circuit may be probed; `None` is never.
    wait: Option<Duration>,
    /// What of that wait no change of the settings makes shorter, in nanoseconds: a
    /// command said so, or the dependency did.
    least_wait: u64,
    /// Until when the dependency said it would be down, in this period.
    asked: Option<Duration>,
    /// Whether early probes may run in this period.
    allows_early: bool,
    /// What is read for every recorded call, from the settings.
    recording: Recording,
    window: AnyWindow,
    totals: Totals,
    /// The totals that opened the circuit, while it is open.
    opened_with: Option<Box<Totals>>,
    probes: Probes,
    /// Calls in flight in the closed state, if a rule looks at them.
    running: Option<Box<InFlightAges>>,
    /// The openings that `MetricsOnly` kept from happening, from the first one on.
    would_open: Option<Box<WouldOpen>>,
    /// Whether the second rule was told to fire.
    #[cfg(feature = "fleet")]
    suspected: bool,
    /// Whether the fleet lent the right to probe, one probe at a time.
    #[cfg(feature = "fleet")]
    leased: bool,
}

impl Machine {
    pub(crate) fn new(
        window: AnyWindow,
        (config, recording): (&Config, Recording),
        probes: Probes,
        running: Option<InFlightAges>,
        now: Duration,
    ) -> Self {
        Self {
            state: State::Closed,
            generation: 0,
            revision: 0,
            entered: now,
            reopens: 0,
            streak: 0,
            recovered: 0,
            silent: 0,
            probed: ProbeOutcomes::default(),
            failed: 0,
            wait: None,
            least_wait: 0,
            asked: None,
            allows_early: false,
            recording,
            window,
            totals: Totals::new(config.thresholds.len()),
            opened_with: None,
            probes,
            running: running.map(Box::new),
            would_open: None,
            #[cfg(feature = "fleet")]
            suspected: false,
            #[cfg(feature = "fleet")]
            leased: false,
        }
    }

    pub(crate) fn state(&self) -> State {
        self.state
    }

    /// Returns what is read of the settings for every recorded call.
    #[inline]
    pub(crate) fn recording(&self) -> &Recording {
        &self.recording
    }

    /// Returns the numbers of its generation and revision.
    pub(crate) fn epoch(&self) -> Epoch {
        Epoch {
            generation: self.generation,
            revision: self.revision,
        }
    }

    /// Returns when it entered the present state.
    pub(crate) fn entered(&self) -> Duration {
        self.entered
    }

    pub(crate) fn reopens(&self) -> u64 {
        self.reopens
    }

    pub(crate) fn streak(&self) -> u64 {
        self.streak
    }

    /// Calls recorded as failures, over all periods.
    pub(crate) fn failed(&self) -> u64 {
        self.failed
    }

    /// Returns how the probes of this period ended.
    pub(crate) fn probe_outcomes(&self) -> ProbeOutcomes {
        self.probed
    }

    /// Sets how often the circuit reopened.
    #[cfg(any(feature = "fleet", feature = "settings"))]
    pub(crate) fn set_reopens(&mut self, reopens: u64) {
        self.reopens = reopens;
    }

    /// Ends a streak of failures.
    pub(crate) fn end_streak(&mut self) {
        self.streak = 0;
    }

    /// Takes note that a probe of the present period ended without saying
    /// anything about the dependency. Returns whether a report is due.
    pub(crate) fn learn_nothing(&mut self) -> bool {
        self.probed.ignored = self.probed.ignored.saturating_add(1);
        self.silent = self.silent.saturating_add(1);
        self.silent == SILENT_PROBES
    }

    pub(crate) fn totals(&mut self, now: Duration) -> &Totals {
        self.window.expire(now, &mut self.totals);
        &self.totals
    }

    /// Returns whether the window, as it is, holds a failed or slow call, or the
    /// last call failed.
    #[cfg(feature = "keyed")]
    pub(crate) fn holds_trouble(&self) -> bool {
        let Totals { failures, slow, .. } = &self.totals;
        self.streak > 0 || *failures > 0 || slow.iter().any(|calls| *calls > 0)
    }

    /// Returns the wait of the present opening, if it may ever be probed.
    pub(crate) fn wait(&self) -> Option<Duration> {
        self.wait
    }

    /// Returns what the window held when a rule opened the circuit, while it is open.
    pub(crate) fn opened_with(&self) -> Option<&Totals> {
        self.opened_with.as_deref()
    }

    pub(crate) fn window(&self) -> &AnyWindow {
        &self.window
    }

    pub(crate) fn probes(&self) -> &Probes {
        &self.probes
    }

    pub(crate) fn probes_in_flight(&mut self, now: Duration) -> usize {
        self.probes.in_flight(nanos(now))
    }

    /// Probes that outlived their lease and are not counted as lost yet.
    pub(crate) fn overdue_probes(&mut self, now: Duration) -> u64 {
        self.probes.overdue(nanos(now))
    }

    /// Returns the user's own window, if that is what there is, and the totals.
    pub(crate) fn own_window(&mut self) -> Option<(&mut OwnWindow, &mut Totals)> {
        Some((self.window.as_own()?, &mut self.totals))
    }

    /// Returns whether a success that is not slow would change nothing.
    #[inline]
    pub(crate) fn is_clean(&self) -> bool {
        // First what most windows fail by that are not clean.
        self.totals.failures == 0
            && self.streak == 0
            && matches!(self.state, State::Closed | State::MetricsOnly)
            && !self.recording.every_call
            && self.window.success_changes_nothing(&self.totals)
    }

    /// Returns how long an open circuit has been open, if its wait is over.
    pub(crate) fn due(&self, now: Duration) -> Option<Duration> {
        let elapsed = now.saturating_sub(self.entered);
        let wait = self.wait.filter(|_| self.state == State::Open)?;
        (elapsed >= wait).then_some(elapsed)
    }

    /// Returns the opening that the retry policy is asked about when the breaker goes to
    /// `Open`, or is there.
    pub(crate) fn opening(&self) -> Opening {
        let again = self.state == State::HalfOpen;
        let totals = match self.state {
            State::Open => self.opened_with.as_deref(),
            _ => Some(&self.totals),
        };
        let mut opening = Opening::new(self.reopens.saturating_add(u64::from(again)));
        if let Some(totals) = totals {
            opening.total_count = totals.calls();
            opening.failure_count = totals.failures();
        }
        opening
    }

    /// Returns whether an early probe may run now: the circuit is open, its wait is
    /// not over, and its opening allows it.
    pub(crate) fn takes_early(&self, now: Duration) -> bool {
        self.state == State::Open && self.allows_early && self.due(now).is_none()
    }

    /// Returns whether a probe would get a slot.
    pub(crate) fn has_free_slot(&mut self, now: Duration) -> bool {
        self.probes.has_free(nanos(now))
    }

    /// Takes a probe's slot, if one is free; also how many probes lost theirs.
    pub(crate) fn reserve(&mut self, now: Duration) -> (Option<Slot>, u64) {
        #[cfg(feature = "fleet")]
        if self.leased && self.probes_in_flight(now) > 0 {
            return (None, 0);
        }
        self.probes.acquire(nanos(now))
    }

    /// Takes note of a call that begins in the closed state, if a rule looks at
    /// those in flight.
    pub(crate) fn start(&mut self, now: Duration) -> Option<Slot> {
        self.running.as_mut()?.enter(nanos(now))
    }

    /// Takes a probe's slot back. Whether it had outlived its lease.
    pub(crate) fn release(&mut self, slot: Slot, now: Duration) -> bool {
        self.probes.release(slot, nanos(now))
    }

    /// Takes note that a call of the present period, admitted as `Running`, ended.
    pub(crate) fn leave(&mut self, slot: Slot) {
        if let Some(running) = &mut self.running {
            running.leave(slot);
        }
    }

    /// Takes note that the dependency said it would be down until then.
    pub(crate) fn defer_until(&mut self, until: Duration) {
        self.asked = Some(until);
    }

    /// Goes to a state, the present one included. For `Open`, `wait` is what the
    /// retry policy said.
    pub(crate) fn enter(
        &mut self,
        next: Next,
        now: Duration,
        wait: Option<OpeningWait>,
    ) -> Transition {
        let old_state = self.state;
        match next.state {
            State::Open => self.reopens = self.opening().reopens,
            State::HalfOpen => self.streak = 0,
            State::Closed => {
                self.reopens = 0;
                self.streak = 0;
            }
            _ => {}
        }
        self.state = next.state;
        let by_rule = next
            .cause
            .filter(|cause| cause.leaf != Cause::RESTORED_LEAF);
        self.opened_with = by_rule.map(|_| Box::new(self.totals.clone()));
        let asked = self.asked.map(|until| until.saturating_sub(now));
        #[cfg(feature = "fleet")]
        let leased = self.leased && next.state == State::HalfOpen;
        self.start_period(now);
        #[cfg(feature = "fleet")]
        self.lease(leased);
        if let Some(OpeningWait {
            first,
            least,
            longest,
            allows_early,
        }) = wait.filter(|_| next.state == State::Open)
        {
            let asked = asked.map_or(Duration::ZERO, |asked| asked.min(longest));
            self.wait = first.map(|first| first.max(asked));
            self.least_wait = nanos(least.max(asked));
            self.allows_early = allows_early && first.is_some();
        }
        Transition {
            old_state,
            new_state: next.state,
            cause: next.cause,
            wait: self.wait,
        }
    }

    /// Leaves out a generation, so that the next one is not adjacent to the present
    /// one.
    pub(crate) fn skip_generation(&mut self) {
        self.generation += 1;
    }

    /// Begins a new generation, with nothing recorded.
    fn start_period(&mut self, now: Duration) {
        self.generation += 1;
        self.entered = now;
        self.recovered = 0;
        self.silent = 0;
        self.probed = ProbeOutcomes::default();
        self.wait = None;
        self.least_wait = 0;
        self.asked = None;
        self.allows_early = false;
        #[cfg(feature = "fleet")]
        self.end_suspicion();
        self.window.clear();
        self.totals.clear();
        if let Some(running) = &mut self.running {
            running.clear();
        }
        if let Some(would_open) = &mut self.would_open {
            would_open.start_period();
        }
    }

    /// Forgets what a closed circuit recorded, without a transition.
    pub(crate) fn renew(&mut self, now: Duration) {
        self.reopens = 0;
        self.streak = 0;
        self.start_period(now);
    }

    /// Forgets how many calls ever failed.
    pub(crate) fn forget_failed(&mut self) {
        self.failed = 0;
        self.would_open = None;
    }
}
