//! The kill switch: an operator sets a breaker's state from the environment.

use std::{ffi::OsString, fmt};

use crate::State;

/// A state commanded by an environment variable, in [`Info`](crate::Info).
///
/// When a breaker is built it reads `FLUXGATE_<NAME>`, its name in upper case
/// with `_` for everything that is neither an ASCII letter nor a digit, and if
/// that says nothing, `FLUXGATE_ALL`. The values are `disabled`, `metrics_only`,
/// `forced_open` and `closed`: the breaker starts as if the command had been
/// given once it was built, listeners are told, and later commands hold as
/// always. `closed` is the usual start; it exempts one breaker from
/// `FLUXGATE_ALL`. Any other value is reported and ignored.
///
/// `payments::charge` reads `FLUXGATE_PAYMENTS__CHARGE`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KillSwitch {
    /// The variable.
    pub variable: String,
    /// The state it commands.
    pub state: State,
}

/// The variable for all breakers.
const ALL: &str = "FLUXGATE_ALL";

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
            "`{variable}` is {value:?}, but may only be `disabled`, `metrics_only`, `forced_open` or `closed`; it is ignored"
        )
    }
}

impl KillSwitch {
    /// What the environment says to the breaker of this name, and which of its
    /// variables say nothing sensible.
    pub(crate) fn read(
        name: &str,
        lookup: impl Fn(&str) -> Option<OsString>,
    ) -> (Option<Self>, Vec<BadValue>) {
        let mut bad = Vec::new();
        for variable in [variable(name), ALL.into()] {
            let Some(value) = lookup(&variable).filter(|value| !value.is_empty()) else {
                continue;
            };
            match value.to_str().and_then(parse) {
                Some(state) => return (Some(Self { variable, state }), bad),
                None => bad.push(BadValue { variable, value }),
            }
        }
        (None, bad)
    }
}

fn parse(value: &str) -> Option<State> {
    let state = value.trim().to_ascii_lowercase().parse().ok()?;
    let is_command = !matches!(state, State::Open | State::HalfOpen);
    is_command.then_some(state)
}

fn variable(name: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_uppercase()
        } else {
            '_'
        }
    };
    format!("FLUXGATE_{}", name.chars().map(plain).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, variables: &[(&str, &str)]) -> (Option<(String, State)>, Vec<String>) {
        let (switch, bad) = KillSwitch::read(name, |asked| {
            let found = variables.iter().find(|(variable, _)| *variable == asked);
            found.map(|(_, value)| value.into())
        });
        (
            switch.map(|switch| (switch.variable, switch.state)),
            bad.into_iter().map(|bad| bad.variable).collect(),
        )
    }

    #[test]
    fn a_variable_is_the_name_in_upper_case_and_underscores() {
        assert_eq!(variable("payment_api"), "FLUXGATE_PAYMENT_API");
        assert_eq!(variable("shop::pay-2.é"), "FLUXGATE_SHOP__PAY_2__");
        assert_eq!(variable(""), "FLUXGATE_");
    }

    #[test]
    fn the_four_values_command_and_the_own_variable_goes_first() {
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
        for bad in ["open", "half_open", "on", "1"] {
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
        let (switch, bad) = KillSwitch::read("api", |_| Some(value.clone()));
        assert_eq!(switch, None);
        assert_eq!(bad.len(), 2);
        assert!(bad[0].to_string().contains("`FLUXGATE_API`"), "{}", bad[0]);
    }
}
