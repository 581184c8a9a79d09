//! Settings that are replaced while calls run.
//!
//! All that the user can write is asked without the lock: what rules need, how policies
//! describe themselves, how long a circuit that is open is to wait, the clock. Then one
//! short lock puts everything in place, unless other settings came first, or another
//! opening: then it begins anew. What was replaced is dropped without the lock.

use std::{mem, num::NonZeroU64, sync::Arc, time::Duration};

use super::{
    Core, Shared,
    config::{Config, ConfigRef, drop_contained, text},
    machine::{
        OpeningWait,
        replace::{Filling, Replacement},
    },
    opening::RULES,
    outbox::News,
    policies::{Policies, Prepared},
    state_word::{CallNeeds, StateWord},
};
use crate::{
    State, diagnostics,
    listener::{ChangedSetting, SettingsChange},
    permit::{AnyPermit, Permit},
    retry::{AnyRetry, Opening, Retry},
    throttle::{Adaptive, Throttle},
    tripper::ages::InFlightAges,
    util::{
        duration::{Literal, nanos},
        sync::Ordering,
    },
    window::{AnyWindow, Succession, Totals},
};

/// What a change begins with.
struct Seen {
    word: StateWord,
    config: ConfigRef,
    policies: Policies,
    /// Whether calls in flight are counted by the same ages as before.
    has_ages: bool,
    /// The opening of a circuit that is open.
    opening: Option<Opening>,
}

/// All that a change takes.
struct Plan {
    seen: Seen,
    config: Arc<Config>,
    calls: CallNeeds,
    slow: u64,
    replacement: Replacement,
    throttle: Option<Adaptive>,
    /// Whether the throttle is another.
    throttles: bool,
    /// Whether the retry policy is another, and was not asked since the circuit was not
    /// open.
    asks: bool,
    wait: Option<OpeningWait>,
    change: SettingsChange,
    told: Box<SettingsChange>,
    now: Duration,
}

impl Core {
    /// Returns the settings in force.
    pub(crate) fn policies(&self) -> Policies {
        self.look(None).policies
    }

    /// Puts other settings in the place of those in force, while calls run: state, opening,
    /// reopenings, streak and probes in flight stay. Returns what is another, as listeners
    /// are told; `None` if nothing is.
    ///
    /// The settings must have been [checked](Policies::check). To be called without the
    /// lock.
    pub(crate) fn replace_policies(&self, new: Policies) -> Option<SettingsChange> {
        loop {
            let change = match self.plan(&new) {
                None => None,
                Some(plan) => match self.install(plan) {
                    Ok(change) => Some(change),
                    Err(Overtaken) => continue,
                },
            };
            new.discard();
            return change;
        }
    }

    /// Works out what a change takes, without the lock; `None` if it changes nothing.
    fn plan(&self, new: &Policies) -> Option<Plan> {
        let counters = self.listener_counters.as_deref();
        let Prepared {
            mut config,
            recording,
            window,
            probes,
            running,
            throttle,
        } = new.fresh().prepare(Self::needs_of(counters));
        let running = running.map(Box::new);
        let seen = self.look(running.as_deref());
        let changes = changes(&seen.policies, new);
        if changes.is_empty() {
            seen.policies.discard();
            return None;
        }
        let measures_the_same = seen.has_ages
            && config.thresholds == seen.config.thresholds
            && config.durations == seen.config.durations;
        let window = filling(&seen.policies.window, window, &config, measures_the_same);
        let change = SettingsChange {
            name: self.name.clone(),
            timestamp: self.clock.wall(),
            sequence: 0,
            window_emptied: matches!(window, Filling::Empty(_) | Filling::Emptied { .. }),
            changes,
        };
        let has_changed = |setting| change.changes.iter().any(|it| it.setting == setting);
        let (waits, throttles) = (has_changed(RETRY), has_changed(THROTTLE));
        if let Some(settings) = throttle {
            self.throttle
                .get_or_init(|| Box::new(Throttle::new_off(settings)));
        }
        let opening = seen.opening.filter(|_| waits);
        let wait = opening.and_then(|opening| self.wait(&*config.retry, opening));
        config.number = (seen.config.number + 1) % RULES;
        Some(Plan {
            replacement: Replacement {
                recording,
                probes,
                running,
                window,
                totals: Totals::new(config.thresholds.len()),
            },
            calls: config.calls,
            slow: config.slow(),
            config: Arc::new(config),
            throttle,
            throttles,
            asks: waits && opening.is_none(),
            wait,
            told: Box::new(change.clone()),
            change,
            now: self.clock.now(),
            seen,
        })
    }

    /// Puts settings in place that were prepared, unless others came meanwhile, or another
    /// opening that the retry policy was not asked about.
    fn install(&self, plan: Plan) -> Result<SettingsChange, Overtaken> {
        let Plan {
            seen,
            mut config,
            calls,
            slow,
            mut replacement,
            throttle: settings,
            throttles,
            asks,
            wait,
            mut change,
            mut told,
            now,
        } = plan;
        let mut held = self.shared.lock();
        let word = held.word();
        let is_asked = !asks && (wait.is_none() || word.same_period(seen.word));
        if !word.same_settings(seen.word) || word.state() == State::Open && !is_asked {
            drop(held);
            seen.policies.discard();
            return Err(Overtaken);
        }
        let had_attention = word.has_attention();
        let attentive = |word: StateWord, on| if on { word.attentive() } else { word };
        // Calls that begin while the rest is put in place are of a revision that never
        // comes back: at their end they are found to be of other settings.
        let shared = held.get();
        shared.machine.revise();
        let (epoch, present_calls) = (shared.machine.epoch(), shared.config.calls);
        let between = StateWord::new(word.state(), epoch, false, present_calls);
        held.publish_word(attentive(between, had_attention));
        // Partner: the `Acquire` load in `slow`.
        self.slow.store(slow, Ordering::Release);
        let Shared {
            machine,
            config: present,
            opened_by,
            sequence,
            outbox,
            flight,
            has_changed,
            ..
        } = held.get();
        let lost = machine.replace(&mut replacement, now);
        if let Some((entered, wait)) = wait.and_then(|wait| machine.shorten_wait(wait.first)) {
            self.opening.store_due(entered, Some(wait));
        }
        mem::swap(present, &mut config);
        let opening = self.opening.load();
        let replaced = if opening.cause().is_some() && opening.rule() == config.number {
            opened_by.replace(config)
        } else {
            Some(config)
        };
        flight.shrink(present.flight);
        if throttles && let Some(throttle) = self.throttle.get() {
            throttle.set(settings, nanos(now));
        }
        change.sequence = *sequence;
        told.sequence = *sequence;
        outbox.put(|| News::Settings(told));
        // A slot may be free, or a wait over.
        *has_changed = true;
        machine.revise();
        let word = StateWord::new(machine.state(), machine.epoch(), false, calls);
        #[cfg(feature = "fleet")]
        let is_watched = self.watches_for_fleet();
        #[cfg(not(feature = "fleet"))]
        let is_watched = false;
        let stays = had_attention && (is_watched || self.present_throttle().is_some());
        held.set_word(attentive(word, stays));
        self.unlock(held);

        self.counts.late.add(lost);
        drop(replaced.map(ConfigRef::from));
        drop_contained(replacement);
        seen.policies.discard();
        if had_attention && !stays {
            diagnostics::throttle_ends(&self.name);
        }
        Ok(change)
    }

    /// Looks at the settings in force, and at what a change of them depends on.
    fn look(&self, ages: Option<&InFlightAges>) -> Seen {
        let mut held = self.shared.lock();
        let throttle = self.present_throttle().and_then(Throttle::settings);
        let word = held.word();
        let shared = held.get();
        let config = ConfigRef::new(&shared.config);
        let window = shared.machine.window().fresh();
        let probes = shared.machine.probes();
        let (max_half_open_calls, lease) = (probes.limit(), probes.lease());
        let has_ages = shared.machine.has_ages(ages);
        let opening = (word.state() == State::Open)
            .then(|| shared.with_reason(shared.machine.opening(), self.opening.load()));
        drop(held);
        let policies = Policies {
            window,
            tripper: config.tripper.clone(),
            #[cfg(feature = "fleet")]
            suspect: config.suspect.clone(),
            retry: Arc::clone(&config.retry),
            permit: Arc::clone(&config.permit),
            max_half_open_calls,
            close_after: config.close_after,
            reopen_after: config.reopen_after.map(NonZeroU64::get),
            probe_lease: Duration::from_nanos(lease),
            on_cancel: config.on_cancel,
            slow_probes: config.slow_probes,
            throttle,
            durations: config.keeps_durations,
            flight: config.flight,
        };
        Seen {
            word,
            config,
            policies,
            has_ages,
            opening,
        }
    }
}

/// Other settings, or another opening, came first.
struct Overtaken;

const RETRY: &str = "retry";
const THROTTLE: &str = "throttle";

/// Returns what becomes of a window. One that takes the place of another is prepared.
fn filling(
    old: &AnyWindow,
    mut new: AnyWindow,
    config: &Config,
    measures_the_same: bool,
) -> Filling {
    let (thresholds, durations) = (config.thresholds.len(), config.durations);
    match old.succession(&new) {
        Succession::Same if measures_the_same => Filling::Same,
        Succession::Same if new.is_own() => Filling::Emptied {
            thresholds,
            durations,
        },
        succession => {
            match new.as_own() {
                // It may be one that is being asked still.
                Some(own) => own.tasks.prepare(thresholds, durations),
                None => new.prepare(thresholds, durations),
            }
            if succession == Succession::TakesOver && measures_the_same {
                Filling::Kept(new)
            } else {
                Filling::Empty(new)
            }
        }
    }
}

/// Returns what is another, in words.
fn changes(old: &Policies, new: &Policies) -> Vec<ChangedSetting> {
    let mut changes = Vec::new();
    let mut compare = |setting, is_same: bool, words: &dyn Fn(&Policies) -> String| {
        if !is_same {
            changes.push(ChangedSetting {
                setting,
                old: words(old),
                new: words(new),
            });
        }
    };
    compare(
        "window",
        old.window.succession(&new.window) == Succession::Same,
        &|it| it.window.to_string(),
    );
    compare("tripper", old.tripper.is_same(&new.tripper), &|it| {
        it.tripper.to_string()
    });
    compare(RETRY, is_same_retry(&old.retry, &new.retry), &|it| {
        text(|f| it.retry.describe(f))
    });
    compare("permit", is_same_permit(&old.permit, &new.permit), &|it| {
        text(|f| it.permit.describe(f))
    });
    compare(
        "max_half_open_calls",
        old.max_half_open_calls == new.max_half_open_calls,
        &|it| it.max_half_open_calls.to_string(),
    );
    compare("close_after", old.close_after == new.close_after, &|it| {
        it.close_after.to_string()
    });
    compare(
        "reopen_after",
        old.reopen_after == new.reopen_after,
        &|it| it.reopen_after.map_or_else(none, |it| it.to_string()),
    );
    compare("probe_lease", old.probe_lease == new.probe_lease, &|it| {
        Literal(it.probe_lease).to_string()
    });
    compare("on_cancel", old.on_cancel == new.on_cancel, &|it| {
        it.on_cancel.to_string()
    });
    compare("slow_probes", old.slow_probes == new.slow_probes, &|it| {
        it.slow_probes.to_string()
    });
    compare(THROTTLE, old.throttle == new.throttle, &|it| {
        it.throttle.map_or_else(none, |it| it.to_string())
    });
    compare("durations", old.durations == new.durations, &|it| {
        it.durations.to_string()
    });
    compare("flight_recorder", old.flight == new.flight, &|it| {
        it.flight.to_string()
    });
    changes
}

fn none() -> String {
    "none".to_owned()
}

/// Returns whether both are one policy: the very same, or built-in ones of the same words.
fn is_same_retry(old: &Arc<dyn Retry>, new: &Arc<dyn Retry>) -> bool {
    let words = |policy: &Arc<dyn Retry>| text(|f| policy.describe(f));
    Arc::ptr_eq(old, new) || words(old) == words(new) && words(new).parse::<AnyRetry>().is_ok()
}

fn is_same_permit(old: &Arc<dyn Permit>, new: &Arc<dyn Permit>) -> bool {
    let words = |policy: &Arc<dyn Permit>| text(|f| policy.describe(f));
    Arc::ptr_eq(old, new) || words(old) == words(new) && words(new).parse::<AnyPermit>().is_ok()
}
