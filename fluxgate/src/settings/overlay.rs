//! What settings give one breaker, above its code's values.
//!
//! The code's policies are kept from the first change on; every change makes a whole set of
//! policies anew, from the code's, the sources', and what was set by hand. What is wanted
//! is decided under a lock, and handed to the engine without it, since listeners are told
//! there. Two changes at the same time may reach the engine in either order; each looks
//! afterwards whether it was the last one, and hands over what is wanted now if not.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use once_cell::race::OnceBox;

use super::{
    changes::Changes,
    fault::{FaultList, SettingsError, SettingsFault},
    fit::{self, Base},
    key::{Key, Value},
    section::{Place, Values, get},
    store::{self, Sources},
};
use crate::{
    CircuitBreaker, Name, State, diagnostics,
    engine::{Core, policies::Policies},
    info::settings::SettingSource,
    tripper::Rule,
};

/// The settings of one breaker from outside.
pub(crate) struct Overlay {
    /// Whether the code refuses them.
    pub(super) is_fixed: bool,
    /// Once there are any.
    layers: OnceBox<Mutex<Layers>>,
}

#[derive(Default)]
struct Layers {
    /// The version of the sources that were looked at last.
    version: u64,
    /// What is in force of the sources.
    values: Values,
    by_hand: Option<ByHand>,
    /// The code's policies, once others are wanted.
    code: Option<Policies>,
    /// How often it was decided what is wanted.
    decided: u64,
    /// Why the sources are not in force, if they do not fit.
    unfit: Vec<SettingsFault>,
}

/// What was set by hand.
struct ByHand {
    /// All policies, those that were not set being the code's.
    policies: Policies,
    keys: BTreeSet<Key>,
}

impl Layers {
    /// Returns the policies that are wanted.
    fn wanted(&mut self, core: &Core) -> Policies {
        if let Some(by_hand) = &self.by_hand {
            return self.above(by_hand.policies.fresh(), &by_hand.keys);
        }
        let policies = self.code(core);
        self.above(policies, &BTreeSet::new())
    }

    /// Returns the code's policies: those in force as long as no others were wanted.
    fn code(&mut self, core: &Core) -> Policies {
        self.code.get_or_insert_with(|| core.policies()).fresh()
    }

    /// Puts what the sources give above other policies, but for what was set by hand.
    fn above(&self, mut policies: Policies, by_hand: &BTreeSet<Key>) -> Policies {
        set_all(&mut policies, &self.values, by_hand);
        policies
    }
}

fn set_all(policies: &mut Policies, values: &Values, but: &BTreeSet<Key>) {
    for (key, setting) in values {
        if !but.contains(key) {
            set(policies, *key, &setting.value);
        }
    }
}

/// Sets one policy.
fn set(policies: &mut Policies, key: Key, value: &Value) {
    match (key, value) {
        (Key::Window, Value::Window(window)) => policies.window = (*window).into(),
        (Key::Tripper, Value::Tripper(rule)) => policies.tripper = Rule::from(&**rule),
        (Key::Retry, Value::Retry(retry)) => policies.retry = Arc::new(*retry),
        (Key::Permit, Value::Permit(permit)) => policies.permit = Arc::new(*permit),
        (Key::MaxHalfOpenCalls, Value::Count(calls)) => {
            policies.max_half_open_calls = u32::try_from(*calls).unwrap_or(u32::MAX);
        }
        (Key::CloseAfter, Value::Count(count)) => policies.close_after = *count,
        (Key::ReopenAfter, Value::ReopenAfter(count)) => policies.reopen_after = *count,
        (Key::ProbeLease, Value::Time(lease)) => policies.probe_lease = *lease,
        (Key::OnCancel, Value::OnCancel(on_cancel)) => policies.on_cancel = *on_cancel,
        (Key::SlowProbes, Value::SlowProbes(slow)) => policies.slow_probes = *slow,
        (Key::Throttle, Value::Throttle(throttle)) => policies.throttle = *throttle,
        (Key::Durations, Value::Flag(durations)) => policies.durations = *durations,
        (Key::FlightRecorder, Value::Count(count)) => {
            policies.flight = usize::try_from(*count).unwrap_or(usize::MAX);
        }
        // The state is no policy, and every key has one kind of value.
        _ => {}
    }
}

/// Returns whether two sections say the same.
fn are_equal(one: &Values, other: &Values) -> bool {
    let mut pairs = one.iter().zip(other);
    one.len() == other.len()
        && pairs.all(|((key, setting), (other_key, other))| {
            key == other_key && setting.text == other.text && setting.source == other.source
        })
}

/// Returns whether two sections give the same policies, wherever they are from.
fn are_same_policies(one: &Values, other: &Values) -> bool {
    fn policies(values: &Values) -> impl Iterator<Item = (Key, &str)> {
        let policies = values.iter().filter(|(key, _)| **key != Key::State);
        policies.map(|(key, setting)| (*key, setting.text.as_str()))
    }
    policies(one).eq(policies(other))
}

impl Overlay {
    pub(crate) fn new(is_fixed: bool) -> Self {
        Self {
            is_fixed,
            layers: OnceBox::new(),
        }
    }

    fn layers(&self) -> MutexGuard<'_, Layers> {
        let layers = self.layers.get_or_init(Box::default);
        layers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns where the settings are from that are not the code's, and why those from
    /// outside are not in force, if they are not.
    pub(crate) fn info(&self) -> (BTreeMap<&'static str, SettingSource>, Vec<String>) {
        let Some(layers) = self.layers.get() else {
            return Default::default();
        };
        let layers = layers.lock().unwrap_or_else(PoisonError::into_inner);
        let values = layers.values.iter();
        let mut from: BTreeMap<_, _> = values
            .map(|(key, setting)| (key.name(), setting.source.clone()))
            .collect();
        let by_hand = layers.by_hand.iter().flat_map(|by_hand| &by_hand.keys);
        from.extend(by_hand.map(|key| (key.name(), SettingSource::ByHand)));
        let unfit = layers.unfit.iter();
        (from, unfit.map(ToString::to_string).collect())
    }
}

/// Returns what the sources give a breaker, without what it refuses.
fn offered(sources: &Sources, breaker: &CircuitBreaker, place: &Place) -> Values {
    let mut values = sources.values(breaker.name(), place);
    if breaker.core.overlay.is_fixed {
        // A section for all is not meant for it.
        values.clear();
    }
    values
}

/// Returns why settings do not fit a breaker. Looks at what was set by hand, too.
fn unfit(breaker: &CircuitBreaker, values: &Values) -> Vec<SettingsFault> {
    if values.is_empty() {
        return Vec::new();
    }
    let overlay = &breaker.core.overlay;
    let by_hand = overlay.layers.get().and_then(|_| {
        let layers = overlay.layers();
        let by_hand = layers.by_hand.as_ref();
        by_hand.map(|by_hand| (by_hand.policies.fresh(), by_hand.keys.clone()))
    });
    let mut values = values.clone();
    let base = match by_hand {
        Some((policies, keys)) => {
            values.retain(|key, _| !keys.contains(key));
            policies
        }
        None => overlay.layers().code(&breaker.core),
    };
    let faults = fit::check(breaker.name(), &values, &Base::of(&base));
    base.discard();
    faults
}

/// Returns what is wrong with new sources for a breaker that exists.
pub(super) fn check(
    sources: &Sources,
    breaker: &CircuitBreaker,
    place: &Place,
) -> Vec<SettingsFault> {
    let overlay = &breaker.core.overlay;
    if overlay.is_fixed {
        return fixed(sources, breaker, place);
    }
    let values = offered(sources, breaker, place);
    let is_known = overlay.layers.get().is_some() && {
        let layers = overlay.layers();
        layers.unfit.is_empty() && are_equal(&layers.values, &values)
    };
    if is_known {
        return Vec::new();
    }
    unfit(breaker, &values)
}

/// Refuses sections that name a breaker that takes none.
fn fixed(sources: &Sources, breaker: &CircuitBreaker, place: &Place) -> Vec<SettingsFault> {
    let named = sources.named(breaker.name(), place);
    let mut faults: Vec<SettingsFault> = Vec::new();
    for setting in named.values() {
        let place = setting.source.to_string();
        if faults.iter().all(|fault| fault.place != place) {
            faults.push(SettingsFault {
                place,
                key: None,
                column: None,
                breakers: vec![breaker.name().clone()],
                message: "the breaker takes no settings from outside: its code says \
                          `settings = fixed`; leave this out, or that"
                    .to_owned(),
            });
        }
    }
    faults
}

/// Puts in force what the present sources give a breaker. Returns whether that is other than
/// before. A breaker that they do not fit runs on its code's values, and reports it.
pub(crate) fn refresh(breaker: &CircuitBreaker, place: &Place) -> bool {
    let overlay = &breaker.core.overlay;
    let is_on_system_clock = breaker.core.clock().is_system();
    let mut is_changed = false;
    loop {
        let sources = store::with(is_on_system_clock, store::Store::sources);
        let seen = overlay.layers.get().map_or(0, |_| overlay.layers().version);
        if sources.version <= seen {
            return is_changed;
        }
        let offered = offered(&sources, breaker, place);
        if overlay.layers.get().is_none() && offered.is_empty() {
            return is_changed;
        }
        let faults = unfit(breaker, &offered);
        let mut values = offered;
        if !faults.is_empty() {
            // Whether calls get through at all is no matter of numbers.
            values.retain(|key, _| *key == Key::State);
        }
        let (wanted, state, number, is_news) = {
            let mut layers = overlay.layers();
            if layers.version != seen {
                continue;
            }
            layers.version = sources.version;
            let is_news = layers.unfit != faults && !faults.is_empty();
            layers.unfit.clone_from(&faults);
            if are_equal(&layers.values, &values) {
                drop(layers);
                if is_news {
                    diagnostics::settings_unfit(breaker.name(), &refused(faults).in_one_line());
                }
                continue;
            }
            is_changed = true;
            let is_same = are_same_policies(&layers.values, &values);
            layers.values = values;
            layers.decided += 1;
            let wanted = (!is_same).then(|| layers.wanted(&breaker.core));
            (wanted, state_of(&layers.values), layers.decided, is_news)
        };
        if is_news {
            diagnostics::settings_unfit(breaker.name(), &refused(faults).in_one_line());
        }
        if let Some(policies) = wanted {
            hand_over(breaker, policies, number);
        }
        let (state, by) = state;
        breaker.core.hold_by_settings(state, &by);
    }
}

fn refused(faults: Vec<SettingsFault>) -> SettingsError {
    let mut list = FaultList::default();
    list.extend(faults);
    list.finish().err().unwrap_or(SettingsError {
        faults: Vec::new(),
        more: 0,
    })
}

/// Returns the state that settings hold, and where it is from.
fn state_of(values: &Values) -> (Option<State>, Arc<str>) {
    match get(values, Key::State) {
        Some((setting, Value::State(state))) => {
            (Some(*state), format!("settings {}", setting.source).into())
        }
        _ => (None, "settings".into()),
    }
}

/// Gives policies to the engine, and those that are wanted by now if it was not the last to
/// decide.
fn hand_over(breaker: &CircuitBreaker, policies: Policies, number: u64) {
    let (mut policies, mut number) = (policies, number);
    loop {
        breaker.core.replace_policies(policies);
        let mut layers = breaker.core.overlay.layers();
        if layers.decided == number {
            return;
        }
        (policies, number) = (layers.wanted(&breaker.core), layers.decided);
    }
}

/// Forgets what was set by hand, for a test that begins or ends.
pub(crate) fn forget_by_hand(breaker: &CircuitBreaker) {
    let overlay = &breaker.core.overlay;
    let taken = overlay.layers.get().and_then(|_| {
        let mut layers = overlay.layers();
        let by_hand = layers.by_hand.take()?;
        layers.decided += 1;
        Some((by_hand, layers.wanted(&breaker.core), layers.decided))
    });
    // Dropped without the lock: that may run code of the user's.
    if let Some((by_hand, policies, number)) = taken {
        hand_over(breaker, policies, number);
        by_hand.policies.discard();
    }
}

/// Sets a breaker by hand.
pub(super) fn reconfigure(
    breaker: &CircuitBreaker,
    change: impl FnOnce(Changes) -> Changes,
) -> Result<(), SettingsError> {
    let overlay = &breaker.core.overlay;
    let fault = |message: String| SettingsFault {
        place: SettingSource::ByHand.to_string(),
        key: None,
        column: None,
        breakers: vec![breaker.name().clone()],
        message,
    };
    if overlay.is_fixed {
        let message =
            "the breaker takes no settings from outside: its code says `settings = fixed`";
        return Err(refused(vec![fault(message.to_owned())]));
    }
    let code = overlay.layers().code(&breaker.core);
    let Changes { policies, keys } = change(Changes::new(code));
    let trial = overlay.layers().above(policies.fresh(), &keys);
    // Policies of the user's are asked without the lock.
    let faults: Vec<_> = trial
        .check()
        .into_iter()
        .flat_map(|(_, faults)| faults)
        .map(|found| fault(found.to_string()))
        .collect();
    trial.discard();
    if !faults.is_empty() {
        policies.discard();
        return Err(refused(faults));
    }
    let (before, wanted, number) = {
        let mut layers = overlay.layers();
        let before = if keys.is_empty() {
            layers.by_hand.take()
        } else {
            layers.by_hand.replace(ByHand { policies, keys })
        };
        layers.decided += 1;
        (before, layers.wanted(&breaker.core), layers.decided)
    };
    hand_over(breaker, wanted, number);
    if let Some(before) = before {
        before.policies.discard();
    }
    Ok(())
}

/// What settings make of a breaker that is being built.
pub(crate) struct Built {
    pub(crate) overlay: Overlay,
    /// The state that settings hold.
    pub(crate) state: Option<State>,
    /// Why the settings are not in force, if they do not fit.
    pub(crate) unfit: Option<SettingsError>,
}

/// Puts what the present sources give a breaker above the policies that it is about to be
/// built with.
pub(crate) fn build(
    name: &Name,
    place: &Place,
    is_fixed: bool,
    is_on_system_clock: bool,
    policies: &mut Policies,
) -> Built {
    let overlay = Overlay::new(is_fixed);
    let sources = store::with(is_on_system_clock, store::Store::sources);
    let mut values = if is_fixed {
        Values::new()
    } else {
        sources.values(name, place)
    };
    let nothing = Built {
        overlay,
        state: None,
        unfit: None,
    };
    if values.is_empty() {
        return nothing;
    }
    let faults = fit::check(name, &values, &Base::of(policies));
    if !faults.is_empty() {
        values.retain(|key, _| *key == Key::State);
    }
    let code = policies.fresh();
    set_all(policies, &values, &BTreeSet::new());
    let (state, _) = state_of(&values);
    let mut layers = nothing.overlay.layers();
    layers.version = sources.version;
    layers.values = values;
    layers.unfit.clone_from(&faults);
    layers.code = Some(code);
    drop(layers);
    Built {
        state,
        unfit: (!faults.is_empty()).then(|| refused(faults)),
        ..nothing
    }
}
