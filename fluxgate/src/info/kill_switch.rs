//! The kill switch: an operator sets a breaker's state from the environment.

use std::{
    collections::BTreeSet,
    ffi::{OsStr, OsString},
    fmt,
    sync::{Mutex, PoisonError},
};

use crate::{Command, Fault, State, diagnostics};

/// A state commanded by an environment variable, in [`Info`](crate::Info).
///
/// When a breaker is built it reads `FLUXGATE_<NAME>`, its name in upper case
/// with `_` for everything that is neither an ASCII letter nor a digit, and if
/// that says nothing, `FLUXGATE_ALL`. The values are `disabled`, `metrics_only`,
/// `forced_open` and `closed`, or the commands that lead there, `disable`,
/// `force_open` and `reset`: the breaker starts as if the command had been
/// given once it was built, listeners are told, and later commands hold as
/// always. `closed` is the usual start; it exempts one breaker from
/// `FLUXGATE_ALL`. Any other value is reported and ignored.
///
/// `payments::charge` reads `FLUXGATE_PAYMENTS__CHARGE`;
/// [`Info::variable`](crate::Info::variable) tells the name for every breaker. A
/// variable that fits no breaker is reported by
/// [`registry::all`](crate::registry::all).
///
/// Under the guards of [`testing`](crate::testing) the variables have no effect. When
/// `testing::freeze` ends, they are in force again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct KillSwitch {
    /// The environment variable.
    pub variable: String,
    /// The state that the variable commands.
    pub state: State,
}

/// The environment variable of one breaker, in [`Info`](crate::Info); see
/// [`KillSwitch`] for what it may say.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value when the breaker was built, at most 100 characters of it;
    /// `None` if it was not set.
    pub value: Option<String>,
}

/// What a breaker found in the environment when it was built.
#[derive(Default)]
pub(crate) struct Environment {
    /// The value of the breaker's own variable.
    value: Option<String>,
    pub(crate) switch: Option<KillSwitch>,
    /// The variables that say nothing sensible.
    pub(crate) bad: Vec<BadValue>,
}

/// The variable for all breakers.
const ALL: &str = "FLUXGATE_ALL";
/// How every variable begins.
const PREFIX: &str = "FLUXGATE_";
/// How many characters of a foreign text are kept or shown.
const SHOWN: usize = 100;

/// A variable whose value is none of those allowed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadValue {
    variable: String,
    value: OsString,
}

impl fmt::Display for BadValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { variable, value } = self;
        write!(
            f,
            "`{variable}` is {:?}, but may only be `disabled`, `metrics_only`, `forced_open` or `closed`; it is ignored",
            shown(value)
        )
    }
}

impl Environment {
    /// Reads what the environment says to the breaker of this name.
    pub(crate) fn read(name: &str, lookup: impl Fn(&str) -> Option<OsString>) -> Self {
        let mut found = Self::default();
        for variable in [variable(name), ALL.into()] {
            let Some(value) = lookup(&variable) else {
                continue;
            };
            if variable != ALL {
                found.value = Some(shown(&value));
            }
            if value.is_empty() {
                continue;
            }
            if let Some(state) = value.to_str().and_then(parse) {
                found.switch = Some(KillSwitch { variable, state });
                break;
            }
            found.bad.push(BadValue { variable, value });
        }
        found
    }

    /// Returns the variable of the breaker of this name, with its value.
    pub(crate) fn variable(this: Option<&Self>, name: &str) -> Variable {
        Variable {
            name: variable(name),
            value: this.and_then(|this| this.value.clone()),
        }
    }

    /// Returns whether there is nothing to keep.
    pub(crate) fn is_empty(&self) -> bool {
        self.value.is_none() && self.switch.is_none()
    }
}

/// Returns the beginning of a text that may be long or no text at all.
fn shown(value: &OsStr) -> String {
    value.to_string_lossy().chars().take(SHOWN).collect()
}

/// Returns the state that lasts of this name, or to which the command of this name leads.
pub(crate) fn parse(value: &str) -> Option<State> {
    let command: Command = value.trim().to_ascii_lowercase().parse().ok()?;
    command.lasts().then(|| command.state())
}

/// Returns the name of a breaker's variable.
fn variable(name: &str) -> String {
    format!("{PREFIX}{}", upper_case(name))
}

/// Says why a breaker must not have this name, if so: its variable would be one that is not
/// its own.
pub(crate) fn reserved(name: &str) -> Option<Fault> {
    if name.eq_ignore_ascii_case("all") {
        return Some(Fault::new(format!(
            "the name `{name}` is reserved: the section `[all]` of settings, and the environment \
             variable `{ALL}`, are for every breaker; give this one another name"
        )));
    }
    let first = name.chars().next()?;
    (!first.is_ascii_alphanumeric()).then(|| {
        Fault::new(format!(
            "the name `{}` must begin with an ASCII letter or digit: its environment variable \
             would begin with `{PREFIX}_`, as those of fluxgate itself do",
            shown(name.as_ref())
        ))
    })
}

/// Returns a name as it stands in variables.
pub(crate) fn upper_case(name: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_uppercase()
        } else {
            '_'
        }
    };
    name.chars().map(plain).collect()
}

/// Reports the variables that fit none of these breakers, each once.
pub(crate) fn report_strays<'a>(names: &(impl Iterator<Item = &'a str> + Clone)) {
    /// The variables that fit a breaker or were reported. Bounded: what is
    /// beyond is not looked at.
    static SEEN: Mutex<BTreeSet<OsString>> = Mutex::new(BTreeSet::new());
    const MOST: usize = 1000;

    let mut new = Vec::new();
    for (name, value) in std::env::vars_os() {
        if value.is_empty() || !is_ours(&name) {
            continue;
        }
        let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() < MOST && seen.insert(name.clone()) {
            new.push(name);
        }
    }
    for stray in strays(&new, names) {
        diagnostics::stray_variable(&stray);
    }
}

/// Returns whether a variable looks like one for a breaker. What begins with
/// `FLUXGATE__` is for the crate.
fn is_ours(variable: &OsStr) -> bool {
    let variable = variable.to_string_lossy();
    let is_prefix = |prefix: &str| {
        let start = variable.get(..prefix.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    is_prefix(PREFIX) && variable != ALL
}

/// A variable that fits no breaker.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stray {
    variable: String,
    /// The variable of a breaker that comes closest, if any comes close.
    nearest: Option<String>,
}

impl fmt::Display for Stray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = if cfg!(feature = "inventory") {
            "in this program"
        } else {
            "built so far (the feature `inventory` of fluxgate makes all known)"
        };
        write!(
            f,
            "the environment variable {:?} fits no circuit breaker {known}, and commands nothing",
            self.variable
        )?;
        match &self.nearest {
            Some(nearest) => write!(f, "; did you mean `{nearest}`?"),
            None => write!(
                f,
                "; a breaker's variable is `FLUXGATE_` and its name in upper case, with `_` for all but letters and digits: see `Info::variable`"
            ),
        }
    }
}

fn strays<'a>(
    variables: &[OsString],
    names: &(impl Iterator<Item = &'a str> + Clone),
) -> Vec<Stray> {
    let fits = |given: &str, name: &str| {
        // Breakers by key are built when their key is first asked for.
        let own = variable(name);
        match name.strip_suffix("/*").map(variable) {
            Some(set) => given.starts_with(&format!("{set}_")) || given == own,
            None => given == own,
        }
    };
    let mut found = Vec::new();
    for given in variables {
        let given = shown(given);
        let is_for_the_crate = given.starts_with("FLUXGATE__");
        // Names of variables are compared without their case there.
        let compared = if cfg!(windows) {
            given.to_ascii_uppercase()
        } else {
            given.clone()
        };
        let is_known = compared == ALL || names.clone().any(|name| fits(&compared, name));
        if is_known || is_for_the_crate {
            continue;
        }
        let wanted = given.to_ascii_uppercase();
        let close = |known: &String| distance(&wanted, known) <= wanted.len() / 5;
        let known = names.clone().take(SHOWN).map(variable);
        let nearest = known
            .chain([ALL.to_owned()])
            .filter(close)
            .min_by_key(|known| distance(&wanted, known));
        found.push(Stray {
            variable: given,
            nearest,
        });
    }
    found
}

/// Returns how many letters must be added, removed or replaced to get from one
/// text to the other.
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in to.bytes().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, variables: &[(&str, &str)]) -> (Option<(String, State)>, Vec<String>) {
        let Environment { switch, bad, .. } = Environment::read(name, |asked| {
            let found = variables.iter().find(|(variable, _)| *variable == asked);
            found.map(|(_, value)| value.into())
        });
        (
            switch.map(|switch| (switch.variable, switch.state)),
            bad.into_iter().map(|bad| bad.variable).collect(),
        )
    }

    #[test]
    fn variable_is_upper_case_with_underscores() {
        assert_eq!(variable("payment_api"), "FLUXGATE_PAYMENT_API");
        assert_eq!(variable("shop::pay-2.é"), "FLUXGATE_SHOP__PAY_2__");
        assert_eq!(variable(""), "FLUXGATE_");
    }

    #[test]
    fn four_values_command_and_own_variable_wins() {
        for state in [
            State::Disabled,
            State::MetricsOnly,
            State::ForcedOpen,
            State::Closed,
        ] {
            let found = read("api", &[("FLUXGATE_ALL", state.as_str())]);
            assert_eq!(found, (Some((ALL.into(), state)), vec![]));
        }
        let variables = [("FLUXGATE_ALL", "disabled"), ("FLUXGATE_API", " Closed ")];
        let own = (Some(("FLUXGATE_API".into(), State::Closed)), vec![]);
        assert_eq!(read("api", &variables), own);
        let all = (Some((ALL.into(), State::Disabled)), vec![]);
        assert_eq!(read("other", &variables), all);
    }

    #[test]
    fn a_bad_value_is_named_and_passed_over() {
        for bad in ["open", "half_open", "on", "1", "force-open"] {
            let variables = [("FLUXGATE_API", bad), ("FLUXGATE_ALL", "forced_open")];
            let (switch, reported) = read("api", &variables);
            assert_eq!(switch, Some((ALL.into(), State::ForcedOpen)));
            assert_eq!(reported, ["FLUXGATE_API"]);
        }
        assert_eq!(read("api", &[("FLUXGATE_API", "")]), (None, vec![]));
    }

    #[cfg(unix)]
    #[test]
    fn a_value_that_is_no_text_is_bad() {
        use std::os::unix::ffi::OsStringExt;

        let value = OsString::from_vec(vec![0xFF]);
        let Environment { switch, bad, .. } = Environment::read("api", |_| Some(value.clone()));
        assert_eq!(switch, None);
        assert_eq!(bad.len(), 2);
        assert!(bad[0].to_string().contains("`FLUXGATE_API`"), "{}", bad[0]);
    }

    #[test]
    fn commands_and_states_command_alike() {
        for command in Command::ALL {
            if !command.lasts() {
                continue;
            }
            for word in [command.as_str(), command.state().as_str()] {
                let found = read("api", &[("FLUXGATE_API", word)]);
                let switch = (String::from("FLUXGATE_API"), command.state());
                assert_eq!(found, (Some(switch), vec![]), "{word}");
            }
        }
    }

    #[test]
    fn own_variable_and_its_value_are_kept() {
        let long = "x".repeat(1000);
        let rows = [("disable", "disable"), ("", ""), (&*long, &long[..SHOWN])];
        for (value, kept) in rows {
            let found = Environment::read("a-b", |asked| {
                (asked == "FLUXGATE_A_B").then(|| value.into())
            });
            let variable = Environment::variable(Some(&found), "a-b");
            assert_eq!(variable.name, "FLUXGATE_A_B");
            assert_eq!(variable.value.as_deref(), Some(kept));
        }
        assert_eq!(Environment::variable(None, "a").value, None);
    }

    fn strays_of(variables: &[&str], names: &[&str]) -> Vec<(String, Option<String>)> {
        let variables: Vec<_> = variables.iter().map(OsString::from).collect();
        let variables: Vec<_> = variables.into_iter().filter(|name| is_ours(name)).collect();
        strays(&variables, &names.iter().copied())
            .into_iter()
            .map(|stray| (stray.variable, stray.nearest))
            .collect()
    }

    #[test]
    fn strays_are_what_fits_no_breaker() {
        let names = ["shop::quotes", "hosts/*", "hosts/a.example"];
        let fitting = [
            "FLUXGATE_SHOP__QUOTES",
            "FLUXGATE_HOSTS_A_EXAMPLE",
            "FLUXGATE_HOSTS_B_EXAMPLE",
            "FLUXGATE_HOSTS__",
            "FLUXGATE_ALL",
            "FLUXGATE__SETTINGS",
            "HOME",
            "FLUXGAT",
        ];
        assert_eq!(strays_of(&fitting, &names), []);
        let near = Some("FLUXGATE_SHOP__QUOTES".to_owned());
        for typo in ["FLUXGATE_SHOP__QOUTES", "FLUXGATE_SHOP_QUOTES"] {
            assert_eq!(strays_of(&[typo], &names), [(typo.into(), near.clone())]);
        }
        assert_eq!(
            strays_of(&["FLUXGATE_SEARCH"], &names),
            [("FLUXGATE_SEARCH".into(), None)]
        );
        assert_eq!(
            strays_of(&["FLUXGATE_ALLL"], &[]),
            [("FLUXGATE_ALLL".into(), Some(ALL.into()))]
        );
    }

    #[cfg(not(windows))]
    #[test]
    fn variable_in_lower_case_is_a_stray() {
        let near = Some("FLUXGATE_QUOTES".to_owned());
        assert_eq!(
            strays_of(&["fluxgate_quotes"], &["quotes"]),
            [("fluxgate_quotes".into(), near)]
        );
    }
}
