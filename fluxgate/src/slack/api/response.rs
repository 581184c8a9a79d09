//! What became of one attempt.

use std::{borrow::Cow, time::Duration};

use serde::Deserialize;
use serde_json::Value;

use crate::slack::{Class, DeliveryPolicy, policy::Answers};

/// What came back over HTTP.
#[derive(Clone, Debug)]
pub(crate) struct HttpAnswer {
    pub(crate) status: u16,
    /// The header `Retry-After`, in seconds.
    pub(crate) retry_after: Option<Duration>,
    pub(crate) body: Vec<u8>,
}

/// Why nothing came back: no connection, no answer, none in time.
pub(crate) type Unreachable = Cow<'static, str>;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Judgement {
    /// Taken, under this `ts` if Slack named one.
    Delivered(Option<String>),
    /// Not taken.
    Refused {
        class: Class,
        /// Slack's code, or what stands for one.
        code: Cow<'static, str>,
        /// How long Slack says to wait.
        retry_after: Option<Duration>,
    },
}

/// The part of Slack's answers that decides.
#[derive(Default, Deserialize)]
struct SlackReply {
    #[serde(default)]
    ok: bool,
    error: Option<String>,
    // Whatever these two are, they don't change what the others say.
    #[serde(default)]
    ts: Value,
    #[serde(default)]
    retry_after: Value,
}

impl Judgement {
    pub(crate) fn of(policy: &DeliveryPolicy, answer: &Result<HttpAnswer, Unreachable>) -> Self {
        match answer {
            Err(why) => Self::refused(Class::Retry, why.clone()),
            Ok(answer) => match policy.answers {
                Answers::Body => by_body(policy, &answer.body),
                Answers::Whole => by_status(policy, answer),
            },
        }
    }

    pub(crate) fn refused(class: Class, code: impl Into<Cow<'static, str>>) -> Self {
        Self::Refused {
            class,
            code: code.into(),
            retry_after: None,
        }
    }
}

/// Classifies a response by its body alone, which must be JSON.
fn by_body(policy: &DeliveryPolicy, body: &[u8]) -> Judgement {
    match serde_json::from_slice::<SlackReply>(body) {
        Ok(SlackReply { ok: true, ts, .. }) => delivered(&ts),
        Ok(SlackReply { error, .. }) => match error {
            Some(code) => {
                let class = policy.classifier.class(&code).unwrap_or(Class::Retry);
                Judgement::refused(class, code)
            }
            None => Judgement::refused(Class::Retry, "no_error_code"),
        },
        Err(_) => Judgement::refused(Class::Retry, "answer_is_not_json"),
    }
}

/// Status, headers and body decide.
fn by_status(policy: &DeliveryPolicy, answer: &HttpAnswer) -> Judgement {
    let success = (200..300).contains(&answer.status);
    let reply = serde_json::from_slice(&answer.body);
    let SlackReply {
        ok,
        error: code,
        ts,
        retry_after,
    } = reply.unwrap_or_else(|_| SlackReply::plain(&answer.body));
    if success && ok {
        return delivered(&ts);
    }
    let known = code
        .as_deref()
        .and_then(|code| policy.classifier.class(code));
    let class = match answer.status {
        429 => Class::RateLimited,
        _ if known.is_some() => known.unwrap_or(Class::Retry),
        // The request itself is wrong, whatever the words for it.
        300..=407 | 409..=499 => Class::Permanent,
        _ => Class::Retry,
    };
    let code = match code {
        Some(code) => code.into(),
        None if success => "answer_without_ok".into(),
        None => format!("http_{}", answer.status).into(),
    };
    Judgement::Refused {
        class,
        code,
        retry_after: answer.retry_after.or_else(|| {
            let text = retry_after.as_str().map(str::to_owned);
            let text = text.unwrap_or_else(|| retry_after.to_string());
            seconds(&text).filter(|wait| !wait.is_zero())
        }),
    }
}

fn delivered(ts: &Value) -> Judgement {
    let ts = ts.as_str();
    Judgement::Delivered(ts.filter(|ts| is_ts(ts)).map(str::to_owned))
}

/// Returns whether this may name a message: as Slack does (`1700000000.000001`),
/// or a proxy in front of it. Kept for as long as its thread, so it is short.
fn is_ts(ts: &str) -> bool {
    let is_part = |c: u8| c.is_ascii_alphanumeric() || b".-_".contains(&c);
    !ts.is_empty() && ts.len() <= 80 && ts.bytes().all(is_part)
}

/// Parses a number of seconds; one that does not fit becomes the longest
/// duration.
pub(crate) fn seconds(text: &str) -> Option<Duration> {
    let seconds: f64 = text.trim().parse().ok()?;
    (seconds >= 0.0).then(|| Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

impl SlackReply {
    /// Reads a body that is one word, as incoming webhooks answer.
    fn plain(body: &[u8]) -> Self {
        let word = std::str::from_utf8(body).unwrap_or_default().trim();
        let is_code = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        let is_word = !word.is_empty() && word.len() <= 64 && word.bytes().all(is_code);
        Self {
            ok: word == "ok",
            error: (is_word && word != "ok").then(|| word.to_owned()),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> HttpAnswer {
        HttpAnswer {
            status,
            retry_after: None,
            body: body.into(),
        }
    }

    fn class(policy: &DeliveryPolicy, status: u16, body: &str) -> Option<Class> {
        match Judgement::of(policy, &Ok(answer(status, body))) {
            Judgement::Delivered(_) => None,
            Judgement::Refused { class, .. } => Some(class),
        }
    }

    #[test]
    fn recommended_policy_reads_status_and_webhooks() {
        let policy = DeliveryPolicy::recommended();
        for (status, body, expected) in [
            (200, r#"{"ok":true,"ts":"1.2"}"#, None),
            (200, r#"{"ok":true}"#, None),
            (200, "ok", None),
            (204, "", Some(Class::Retry)),
            (200, "<html>", Some(Class::Retry)),
            (200, "{}", Some(Class::Retry)),
            (200, r#"{"ts":"5.5"}"#, Some(Class::Retry)),
            (200, r#"{"ok":"yes"}"#, Some(Class::Retry)),
            (
                200,
                r#"{"ok":false,"error":"not_in_channel"}"#,
                Some(Class::Permanent),
            ),
            (
                200,
                r#"{"ok":false,"error":"ratelimited"}"#,
                Some(Class::RateLimited),
            ),
            (429, "", Some(Class::RateLimited)),
            (
                429,
                r#"{"ok":false,"error":"fatal_error"}"#,
                Some(Class::RateLimited),
            ),
            (302, "", Some(Class::Permanent)),
            (400, "invalid_payload", Some(Class::Permanent)),
            (404, "channel_not_found", Some(Class::Pause)),
            (404, "no_service", Some(Class::Permanent)),
            (408, "", Some(Class::Retry)),
            (500, r#"{"ok":true}"#, Some(Class::Retry)),
            (503, "upstream down", Some(Class::Retry)),
        ] {
            assert_eq!(class(&policy, status, body), expected, "{status} {body}");
        }
    }

    #[test]
    fn slack_proxy_looks_at_the_body_alone() {
        let policy = DeliveryPolicy::slack_proxy();
        for (status, body, expected) in [
            (500, r#"{"ok":true}"#, None),
            (200, "ok", Some(Class::Retry)),
            (
                429,
                r#"{"ok":false,"error":"rate_limited"}"#,
                Some(Class::Retry),
            ),
            (
                400,
                r#"{"ok":false,"error":"no_text"}"#,
                Some(Class::Permanent),
            ),
            (404, "", Some(Class::Retry)),
            (200, "{}", Some(Class::Retry)),
        ] {
            assert_eq!(class(&policy, status, body), expected, "{status} {body}");
        }
    }

    #[test]
    fn the_wait_is_in_the_header_or_else_in_the_body() {
        let wait = |header: Option<u64>, body: &str| {
            let answer = HttpAnswer {
                status: 429,
                retry_after: header.map(Duration::from_secs),
                body: body.into(),
            };
            match Judgement::of(&DeliveryPolicy::recommended(), &Ok(answer)) {
                Judgement::Refused { retry_after, .. } => retry_after.map(|wait| wait.as_secs()),
                Judgement::Delivered(_) => None,
            }
        };
        assert_eq!(wait(Some(7), r#"{"retry_after":3}"#), Some(7));
        assert_eq!(wait(None, r#"{"retry_after":3,"ok":false}"#), Some(3));
        assert_eq!(wait(None, r#"{"retry_after":"3"}"#), Some(3));
        for none in ["-3", "0", "true", "null", "[3]", r#""soon""#] {
            let body = format!(r#"{{"retry_after":{none}}}"#);
            assert_eq!(wait(None, &body), None, "{none}");
        }
        assert_eq!(wait(None, ""), None);
    }

    #[test]
    fn what_did_not_come_back_is_tried_again() {
        for policy in [DeliveryPolicy::recommended(), DeliveryPolicy::slack_proxy()] {
            let verdict = Judgement::of(&policy, &Err("timeout".into()));
            assert_eq!(verdict, Judgement::refused(Class::Retry, "timeout"));
        }
    }

    #[test]
    fn a_wait_is_a_number_of_seconds() {
        let wait = |text| seconds(text).map(|wait| wait.as_millis());
        assert_eq!(wait(" 30 "), Some(30_000));
        assert_eq!(wait("1.5"), Some(1_500));
        assert_eq!(wait("0"), Some(0));
        assert_eq!(seconds("99999999999999999999"), Some(Duration::MAX));
        for none in ["", "-1", "nan", "soon", "Wed, 21 Oct 2026 07:28:00 GMT"] {
            assert_eq!(wait(none), None, "{none}");
        }
    }

    #[test]
    fn other_fields_do_not_change_an_answer() {
        for policy in [DeliveryPolicy::recommended(), DeliveryPolicy::slack_proxy()] {
            let taken = answer(200, r#"{"ok":true,"ts":17.5,"retry_after":{}}"#);
            assert_eq!(
                Judgement::of(&policy, &Ok(taken)),
                Judgement::Delivered(None)
            );
            let body = r#"{"ok":false,"error":"no_text","ts":1,"retry_after":"x"}"#;
            assert_eq!(class(&policy, 200, body), Some(Class::Permanent));
        }
    }

    #[test]
    fn only_a_ts_with_text_names_a_message() {
        let of = |body| Judgement::of(&DeliveryPolicy::recommended(), &Ok(answer(200, body)));
        let long = format!(r#"{{"ok":true,"ts":"{}"}}"#, "1".repeat(81));
        for none in [
            r#"{"ok":true,"ts":""}"#,
            r#"{"ok":true,"ts":"1\n2"}"#,
            &long,
        ] {
            assert_eq!(of(none), Judgement::Delivered(None), "{none}");
        }
        assert_eq!(
            of(r#"{"ok":true,"ts":"1.2"}"#),
            Judgement::Delivered(Some("1.2".into()))
        );
    }
}
