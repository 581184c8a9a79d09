//! The state machine. Pure: no lock, no clock, no I/O; times and random numbers
//! are handed in, and transitions are handed out.

use std::{
    fmt::{self, Write as _},
    num::NonZeroU64,
    time::Duration,
};

use crate::{
    OnCancel, Reason, RuleKind, SettingsInfo, State, diagnostics,
    engine::probes::{Probes, Slot},
    permit::Permit,
    random::Random,
    retry::{Opening, Retry},
    tripper::{Calm, Cause, Context, Rule, ages::Running},
    util::{duration::nanos, panic::contained},
    window::{AnyWindow, Record, Totals},
};

/// The settings of a breaker, which never change.
pub(crate) struct Policy {
    pub(crate) tripper: Rule,
    pub(crate) retry: Box<dyn Retry>,
    pub(crate) permit: Box<dyn Permit>,
    pub(crate) close_after: u64,
    pub(crate) reopen_after: Option<NonZeroU64>,
    pub(crate) on_cancel: OnCancel,
    /// The slowness thresholds of the rules, ascending.
    pub(crate) thresholds: Box<[Duration]>,
    /// Whether the sum of durations is kept.
    pub(crate) durations: bool,
    /// Whether the tripper wants to be asked after calls that change nothing.
    pub(crate) every_call: bool,
    /// When a full window need not be shown to the tripper.
    pub(crate) calm: Calm,
}

impl Policy {
    /// Fills in what it knows of the settings.
    pub(crate) fn describe(&self, settings: &mut SettingsInfo) {
        settings.tripper = self.tripper.to_string();
        settings.retry = text(|f| self.retry.describe(f));
        settings.permit = self.permit();
        settings.close_after = self.close_after;
        settings.reopen_after = self.reopen_after.map(NonZeroU64::get);
        settings.on_cancel = self.on_cancel;
        settings.durations = self.durations;
    }

    /// Returns the permit as the attribute reads it.
    pub(crate) fn permit(&self) -> String {
        text(|f| self.permit.describe(f))
    }

    /// Returns the share of calls that the permit admits, if it can tell.
    pub(crate) fn share(&self, elapsed: Duration) -> Option<f64> {
        contained(|| self.permit.share(elapsed)).flatten()
    }

    /// A cause in words.
    pub(crate) fn reason(&self, cause: Cause) -> Option<Reason> {
        let (rule, threshold) = match cause.leaf {
            Cause::REOPEN_AFTER => (RuleKind::ReopenAfter, self.reopen_after?.get() as f64),
            leaf => self.tripper.leaf(leaf)?,
        };
        Some(Reason {
            rule,
            measured: cause.measured,
            threshold,
            calls: cause.calls,
        })
    }
}

/// Returns what a policy writes about itself. A panic in it is contained.
fn text(describe: impl Fn(&mut fmt::Formatter<'_>) -> fmt::Result) -> String {
    struct Described<F>(F);

    impl<F: Fn(&mut fmt::Formatter<'_>) -> fmt::Result> fmt::Display for Described<F> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            (self.0)(f)
        }
    }

    let described = Described(describe);
    let mut text = String::new();
    // `to_string` panics where a formatter fails.
    match contained(|| write!(text, "{described}")) {
        Some(Ok(())) => text,
        _ => "Custom(…)".to_owned(),
    }
}

/// How a call ended, as far as it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ending {
    pub(crate) failed: bool,
    /// How long it took; zero when nothing measures.
    pub(crate) nanos: u64,
}

/// A state to go to, and for `Open` why.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Next {
    pub(crate) state: State,
    pub(crate) cause: Option<Cause>,
}

impl From<State> for Next {
    fn from(state: State) -> Self {
        Self { state, cause: None }
    }
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

/// The answer to a call that asks to run in `Open` or `HalfOpen`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// Runs as a probe and holds this slot.
    Probe(Slot),
    /// Runs in the closed state, and is known to.
    Running(Slot),
    /// Does not run.
    Rejected,
    /// Does not run: the permit refused it, so long after half-open began.
    NotPermitted(Duration),
    /// The state takes calls without asking.
    Free,
}

/// So many probes in a row that say nothing are reported.
pub(crate) const SILENT_PROBES: u64 = 100;

pub(crate) struct Machine {
    state: State,
    /// Goes up with every transition: what was admitted in another generation
    /// does not count.
    generation: u64,
    entered: Duration,
    /// From half-open back to open since the circuit was last closed.
    reopens: u64,
    /// Failures in a row.
    streak: u64,
    /// Successful probes in a row.
    recovered: u64,
    /// Probes in a row whose outcome said nothing.
    silent: u64,
    /// Calls recorded as failures, over all periods.
    failed: u64,
    /// How long after `entered` an open circuit may be probed; `None` is never.
    wait: Option<Duration>,
    /// Until when the dependency said it would be down, in this period.
    asked: Option<Duration>,
    window: AnyWindow,
    totals: Totals,
    /// The totals that opened the circuit, while it is open.
    opened_with: Option<Box<Totals>>,
    probes: Probes,
    /// Calls in flight in the closed state, if a rule looks at them.
    running: Option<Box<Running>>,
}

impl Machine {
    pub(crate) fn new(
        window: AnyWindow,
        thresholds: usize,
        probes: Probes,
        running: Option<Running>,
        state: State,
        now: Duration,
    ) -> Self {
        Self {
            state,
            generation: 0,
            entered: now,
            reopens: 0,
            streak: 0,
            recovered: 0,
            silent: 0,
            failed: 0,
            wait: None,
            asked: None,
            window,
            totals: Totals::new(thresholds),
            opened_with: None,
            probes,
            running: running.map(Box::new),
        }
    }

    pub(crate) fn state(&self) -> State {
        self.state
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// When it entered the present state.
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

    /// Ends a streak of failures.
    pub(crate) fn end_streak(&mut self) {
        self.streak = 0;
    }

    /// Takes note that a probe of the present period ended without saying
    /// anything about the dependency. Returns whether a report is due.
    pub(crate) fn learn_nothing(&mut self) -> bool {
        self.silent = self.silent.saturating_add(1);
        self.silent == SILENT_PROBES
    }

    pub(crate) fn totals(&mut self, now: Duration) -> &Totals {
        self.window.expire(now, &mut self.totals);
        &self.totals
    }

    /// What the window held when a rule opened the circuit, while it is open.
    pub(crate) fn opened_with(&self) -> Option<&Totals> {
        self.opened_with.as_deref()
    }

    pub(crate) fn window(&self) -> &AnyWindow {
        &self.window
    }

    pub(crate) fn probes(&self) -> &Probes {
        &self.probes
    }

    pub(crate) fn probes_in_flight(&self, now: Duration) -> usize {
        self.probes.in_flight(nanos(now))
    }

    /// Probes that outlived their lease and are not counted as lost yet.
    pub(crate) fn overdue_probes(&self, now: Duration) -> u64 {
        self.probes.overdue(nanos(now))
    }

    /// Whether a success that is not slow would change nothing.
    #[inline]
    pub(crate) fn is_clean(&self, policy: &Policy) -> bool {
        matches!(self.state, State::Closed | State::MetricsOnly)
            && self.streak == 0
            && !policy.every_call
            && self.window.success_changes_nothing(&self.totals)
    }

    /// Whether an open circuit may be probed.
    pub(crate) fn is_due(&self, policy: &Policy, now: Duration) -> bool {
        let elapsed = now.saturating_sub(self.entered);
        let opening = Opening {
            reopens: self.reopens,
        };
        self.state == State::Open
            && self.wait.is_some_and(|wait| elapsed >= wait)
            && contained(|| policy.retry.ready(&opening, elapsed)).unwrap_or_else(|| {
                diagnostics::policy_panicked("retry");
                true
            })
    }

    /// Lets a call in, or not; also how many probes lost their slots for it.
    /// An open circuit that is due is to be half-opened first.
    pub(crate) fn admit(
        &mut self,
        policy: &Policy,
        now: Duration,
        random: &mut dyn Random,
    ) -> (Admission, u64) {
        match self.state {
            State::Closed => {
                let running = self.running.as_mut();
                let slot = running.and_then(|running| running.enter(nanos(now)));
                return (slot.map_or(Admission::Free, Admission::Running), 0);
            }
            State::MetricsOnly | State::Disabled => return (Admission::Free, 0),
            State::Open | State::ForcedOpen => return (Admission::Rejected, 0),
            State::HalfOpen => {}
        }
        let began = nanos(now);
        let (slot, lost) = self.probes.acquire(began);
        let Some(slot) = slot else {
            return (Admission::Rejected, lost);
        };
        let elapsed = now.saturating_sub(self.entered);
        let admits = contained(|| policy.permit.admits(elapsed, random)).unwrap_or_else(|| {
            diagnostics::policy_panicked("permit");
            true
        });
        if admits {
            (Admission::Probe(slot), lost)
        } else {
            self.probes.release(slot, began);
            (Admission::NotPermitted(elapsed), lost)
        }
    }

    /// Takes a probe's slot back. Whether it had outlived its lease.
    pub(crate) fn release(&mut self, slot: Slot, now: Duration) -> bool {
        self.probes.release(slot, nanos(now))
    }

    /// Whether calls are to be [admitted](Self::admit) in the closed state, too.
    pub(crate) fn registers(&self) -> bool {
        self.running.is_some()
    }

    /// Takes note that a call of the present period, admitted as `Running`, ended.
    pub(crate) fn leave(&mut self, slot: Slot) {
        if let Some(running) = &mut self.running {
            running.leave(slot);
        }
    }

    /// Looks at the calls in flight. The state that leads to, if any.
    pub(crate) fn look(&mut self, policy: &Policy, now: Duration) -> Option<Next> {
        let grown = self.running.as_mut()?.grow(nanos(now));
        if !grown || self.state != State::Closed {
            return None;
        }
        self.window.expire(now, &mut self.totals);
        self.tripped(policy)
    }

    /// Takes note that the dependency said it would be down until then.
    pub(crate) fn ask(&mut self, until: Duration) {
        self.asked = Some(until);
    }

    /// Records a call of the present generation. The state it leads to, if any.
    pub(crate) fn record(
        &mut self,
        policy: &Policy,
        ending: Ending,
        now: Duration,
    ) -> Option<Next> {
        let record = Record::new(ending.failed, ending.nanos, &policy.thresholds);
        self.window.record(record, now, &mut self.totals);
        if let Some(running) = &mut self.running {
            running.grow(nanos(now));
        }
        self.recorded(policy, ending.failed, policy.calm.holds(&self.totals))
    }

    /// The same where nothing is kept of a call but its outcome, and nobody asks
    /// when it was.
    #[inline]
    pub(crate) fn record_outcome(&mut self, policy: &Policy, failed: bool) -> Option<Next> {
        match self.window.as_count() {
            Some(window) => {
                window.record_outcome(failed, &mut self.totals);
                self.recorded(policy, failed, policy.calm.holds_outcomes(&self.totals))
            }
            None => self.record(policy, Ending { failed, nanos: 0 }, Duration::ZERO),
        }
    }

    /// A call was recorded, and the totals are `calm` if the window is full: where
    /// does it lead?
    #[inline]
    fn recorded(&mut self, policy: &Policy, failed: bool, calm: bool) -> Option<Next> {
        if failed {
            self.streak = self.streak.saturating_add(1);
            self.failed += 1;
        } else {
            self.streak = 0;
        }
        if calm && self.state == State::Closed && self.window.is_full() {
            None
        } else {
            self.judge(policy, failed)
        }
    }

    #[inline(never)]
    fn judge(&mut self, policy: &Policy, failed: bool) -> Option<Next> {
        self.silent = 0;
        match (self.state, failed) {
            (State::Closed, _) => self.tripped(policy),
            (State::HalfOpen, true) => {
                self.recovered = 0;
                self.reopened(policy)
            }
            (State::HalfOpen, false) => {
                self.recovered = self.recovered.saturating_add(1);
                let healthy =
                    self.recovered >= policy.close_after && self.tripped(policy).is_none();
                healthy.then_some(State::Closed.into())
            }
            _ => None,
        }
    }

    fn reopened(&self, policy: &Policy) -> Option<Next> {
        match policy.reopen_after {
            Some(limit) if self.streak >= limit.get() => Some(Next {
                state: State::Open,
                cause: Some(Cause {
                    leaf: Cause::REOPEN_AFTER,
                    measured: self.streak as f64,
                    calls: self.totals.calls(),
                }),
            }),
            _ => self.tripped(policy),
        }
    }

    /// Returns what the tripper looks at.
    fn context<'a>(&'a self, policy: &'a Policy) -> Context<'a> {
        Context {
            state: self.state,
            streak: self.streak,
            totals: &self.totals,
            thresholds: &policy.thresholds,
            durations: policy.durations,
            running: self.running.as_deref(),
        }
    }

    /// Returns how near the tripper is to firing: 1 fires.
    #[cfg(feature = "sim")]
    pub(crate) fn pressure(&mut self, policy: &Policy, now: Duration) -> f64 {
        self.window.expire(now, &mut self.totals);
        policy.tripper.pressure(&self.context(policy))
    }

    fn tripped(&self, policy: &Policy) -> Option<Next> {
        let seen = self.context(policy);
        policy.tripper.fires(&seen).then(|| Next {
            state: State::Open,
            cause: policy.tripper.cause(&seen),
        })
    }

    /// Goes to a state, the present one included.
    pub(crate) fn enter(
        &mut self,
        policy: &Policy,
        next: Next,
        now: Duration,
        random: &mut dyn Random,
    ) -> Transition {
        let old_state = self.state;
        match next.state {
            State::Open if old_state == State::HalfOpen => {
                self.reopens = self.reopens.saturating_add(1);
            }
            State::HalfOpen => self.streak = 0,
            State::Closed => {
                self.reopens = 0;
                self.streak = 0;
            }
            _ => {}
        }
        self.state = next.state;
        self.opened_with = next.cause.map(|_| Box::new(self.totals.clone()));
        let asked = self.asked.map(|until| until.saturating_sub(now));
        self.begin(now);
        if next.state == State::Open {
            let opening = Opening {
                reopens: self.reopens,
            };
            self.wait = contained(|| policy.retry.wait(&opening, random)).unwrap_or_else(|| {
                diagnostics::policy_panicked("retry");
                Some(Duration::from_secs(60))
            });
            if let (Some(wait), Some(asked)) = (&mut self.wait, asked) {
                *wait = asked.min(longest(&*policy.retry)).max(*wait);
            }
        }
        Transition {
            old_state,
            new_state: next.state,
            cause: next.cause,
            wait: self.wait,
        }
    }

    /// A new generation, with nothing recorded.
    fn begin(&mut self, now: Duration) {
        self.generation += 1;
        self.entered = now;
        self.recovered = 0;
        self.silent = 0;
        self.wait = None;
        self.asked = None;
        self.window.clear();
        self.totals.clear();
        if let Some(running) = &mut self.running {
            running.clear();
        }
    }

    /// Forgets what a closed circuit recorded, without a transition.
    pub(crate) fn renew(&mut self, now: Duration) {
        self.reopens = 0;
        self.streak = 0;
        self.begin(now);
    }

    /// Forgets how many calls ever failed.
    pub(crate) fn forget_failed(&mut self) {
        self.failed = 0;
    }
}

fn longest(retry: &dyn Retry) -> Duration {
    contained(|| retry.longest()).unwrap_or_else(|| {
        diagnostics::policy_panicked("retry");
        Duration::ZERO
    })
}
