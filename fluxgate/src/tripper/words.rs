//! Rules in words, for the operators' page.

use super::{InFlight, Rule, rule::Node};
use crate::{State, info::reason::Percent, util::duration::Words};

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
                format!("the calls took {} or longer on average", Words(*threshold))
            }
            Self::SlowRate(ratio, slow) => {
                let (ratio, slow) = (Percent(*ratio), Words(*slow));
                format!("{ratio} or more of the calls took {slow} or longer")
            }
            Self::FailureStreak(1) => "a call failed".to_owned(),
            Self::FailureStreak(count) => format!("{count} calls in a row failed"),
            Self::InFlight(rule) => {
                let InFlight { count, older_than } = **rule;
                let older_than = Words(older_than);
                if count == 1 {
                    format!("a call has been running for {older_than} or longer")
                } else {
                    format!("{count} or more calls have been running for {older_than} or longer")
                }
            }
            Self::Custom(custom) => format!("the program's own rule {} fires", custom.name()),
            Self::All(nodes) => {
                let part = |node: &Self| match node {
                    Self::Any(_) => node.either(),
                    node => node.words(),
                };
                listed(nodes.iter().map(part).collect(), "and")
            }
            Self::Any(nodes) => {
                let parts: Vec<_> = nodes.iter().map(Self::words).collect();
                if nodes.iter().any(|node| matches!(node, Self::All(_))) {
                    // Stronger than the commas and the "and" of an alternative.
                    parts.join("; or ")
                } else {
                    listed(parts, "or")
                }
            }
        }
    }

    /// Returns alternatives as a part of a longer condition.
    fn either(&self) -> String {
        let Self::Any(nodes) = self else {
            return self.words();
        };
        let part = |node: &Self| match node {
            Self::All(_) => format!("({})", node.words()),
            node => node.words(),
        };
        format!("either {}", listed(nodes.iter().map(part).collect(), "or"))
    }
}

/// Returns the parts as a list of a sentence.
fn listed(mut parts: Vec<String>, word: &str) -> String {
    match (parts.pop(), parts.len()) {
        (None, _) => String::new(),
        (Some(last), 0) => last,
        (Some(last), 1) => format!("{} {word} {last}", parts[0]),
        (Some(last), _) => format!("{}, {word} {last}", parts.join(", ")),
    }
}

#[cfg(all(test, not(fluxgate_loom)))]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::tripper::{AvgLatency, Closed, FailureRate, FailureStreak, MinRequests, SlowRate};

    fn words(rule: impl Into<Rule>) -> String {
        rule.into().words()
    }

    #[test]
    fn mixed_rule_reads_in_one_way() {
        let many = || MinRequests::new(20) & FailureRate::new(0.5);
        let slow = || SlowRate::new(0.3, Duration::from_millis(1500));
        assert_eq!(
            words(many()),
            "there are at least 20 calls in the window and 50 % or more of the calls failed"
        );
        assert_eq!(
            words(FailureStreak::new(5) | many()),
            "5 calls in a row failed; or there are at least 20 calls in the window and 50 % or \
             more of the calls failed"
        );
        assert_eq!(
            words(MinRequests::new(20) & (FailureRate::new(0.5) | slow())),
            "there are at least 20 calls in the window and either 50 % or more of the calls \
             failed or 30 % or more of the calls took 1.5 s or longer"
        );
        assert_eq!(
            words(FailureStreak::new(1) | FailureRate::new(0.5) | slow()),
            "a call failed, 50 % or more of the calls failed, or 30 % or more of the calls took \
             1.5 s or longer"
        );
        let latency = || AvgLatency::new(Duration::from_secs(120));
        assert_eq!(
            words(Closed & (FailureStreak::new(2) | MinRequests::new(1) & latency())),
            "the circuit is closed and either 2 calls in a row failed or (there is a call in the \
             window and the calls took 2 min or longer on average)"
        );
    }
}
