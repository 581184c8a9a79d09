//! What became of one attempt.

use std::{borrow::Cow, time::Duration};

use serde::Deserialize;

use super::{Class, Policy, policy::Manner};

/// What came back over HTTP.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// The header `Retry-After`, in seconds.
    pub(super) retry_after: Option<Duration>,
    pub(super) body: Vec<u8>,
}

/// Why nothing came back: no connection, no answer, none in time.
pub(super) type Unreachable = Cow<'static, str>;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Verdict {
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
#[derive(Deserialize)]
struct Reply {
    #[serde(default)]
    ok: bool,
    error: Option<String>,
    ts: Option<String>,
    retry_after: Option<f64>,
}

impl Verdict {
    pub(super) fn of(policy: &Policy, answer: &Result<Answer, Unreachable>) -> Self {
        match answer {
            Err(why) => Self::refused(Class::Retry, why.clone()),
            Ok(answer) => match policy.manner {
                Manner::SlackProxy => by_body(policy, &answer.body),
                Manner::Recommended => by_status(policy, answer),
            },
        }
    }

    pub(super) fn refused(class: Class, code: impl Into<Cow<'static, str>>) -> Self {
        Self::Refused {
            class,
            code: code.into(),
            retry_after: None,
        }
    }
}

/// The body alone decides, and must be JSON.
fn by_body(policy: &Policy, body: &[u8]) -> Verdict {
    match serde_json::from_slice::<Reply>(body) {
        Ok(Reply { ok: true, ts, .. }) => delivered(ts),
        Ok(Reply { error, .. }) => match error {
            Some(code) => {
                let class = policy.classifier.class(&code).unwrap_or(Class::Retry);
                Verdict::refused(class, code)
            }
            None => Verdict::refused(Class::Retry, "no_error_code"),
        },
        Err(_) => Verdict::refused(Class::Retry, "answer_is_not_json"),
    }
}

/// Status, headers and body decide.
fn by_status(policy: &Policy, answer: &Answer) -> Verdict {
    let success = (200..300).contains(&answer.status);
    let reply = serde_json::from_slice::<Reply>(&answer.body).ok();
    let (ok, code, ts, in_body) = match reply {
        Some(reply) => (reply.ok, reply.error, reply.ts, reply.retry_after),
        None => match plain(&answer.body) {
            Some("ok") => (true, None, None, None),
            code => (false, code.map(str::to_owned), None, None),
        },
    };
    if success && ok {
        return delivered(ts);
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
    Verdict::Refused {
        class,
        code,
        retry_after: answer.retry_after.or_else(|| {
            let seconds = in_body.filter(|seconds| *seconds > 0.0)?;
            Duration::try_from_secs_f64(seconds).ok()
        }),
    }
}

fn delivered(ts: Option<String>) -> Verdict {
    Verdict::Delivered(ts.filter(|ts| !ts.is_empty()))
}

/// A body that is one word, as incoming webhooks answer.
fn plain(body: &[u8]) -> Option<&str> {
    let word = std::str::from_utf8(body).ok()?.trim();
    let is_code = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    (!word.is_empty() && word.len() <= 64 && word.bytes().all(is_code)).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer {
            status,
            retry_after: None,
            body: body.into(),
        }
    }

    fn class(policy: &Policy, status: u16, body: &str) -> Option<Class> {
        match Verdict::of(policy, &Ok(answer(status, body))) {
            Verdict::Delivered(_) => None,
            Verdict::Refused { class, .. } => Some(class),
        }
    }

    #[test]
    fn the_recommended_policy_understands_status_and_webhooks() {
        let policy = Policy::recommended();
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
        let policy = Policy::slack_proxy();
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
            let answer = Answer {
                status: 429,
                retry_after: header.map(Duration::from_secs),
                body: body.into(),
            };
            match Verdict::of(&Policy::recommended(), &Ok(answer)) {
                Verdict::Refused { retry_after, .. } => retry_after.map(|wait| wait.as_secs()),
                Verdict::Delivered(_) => None,
            }
        };
        assert_eq!(wait(Some(7), r#"{"retry_after":3}"#), Some(7));
        assert_eq!(wait(None, r#"{"retry_after":3,"ok":false}"#), Some(3));
        assert_eq!(wait(None, r#"{"retry_after":-3}"#), None);
        assert_eq!(wait(None, ""), None);
    }

    #[test]
    fn what_did_not_come_back_is_tried_again() {
        for policy in [Policy::recommended(), Policy::slack_proxy()] {
            let verdict = Verdict::of(&policy, &Err("timeout".into()));
            assert_eq!(verdict, Verdict::refused(Class::Retry, "timeout"));
        }
    }

    #[test]
    fn only_a_ts_with_text_names_a_message() {
        let of = |body| Verdict::of(&Policy::recommended(), &Ok(answer(200, body)));
        assert_eq!(of(r#"{"ok":true,"ts":""}"#), Verdict::Delivered(None));
        assert_eq!(
            of(r#"{"ok":true,"ts":"1.2"}"#),
            Verdict::Delivered(Some("1.2".into()))
        );
    }
}
