//! What the messages say.

use std::{borrow::Cow, collections::HashMap};

use crate::State;

/// The texts and the colour of one message.
///
/// In title and description `{name}`, `{old_state}`, `{new_state}` and
/// `{reason}` stand for the breaker's name, the states, and why it opened (empty
/// for other transitions). The rest is Slack's `mrkdwn`, used as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    pub(super) title: Cow<'static, str>,
    pub(super) color: Cow<'static, str>,
    pub(super) description: Cow<'static, str>,
}

impl Template {
    /// Creates a template. `color` is written `#RRGGBB`.
    pub fn new(
        title: impl Into<Cow<'static, str>>,
        color: impl Into<Cow<'static, str>>,
        description: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            title: title.into(),
            color: color.into(),
            description: description.into(),
        }
    }
}

/// The headings of a message's fields.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Labels {
    /// Over the breaker's name.
    pub circuit_breaker: Cow<'static, str>,
    /// Over the states.
    pub state_transition: Cow<'static, str>,
    /// Over the time.
    pub transition_time: Cow<'static, str>,
    /// Over the template's description.
    pub description: Cow<'static, str>,
    /// Over why it opened.
    pub reason: Cow<'static, str>,
    /// Over the last failure, if the flight recorder keeps what failures say.
    pub last_failure: Cow<'static, str>,
    /// Over who gave the command.
    pub by: Cow<'static, str>,
    /// Over when the first probe may run.
    pub next_attempt: Cow<'static, str>,
    /// Over the number of transitions that had no message before this one because the
    /// queue was full; `{missed}` stands for the number.
    pub missed: Cow<'static, str>,
    /// Under the description when a breaker closed that shares its name with
    /// others which are still open.
    pub others_open: Cow<'static, str>,
}

impl Default for Labels {
    fn default() -> Self {
        Self {
            circuit_breaker: "Circuit Breaker".into(),
            state_transition: "State Transition".into(),
            transition_time: "Transition Time".into(),
            description: "Description".into(),
            reason: "Reason".into(),
            last_failure: "Last Failure".into(),
            by: "By".into(),
            next_attempt: "Next Attempt".into(),
            missed: "{missed} transitions before this one are not shown".into(),
            others_open: "Other circuit breakers of this name are still open".into(),
        }
    }
}

/// The templates of a [`SlackListener`](super::SlackListener), by transition.
///
/// ```
/// use fluxgate::{State, listener::{SlackTemplate, SlackTemplates}};
///
/// let templates = SlackTemplates::default()
///     .transition(
///         State::Closed,
///         State::Open,
///         SlackTemplate::new("🚨 {name} is down", "#FF4C4C", "See the runbook."),
///     )
///     .fallback(SlackTemplate::new("{name} changed", "#808080", ""));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Templates {
    table: HashMap<(State, State), Template>,
    fallback: Template,
    pub(super) labels: Labels,
}

impl Templates {
    /// Creates templates that use `fallback` for every transition.
    #[must_use]
    pub fn new(fallback: Template) -> Self {
        Self {
            table: HashMap::new(),
            fallback,
            labels: Labels::default(),
        }
    }

    /// Sets the template of one transition.
    #[must_use]
    pub fn transition(mut self, old: State, new: State, template: Template) -> Self {
        self.table.insert((old, new), template);
        self
    }

    /// Sets the template of the transitions that have none of their own.
    #[must_use]
    pub fn fallback(mut self, template: Template) -> Self {
        self.fallback = template;
        self
    }

    /// Sets the headings of the fields.
    #[must_use]
    pub fn labels(mut self, labels: Labels) -> Self {
        self.labels = labels;
        self
    }

    pub(super) fn of(&self, old: State, new: State) -> &Template {
        self.table.get(&(old, new)).unwrap_or(&self.fallback)
    }
}

impl Default for Templates {
    /// Returns the texts and colours of the original tool.
    fn default() -> Self {
        Self::new(Template::new(
            "ℹ️ Circuit Breaker State Changed",
            "#808080",
            "Circuit breaker state has been changed.",
        ))
        .transition(
            State::Closed,
            State::Open,
            Template::new(
                "🚨 Circuit Breaker Triggered",
                "#FF4C4C",
                "The request failure rate exceeded the threshold.",
            ),
        )
        .transition(
            State::Open,
            State::HalfOpen,
            Template::new(
                "🔄 Attempting Circuit Breaker Recovery",
                "#FFA500",
                "Testing service status with partial requests.",
            ),
        )
        .transition(
            State::HalfOpen,
            State::Open,
            Template::new(
                "⚠️ Circuit Breaker Re-triggered",
                "#FF4C4C",
                "Test request failed, reverting to open state.",
            ),
        )
        .transition(
            State::HalfOpen,
            State::Closed,
            Template::new(
                "✅ Circuit Breaker Recovered",
                "#36a64f",
                "Test request succeeded, service is now healthy.",
            ),
        )
    }
}
