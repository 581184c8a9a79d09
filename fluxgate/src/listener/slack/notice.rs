//! A transition as a message's body.

use std::{sync::Arc, time::SystemTime};

use serde::Serialize;

use super::{
    tally::Tally,
    template::Templates,
    text::{FIELD, MESSAGE, SECTION, date, escaped, filled, shortened},
};
use crate::{
    Signal,
    slack::{Content, End},
};

/// Kept as it came, and written when its turn has come: on the delivery's
/// thread, not on that of the protected call.
pub(super) struct Notice {
    pub(super) signal: Signal,
    pub(super) channel: Arc<str>,
    pub(super) templates: Arc<Templates>,
    pub(super) tally: Arc<Tally>,
    /// The breaker is closed, and others of its name are not.
    pub(super) others_open: bool,
}

impl Content for Notice {
    fn body(&self, missed: u64) -> String {
        // Strings and numbers only: there is nothing to fail.
        serde_json::to_string(&self.message(missed)).unwrap_or_default()
    }

    fn size(&self) -> usize {
        // What the flight recorder keeps is bounded by more than most of it is.
        let record = self.signal.record.as_ref().map_or(0, |record| {
            let failure = record.last_failure.as_ref();
            let texts = failure.map_or(0, |failure| failure.text.len())
                + record.by.as_ref().map_or(0, |by| by.len());
            size_of_val(&**record) + size_of_val(&*record.rule) + texts
        });
        size_of::<Self>() + self.signal.name.len() + record
    }

    fn ended(&self, end: End) {
        self.tally.ended(end);
    }
}

#[derive(Serialize)]
struct NoticeBody<'a> {
    channel: &'a str,
    /// What notifications and screen readers get.
    text: String,
    attachments: [Attachment<'a>; 1],
}

#[derive(Serialize)]
struct Attachment<'a> {
    color: &'a str,
    blocks: [Section; 2],
}

#[derive(Serialize)]
#[serde(tag = "type", rename = "section")]
struct Section {
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<NoticeText>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<NoticeText>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename = "mrkdwn")]
struct NoticeText {
    text: String,
}

impl NoticeText {
    fn new(text: String, limit: usize) -> Self {
        Self {
            text: shortened(text, limit),
        }
    }
}

impl Notice {
    fn message(&self, missed: u64) -> NoticeBody<'_> {
        let Signal {
            old_state,
            new_state,
            timestamp,
            ..
        } = self.signal;
        let labels = &self.templates.labels;
        let template = self.templates.of(old_state, new_state);
        let name = escaped(&self.signal.name);
        let reason = self
            .signal
            .reason
            .map(|reason| escaped(&reason.to_string()));
        let values = [
            ("name", name.as_str()),
            ("old_state", old_state.as_str()),
            ("new_state", new_state.as_str()),
            ("reason", reason.as_deref().unwrap_or_default()),
        ];
        let title = filled(&template.title, &values);
        let transition = format!("{old_state} → {new_state}");
        let mut text = format!("{title}: {name} ({transition})");
        if let Some(reason) = &reason {
            text = format!("{text}, {reason}");
        }
        let mut description = filled(&template.description, &values);
        if self.others_open {
            description = format!("{description}\n_{}_", labels.others_open);
        }
        if missed > 0 {
            let missed = filled(&labels.missed, &[("missed", &missed.to_string())]);
            description = format!("{description}\n_{missed}_");
        }

        let field =
            |label: &str, value: &str| NoticeText::new(format!("*{label}:*\n{value}"), FIELD);
        let mut fields = vec![
            field(&labels.circuit_breaker, &name),
            field(&labels.state_transition, &transition),
            field(&labels.transition_time, &date(timestamp)),
            field(&labels.description, &description),
        ];
        if let Some(reason) = &reason {
            fields.push(field(&labels.reason, reason));
        }
        if let Some(failure) = self.last_failure() {
            let failure = escaped(&failure);
            fields.push(field(&labels.last_failure, &failure));
        }
        if let Some(by) = self
            .signal
            .record
            .as_ref()
            .and_then(|record| record.by.as_deref())
        {
            fields.push(field(&labels.by, &escaped(by)));
        }
        if let Some(next) = self.next_attempt() {
            fields.push(field(&labels.next_attempt, &date(next)));
        }
        NoticeBody {
            channel: &self.channel,
            text: shortened(text, MESSAGE),
            attachments: [Attachment {
                color: &template.color,
                blocks: [
                    Section {
                        text: Some(NoticeText::new(format!("*{title}*"), SECTION)),
                        fields: Vec::new(),
                    },
                    Section { text: None, fields },
                ],
            }],
        }
    }

    /// Returns what the last failure said, if that may be shown.
    fn last_failure(&self) -> Option<String> {
        let record = self.signal.record.as_ref()?;
        record.last_failure.as_ref().map(ToString::to_string)
    }

    /// Returns when the first probe may run, or `None` if that is too far off to
    /// be meant.
    fn next_attempt(&self) -> Option<SystemTime> {
        const YEAR: u64 = 366 * 24 * 3600;
        let next = self.signal.next_attempt?;
        let wait = next.duration_since(self.signal.timestamp).ok()?;
        (wait.as_secs() < YEAR).then_some(next)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use serde_json::Value;

    use super::*;
    use crate::{Reason, RuleKind, State, listener::slack::text::units};

    fn notice(name: String, old: State, new: State) -> Notice {
        let at = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        Notice {
            signal: Signal::new(name, old, new, at),
            channel: "C1".into(),
            templates: Arc::default(),
            tally: Arc::default(),
            others_open: false,
        }
    }

    fn body(notice: &Notice, missed: u64) -> Value {
        serde_json::from_str(&notice.body(missed)).unwrap()
    }

    fn fields(body: &Value) -> Vec<&str> {
        let fields = &body["attachments"][0]["blocks"][1]["fields"];
        let fields = fields.as_array().unwrap().iter();
        fields
            .map(|field| field["text"].as_str().unwrap())
            .collect()
    }

    #[test]
    fn an_opening_says_why_and_until_when() {
        let mut notice = notice("pay".into(), State::Closed, State::Open);
        notice.signal.reason = Some(Reason {
            rule: RuleKind::Custom("a<b"),
            measured: 1.0,
            threshold: 1.0,
            calls: 20,
        });
        notice.signal.next_attempt = Some(notice.signal.timestamp + Duration::from_secs(60));
        let body = body(&notice, 0);
        assert_eq!(
            body["text"],
            "🚨 Circuit Breaker Triggered: pay (closed → open), custom rule a&lt;b fired after 20 calls"
        );
        assert_eq!(
            fields(&body)[4..],
            [
                "*Reason:*\ncustom rule a&lt;b fired after 20 calls",
                "*Next Attempt:*\n<!date^1700000060^{date_num} {time_secs}|2023-11-14 22:14:20 UTC>"
            ]
        );

        notice.signal.next_attempt = Some(notice.signal.timestamp + Duration::from_secs(1 << 33));
        assert_eq!(fields(&super::tests::body(&notice, 0)).len(), 5);
    }

    #[test]
    fn opening_shows_the_last_failure_escaped() {
        let breaker = crate::CircuitBreaker::builder("slack_flight")
            .tripper(crate::tripper::FailureStreak::new(1))
            .build()
            .unwrap();
        breaker
            .acquire()
            .unwrap()
            .failure_with(&"<!channel> & <https://evil.example|click>");
        let record = breaker.info().flight.transitions[0].clone();
        let mut notice = notice("pay".into(), State::Closed, State::Open);
        notice.signal.record = Some(record);
        assert_eq!(
            fields(&body(&notice, 0))[4],
            "*Last Failure:*\n&lt;!channel&gt; &amp; &lt;https://evil.example|click&gt; (×1)"
        );
        breaker.command_by(crate::Command::Reset, "<@U1>");
        notice.signal.record = breaker.info().flight.transitions.pop();
        assert_eq!(fields(&body(&notice, 0))[4], "*By:*\n&lt;@U1&gt;");
    }

    #[test]
    fn what_was_left_out_is_said() {
        let body = body(&notice("pay".into(), State::HalfOpen, State::Closed), 7);
        assert_eq!(
            fields(&body)[3],
            "*Description:*\nTest request succeeded, service is now healthy.\n_7 transitions before this one are not shown_"
        );
    }

    #[test]
    fn every_message_keeps_to_the_limits_of_slack() {
        let long = |c: char| std::iter::repeat_n(c, 5000).collect::<String>();
        let templates = Arc::new(Templates::new(super::super::Template::new(
            format!("{{name}} {}", long('t')),
            "#000000",
            format!("{} {{reason}}", long('🚨')),
        )));
        for old in State::ALL {
            for new in State::ALL {
                for name in [String::new(), long('&'), long('漢'), long('🚨')] {
                    for templates in [Arc::default(), templates.clone()] {
                        let mut notice = notice(name.clone(), old, new);
                        notice.templates = templates;
                        notice.others_open = true;
                        notice.signal.next_attempt = Some(notice.signal.timestamp);
                        notice.signal.reason = Some(Reason {
                            rule: RuleKind::Custom("long"),
                            measured: f64::MAX,
                            threshold: f64::MIN,
                            calls: u64::MAX,
                        });
                        check(&body(&notice, u64::MAX));
                    }
                }
            }
        }
    }

    fn check(body: &Value) {
        let length = |text: &Value| units(text.as_str().unwrap());
        assert!(length(&body["text"]) <= 4000);
        let blocks = &body["attachments"][0]["blocks"];
        assert!(length(&blocks[0]["text"]["text"]) <= 3000);
        let fields = fields(body);
        assert!(fields.len() <= 10);
        assert!(fields.iter().all(|field| units(field) <= 2000));
        // Of all blocks together: Slack has refused 13 200 as too long.
        let all = fields.iter().map(|field| units(field)).sum::<usize>();
        assert!(all + length(&blocks[0]["text"]["text"]) <= 13_000);
    }
}
