//! Rules in words, for the operators' page.

use super::{InFlight, Rule, rule::Node};
use crate::{State, info::reason::Percent};

impl Rule {
    /// Returns the rule as the condition of a sentence.
    pub(crate) fn words(&self) -> String {
        self.0.words()
    }
}

impl Node {
    fn words(&self) -> String {
        match self {
            Self::State(State::HalfOpen) => "the circuit is half-open".to_owned(),
            Self::State(_) => "the circuit is closed".to_owned(),
            Self::MinRequests(1) => "there is a call in the window".to_owned(),
            Self::MinRequests(count) => format!("there are at least {count} calls in the window"),
            Self::FailureRate(ratio) => format!("{} or more of the calls failed", Percent(*ratio)),
            Self::AvgLatency(threshold) => {
                format!("the calls took {threshold:?} or longer on average")
            }
            Self::SlowRate(ratio, slow) => {
                format!(
                    "{} or more of the calls took {slow:?} or longer",
                    Percent(*ratio)
                )
            }
            Self::FailureStreak(1) => "a call fails".to_owned(),
            Self::FailureStreak(count) => format!("{count} calls in a row failed"),
            Self::InFlight(rule) => {
                let InFlight { count, older_than } = **rule;
                format!("{count} or more calls have been running for {older_than:?} or longer")
            }
            Self::TooLarge { .. } => "a rule that is too large fires".to_owned(),
            Self::Custom(custom) => format!("the program's own rule {custom} fires"),
            Self::All(nodes) => {
                let part = |node: &Self| match node {
                    Self::Any(_) => format!("either {}", node.words()),
                    node => node.words(),
                };
                nodes.iter().map(part).collect::<Vec<_>>().join(", and ")
            }
            Self::Any(nodes) => {
                let parts: Vec<_> = nodes.iter().map(Self::words).collect();
                parts.join(", or ")
            }
        }
    }
}
