//! What people write who know another circuit breaker, and how the same is said
//! here.

mod names;
mod policies;

use names::NAMES;
use policies::{OTHER_POLICIES, POLICIES};

/// Says what to write for a name that is no setting: after `unknown key …`.
pub(crate) fn setting(name: &str) -> Option<String> {
    let policy = POLICIES
        .iter()
        .find(|(policy, ..)| snake_case(policy) == snake_case(name));
    let snake = snake_case(name);
    if let Some((policy, key, example)) = policy {
        // The original and others have settings of such names.
        let is_written_as_policy = *policy == name;
        let row = NAMES.iter().find(|(names, _)| has(names, &snake));
        if let (Some((_, advice)), false) = (row, is_written_as_policy) {
            return Some((*advice).to_owned());
        }
        return Some(format!(
            "it is a value of `{key}`: write `{key} = {example}`"
        ));
    }
    let (_, advice) = NAMES.iter().find(|(names, _)| has(names, &snake))?;
    Some((*advice).to_owned())
}

/// Says what to write for a name that is no policy of this kind: after `unknown … …`.
pub(crate) fn policy(kind: &str, name: &str) -> Option<String> {
    let snake = snake_case(name);
    let own = OTHER_POLICIES
        .iter()
        .find(|(key, names, _)| *key == kind && has(names, &snake));
    if let Some((_, _, advice)) = own {
        return Some((*advice).to_owned());
    }
    let (policy, key, example) = POLICIES
        .iter()
        .find(|(policy, ..)| snake_case(policy) == snake)?;
    if *key == kind {
        return None;
    }
    Some(format!(
        "`{policy}` is a value of `{key}`: write `{key} = {example}`"
    ))
}

/// Says what to write for an argument that a policy does not have: after
/// `… has no argument …`.
pub(crate) fn argument(of: &str, name: &str) -> Option<&'static str> {
    Some(match (of, name) {
        ("Adaptive", "multiplier" | "factor" | "ratio" | "overcommit" | "spare") => {
            "how many times the accepted calls get through is `k = 1.5`"
        }
        ("Adaptive", "duration" | "period" | "interval" | "size") => {
            "the time over which calls are counted is `window = 10s`"
        }
        ("Adaptive", "min_requests" | "min_calls" | "requests" | "count") => {
            "the number of calls below which none is refused is `min = 20`"
        }
        ("Adaptive", "max" | "max_share" | "most" | "max_rejection" | "probability") => {
            "the share that gets through in any case is `floor = 0.01`"
        }
        ("SlackListener", "webhook" | "webhook_url") => {
            "it posts with a token, so that the messages of one incident share a thread; `url` is \
             for a proxy that takes the same messages"
        }
        ("SlackListener", "template" | "message" | "text" | "labels") => {
            "what the messages say is `templates = …`, a `fluxgate::listener::SlackTemplates`"
        }
        _ => return None,
    })
}

/// Returns whether the name is that of a policy, under any convention.
pub(crate) fn is_policy(name: &str) -> bool {
    let snake = snake_case(name);
    POLICIES
        .iter()
        .any(|(policy, ..)| snake_case(policy) == snake)
}

fn has(names: &str, name: &str) -> bool {
    names.split(' ').any(|known| known == name)
}

/// Turns `failureRateThreshold` into `failure_rate_threshold`.
fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    let mut was_lower = false;
    for c in name.chars() {
        if c.is_uppercase() && was_lower {
            snake.push('_');
        }
        was_lower = c.is_lowercase() || c.is_ascii_digit();
        snake.extend(c.to_lowercase());
    }
    snake
}
