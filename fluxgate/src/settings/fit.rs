//! Whether settings fit a breaker: what the attribute refuses of a rule and a window
//! together, when they come together here.

use super::{
    fault::SettingsFault,
    key::{Key, Value},
    section::{Setting, Values, get},
};
use crate::{
    Name, SlowProbes,
    engine::policies::Policies,
    grammar::{
        analysis::{self, Facts, Size},
        error::{LocatedFault, located},
        policy::{Formula, Leaf, OwnRule, ParsedRule, TripperFormula, read_leaf},
        tokens::{Location, errors::ErrorList},
    },
    tripper::Rule,
};

/// What a breaker has without the settings that are to be checked.
pub(super) struct Base<'a> {
    pub(super) rule: &'a Rule,
    /// How many calls its window holds, if a number of calls bounds it.
    pub(super) window: Option<u64>,
    /// Whether its window is the user's own.
    pub(super) has_own_window: bool,
    pub(super) close_after: u64,
    pub(super) reopen_after: Option<u64>,
    pub(super) slow_probes: SlowProbes,
}

impl<'a> Base<'a> {
    pub(super) fn of(policies: &'a Policies) -> Self {
        Self {
            rule: &policies.tripper,
            window: policies.window.size(),
            has_own_window: policies.window.is_own(),
            close_after: policies.close_after,
            reopen_after: policies.reopen_after,
            slow_probes: policies.slow_probes,
        }
    }
}

/// The keys that a rule as a whole is about.
const OF_THE_RULE: [Key; 4] = [Key::Tripper, Key::Window, Key::CloseAfter, Key::ReopenAfter];

/// Returns why settings do not fit a breaker.
pub(super) fn check(name: &Name, values: &Values, base: &Base<'_>) -> Vec<SettingsFault> {
    let mut faults = Vec::new();
    slow_probes(name, values, base, &mut faults);
    if OF_THE_RULE.iter().any(|key| values.contains_key(key)) {
        rule(name, values, base, &mut faults);
    }
    faults
}

fn of(setting: &Setting, breaker: &Name, message: impl Into<String>) -> SettingsFault {
    let fault = LocatedFault {
        column: None,
        message: message.into(),
    };
    setting.fault(fault, Some(breaker))
}

/// Refuses `slow_probes = Fail` under a rule that says of no call that it is slow.
fn slow_probes(name: &Name, values: &Values, base: &Base<'_>, faults: &mut Vec<SettingsFault>) {
    let by_settings = get(values, Key::SlowProbes);
    let fails = match by_settings {
        Some((_, Value::SlowProbes(given))) => *given == SlowProbes::Fail,
        _ => base.slow_probes == SlowProbes::Fail,
    };
    if !fails {
        return;
    }
    let given = get(values, Key::Tripper);
    let needs = match given {
        Some((_, Value::Tripper(rule))) => Rule::from(&**rule).needs(),
        _ => base.rule.needs(),
    };
    let blamed = by_settings.or(given);
    if let (true, Some((setting, _))) = (needs.slow.is_empty(), blamed) {
        faults.push(of(
            setting,
            name,
            "`slow_probes = Fail` is about probes that take the threshold of a `SlowRate`, and \
             the rule has none; add one, as in \
             `MinRequests(20) & (FailureRate(0.5) | SlowRate(0.3, threshold = 1s))`, or leave \
             `slow_probes` out",
        ));
    }
}

/// Looks at the rule beside the window, and at both beside the numbers of probes.
fn rule(name: &Name, values: &Values, base: &Base<'_>, faults: &mut Vec<SettingsFault>) {
    let window = match get(values, Key::Window) {
        Some((_, Value::Window(window))) => Size::from(Some(*window)),
        _ => size(base),
    };
    let close_after = match get(values, Key::CloseAfter) {
        Some((_, Value::Count(count))) => *count,
        _ => base.close_after,
    };
    let reopen_after = match get(values, Key::ReopenAfter) {
        Some((_, Value::ReopenAfter(count))) => *count,
        _ => base.reopen_after,
    };
    let facts = |tripper| Facts {
        window,
        tripper,
        close_after: Some(close_after),
        reopen_after,
    };
    if let Some((setting, Value::Tripper(tripper))) = get(values, Key::Tripper) {
        let errors = ErrorList::default();
        analysis::check(&facts(tripper), &errors);
        if let Err(found) = located(&setting.written, errors, Ok(())) {
            let of_breaker = |fault| setting.fault(fault, Some(name));
            faults.extend(found.into_iter().map(of_breaker));
        }
        return;
    }
    let tripper = formula(base.rule);
    let found = messages(&facts(&tripper));
    if found.is_empty() {
        return;
    }
    // What is wrong with the code alone is not the settings' fault.
    let without = messages(&Facts {
        window: size(base),
        tripper: &tripper,
        close_after: Some(base.close_after),
        reopen_after: base.reopen_after,
    });
    let blamed = OF_THE_RULE.iter().find_map(|key| values.get(key));
    let Some(setting) = blamed else { return };
    for message in found.into_iter().filter(|it| !without.contains(it)) {
        let rule = base.rule;
        faults.push(of(
            setting,
            name,
            format!("the rule is the code's, `{rule}`: {message}"),
        ));
    }
}

fn size(base: &Base<'_>) -> Size {
    match base.window {
        Some(size) => Size::Calls {
            size,
            default: false,
        },
        None if base.has_own_window => Size::Unknown,
        None => Size::Unbounded,
    }
}

fn messages(facts: &Facts<'_>) -> Vec<String> {
    let errors = ErrorList::default();
    analysis::check(facts, &errors);
    match errors.finish(Ok(())) {
        Ok(()) => Vec::new(),
        Err(found) => found.into_iter().map(|(_, message)| message).collect(),
    }
}

/// Returns a rule of the code as the analysis takes it.
fn formula(rule: &Rule) -> TripperFormula {
    let mut leaf = |text: String| {
        Formula::Leaf(read(&text).unwrap_or_else(|| Leaf {
            ident: "Custom".to_owned(),
            place: NOWHERE,
            rule: ParsedRule::Custom(OwnRule(text)),
        }))
    };
    rule.fold(&mut leaf, Formula::All, Formula::Any)
}

const NOWHERE: Location = Location { from: 0, to: 0 };

/// Reads a leaf as it displays itself; `None` if it is the user's own.
fn read(text: &str) -> Option<Leaf> {
    crate::grammar::error::read_located(text, read_leaf, |_, _| {}).ok()
}
