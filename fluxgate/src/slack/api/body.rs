//! The JSON text of a message.

use serde_json::{Map, Value};

use crate::slack::redact::{PAYLOAD, Redactor};

/// Adds the members of a reply to an object's text, leaving the rest as it is.
pub(crate) fn with_thread(mut body: String, ts: &str, broadcast: bool) -> String {
    let Some(end) = body.rfind('}') else {
        return body;
    };
    let empty = body[..end].trim_end().ends_with('{');
    body.truncate(end);
    if !empty {
        body.push(',');
    }
    body.push_str("\"thread_ts\":");
    body.push_str(&Value::from(ts).to_string());
    if broadcast {
        body.push_str(",\"reply_broadcast\":true");
    }
    body.push('}');
    body
}

pub(crate) fn without_thread(body: &str) -> String {
    edited(body, |members| {
        members.remove("thread_ts");
        members.remove("reply_broadcast");
    })
}

/// Returns whether a body is meant for a thread.
pub(crate) fn has_thread(body: &str) -> bool {
    matches!(serde_json::from_str(body), Ok(Value::Object(members)) if members.contains_key("thread_ts"))
}

/// Returns a body as logs may show it: redacted, and on one line.
pub(crate) fn redacted(redactor: &Redactor, body: &str) -> String {
    let text = edited(body, |members| {
        members.retain(|name, _| !name.eq_ignore_ascii_case("token"));
    });
    redactor.line(&text, PAYLOAD)
}

fn edited(body: &str, edit: impl FnOnce(&mut Map<String, Value>)) -> String {
    match serde_json::from_str(body) {
        Ok(Value::Object(mut members)) => {
            edit(&mut members);
            Value::Object(members).to_string()
        }
        _ => body.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_rest_of_a_body_stays_as_it_is_written() {
        assert_eq!(
            with_thread(r#"{"a": 1.00 }"#.into(), "1\"2", false),
            r#"{"a": 1.00 ,"thread_ts":"1\"2"}"#
        );
        assert_eq!(with_thread("{}".into(), "1", false), r#"{"thread_ts":"1"}"#);
    }

    #[test]
    fn logs_show_no_token() {
        let none = Redactor::default();
        let body = json!({
            "token": "secret", "channel": "C",
            "text": "is xoxb-1-abc or xoxp-2_d, a xoxo", "blocks": [{"token": "kept"}],
        });
        assert_eq!(
            serde_json::from_str::<Value>(&redacted(&none, &body.to_string())).unwrap(),
            json!({"channel": "C", "text": "is xox*** or xox***, a xoxo", "blocks": [{"token": "kept"}]})
        );
        assert_eq!(redacted(&none, "no json xoxb-1"), "no json xox***");
    }
}
