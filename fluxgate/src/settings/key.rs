//! What can be set, and how each value is read.

use std::{fmt, sync::Arc, time::Duration};

use crate::{
    OnCancel, SlowProbes, State,
    grammar::{
        error::{LocatedFault, read_located},
        policy::{
            self, Argument, CountLimits, ParsedWindow, PolicyCall, Time, TripperFormula,
            WholeNumber, policy,
        },
        tokens::{
            Cursor,
            errors::{ErrorList, Reported},
        },
    },
    permit::AnyPermit,
    retry::AnyRetry,
    throttle::Adaptive,
    tripper::Rule,
    util::duration::Literal,
    window::AnyWindow,
};

/// A setting that settings from outside may give a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Key {
    Window,
    Tripper,
    Retry,
    Permit,
    MaxHalfOpenCalls,
    CloseAfter,
    ReopenAfter,
    ProbeLease,
    OnCancel,
    SlowProbes,
    Throttle,
    Durations,
    FlightRecorder,
    State,
}

impl Key {
    pub(crate) const ALL: [Self; 14] = [
        Self::Window,
        Self::Tripper,
        Self::Retry,
        Self::Permit,
        Self::MaxHalfOpenCalls,
        Self::CloseAfter,
        Self::ReopenAfter,
        Self::ProbeLease,
        Self::OnCancel,
        Self::SlowProbes,
        Self::Throttle,
        Self::Durations,
        Self::FlightRecorder,
        Self::State,
    ];

    /// Returns the name, which but for `state` is the attribute's.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Window => "window",
            Self::Tripper => "tripper",
            Self::Retry => "retry",
            Self::Permit => "permit",
            Self::MaxHalfOpenCalls => "max_half_open_calls",
            Self::CloseAfter => "close_after",
            Self::ReopenAfter => "reopen_after",
            Self::ProbeLease => "probe_lease",
            Self::OnCancel => "on_cancel",
            Self::SlowProbes => "slow_probes",
            Self::Throttle => "throttle",
            Self::Durations => "durations",
            Self::FlightRecorder => "flight_recorder",
            Self::State => "state",
        }
    }

    pub(crate) fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.name() == name)
    }

    /// Reads a value in the attribute's grammar.
    pub(super) fn read(self, text: &str) -> Result<Value, Vec<LocatedFault>> {
        let count = |limits| {
            self.whole(text, |argument, errors| {
                Ok(WholeNumber::read(&argument, limits, errors)?.get())
            })
        };
        match self {
            Self::Window => read(text, policy::read_window).map(Value::Window),
            Self::Tripper => {
                read(text, policy::read_tripper).map(|rule| Value::Tripper(Arc::new(rule)))
            }
            Self::Retry => read(text, policy::read_retry).map(Value::Retry),
            Self::Permit => read(text, policy::read_permit).map(Value::Permit),
            Self::MaxHalfOpenCalls => count(CountLimits::Calls32).map(Value::Count),
            Self::CloseAfter => count(CountLimits::Calls).map(Value::Count),
            Self::FlightRecorder => count(CountLimits::Transitions).map(Value::Count),
            Self::ReopenAfter if is_off(text) => Ok(Value::ReopenAfter(None)),
            Self::ReopenAfter => count(CountLimits::Calls).map(|n| Value::ReopenAfter(Some(n))),
            Self::ProbeLease => self
                .whole(text, |argument, errors| {
                    Ok(Time::read(argument, errors)?.get())
                })
                .map(Value::Time),
            Self::OnCancel => read(text, policy::read_on_cancel).map(Value::OnCancel),
            Self::SlowProbes => read(text, policy::read_slow_probes).map(Value::SlowProbes),
            Self::Throttle if is_off(text) => Ok(Value::Throttle(None)),
            Self::Throttle => read(text, policy::read_throttle).map(|it| Value::Throttle(Some(it))),
            Self::Durations => match text.trim() {
                "true" => Ok(Value::Flag(true)),
                "false" => Ok(Value::Flag(false)),
                _ => Err(unlocated("`durations` must be `true` or `false`")),
            },
            Self::State => state(text).map(Value::State),
        }
    }

    /// Reads a text that is one number.
    fn whole<T>(
        self,
        text: &str,
        number: impl FnOnce(Argument<'_>, &ErrorList) -> Result<T, Reported>,
    ) -> Result<T, Vec<LocatedFault>> {
        read(text, |cursor, errors| {
            let value = cursor.expression();
            let argument = Argument {
                place: value.whole(),
                cursor: value,
                what: self.name().to_owned(),
            };
            number(argument, errors)
        })
    }
}

fn read<T>(
    text: &str,
    read: impl FnOnce(&mut Cursor<'_>, &ErrorList) -> Result<T, Reported>,
) -> Result<T, Vec<LocatedFault>> {
    read_located(text, read, |_, _| {})
}

fn unlocated(message: impl Into<String>) -> Vec<LocatedFault> {
    vec![LocatedFault {
        column: None,
        message: message.into(),
    }]
}

/// Returns whether a setting that the code may leave out is switched off.
fn is_off(text: &str) -> bool {
    text.trim() == "off"
}

/// The states that last, by the names that the attribute and the environment have.
const STATES: [&str; 4] = ["closed", "metrics_only", "disabled", "forced_open"];

fn state(text: &str) -> Result<State, Vec<LocatedFault>> {
    let by_the_environment = crate::info::kill_switch::parse(text);
    if let Some(state) = by_the_environment {
        return Ok(state);
    }
    read(text, |cursor, errors| {
        let call = policy(cursor, "state", &STATES, errors)?;
        let found = match call.name.as_str() {
            "Closed" => State::Closed,
            "MetricsOnly" => State::MetricsOnly,
            "Disabled" => State::Disabled,
            "ForcedOpen" => State::ForcedOpen,
            "Open" | "open" | "HalfOpen" | "half_open" => return Err(passing(&call, errors)),
            _ => return Err(call.unknown("state", &STATES, "", errors)),
        };
        call.no_arguments(errors)?;
        Ok(found)
    })
}

fn passing(call: &PolicyCall<'_>, errors: &ErrorList) -> Reported {
    errors.at(
        &call.name_place,
        format!(
            "a breaker leaves `{}` by itself; a state that lasts is `closed`, `metrics_only`, \
             `disabled` or `forced_open`",
            call.name
        ),
    )
}

/// A value as it was read.
#[derive(Clone)]
pub(crate) enum Value {
    Window(ParsedWindow),
    Tripper(Arc<TripperFormula>),
    Retry(AnyRetry),
    Permit(AnyPermit),
    Count(u64),
    ReopenAfter(Option<u64>),
    Time(Duration),
    OnCancel(OnCancel),
    SlowProbes(SlowProbes),
    Throttle(Option<Adaptive>),
    Flag(bool),
    State(State),
}

/// Writes the value as the attribute reads it.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Window(window) => AnyWindow::from(*window).fmt(f),
            Self::Tripper(rule) => Rule::from(&**rule).fmt(f),
            Self::Retry(retry) => retry.fmt(f),
            Self::Permit(permit) => permit.fmt(f),
            Self::Count(count) | Self::ReopenAfter(Some(count)) => count.fmt(f),
            Self::ReopenAfter(None) | Self::Throttle(None) => f.write_str("off"),
            Self::Time(duration) => Literal(*duration).fmt(f),
            Self::OnCancel(on_cancel) => on_cancel.fmt(f),
            Self::SlowProbes(slow_probes) => slow_probes.fmt(f),
            Self::Throttle(Some(throttle)) => throttle.fmt(f),
            Self::Flag(flag) => flag.fmt(f),
            Self::State(state) => state.fmt(f),
        }
    }
}
