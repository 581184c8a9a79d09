//! Reading a post as leniently as Go does.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::post::{MORE, Post};

/// Reads the first JSON value of a body: keys in any case, the last of equal
/// keys, `null` for what is not set, and bytes that are no UTF-8 replaced.
pub(super) fn decode(body: &[u8]) -> Result<Post, String> {
    let text = String::from_utf8_lossy(body);
    let mut json = serde_json::Deserializer::from_str(&text);
    // Not asking for the end: what follows is not read.
    let post = Option::<Post>::deserialize(&mut json).map_err(|error| error.to_string())?;
    Ok(post.unwrap_or_default())
}

impl<'de> Deserialize<'de> for Post {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Post;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the members of chat.postMessage")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Post, A::Error> {
        let mut post = Post::default();
        while let Some(key) = map.next_key::<String>()? {
            // As Go folds them, to which a long s is an s.
            let key = key.to_lowercase().replace('ſ', "s");
            let text = match &*key {
                "token" => Some(&mut post.token),
                "channel" => Some(&mut post.channel),
                "text" => Some(&mut post.text),
                "username" => Some(&mut post.username),
                "icon_url" => Some(&mut post.icon_url),
                "icon_emoji" => Some(&mut post.icon_emoji),
                "thread_ts" => Some(&mut post.thread_ts),
                "parse" => Some(&mut post.parse),
                _ => None,
            };
            if let Some(text) = text {
                if let Some(given) = map.next_value::<Option<String>>()? {
                    *text = given;
                }
                continue;
            }
            match &*key {
                "as_user" => set(&mut post.as_user, map.next_value()?),
                "link_names" => set(&mut post.link_names, map.next_value()?),
                // The Go program does not know it, so it may be anything.
                "reply_broadcast" => {
                    post.reply_broadcast = map.next_value::<Box<RawValue>>()?.get() == "true";
                }
                "blocks" => post.blocks = Some(map.next_value()?),
                "attachments" => post.attachments = Some(map.next_value()?),
                other => match MORE.into_iter().find(|name| *name == other) {
                    Some(name) => {
                        post.more.retain(|(known, _)| *known != name);
                        post.more.push((name, map.next_value()?));
                    }
                    None => {
                        map.next_value::<IgnoredAny>()?;
                    }
                },
            }
        }
        Ok(post)
    }
}

fn set(flag: &mut bool, given: Option<bool>) {
    if let Some(given) = given {
        *flag = given;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forwarded(body: &str) -> String {
        serde_json::to_string(&decode(body.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn first_value_is_read_and_last_equal_key_wins() {
        assert_eq!(
            forwarded(r##"{"CHANNEL":"#a","channel":"#b","Text":"x","text":null} trailing"##),
            r##"{"token":"","channel":"#b","text":"x"}"##
        );
        assert_eq!(forwarded("null"), r#"{"token":"","channel":"","text":""}"#);
    }

    #[test]
    fn keys_are_folded_as_go_does() {
        assert_eq!(
            forwarded(r#"{"UſERNAME":"u","linK_names":true,"BLOCKS":[],"ICON_İD":"i"}"#),
            r#"{"token":"","channel":"","text":"","username":"u","link_names":true,"blocks":[]}"#
        );
    }

    #[test]
    fn raw_members_stay_as_they_are_written() {
        assert_eq!(
            forwarded(r#"{"blocks":[ 1.00 ],"attachments":null,"other":{},"mrkdwn":true}"#),
            r#"{"token":"","channel":"","text":"","blocks":[ 1.00 ],"attachments":null,"mrkdwn":true}"#
        );
    }

    #[test]
    fn unknown_members_may_be_of_any_type() {
        for (broadcast, expected) in [("true", true), ("false", false), ("\"yes\"", false)] {
            let body = format!(r#"{{"reply_broadcast":{broadcast},"unfurl_links":{{}}}}"#);
            let post = decode(body.as_bytes()).unwrap();
            assert_eq!(post.reply_broadcast, expected, "{broadcast}");
        }
    }

    #[test]
    fn wrong_types_and_broken_json_are_refused() {
        for body in [
            "",
            "{",
            "[1]",
            "\"x\"",
            r#"{"channel":1}"#,
            r#"{"link_names":1}"#,
        ] {
            assert!(decode(body.as_bytes()).is_err(), "{body}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced() {
        let post = decode(b"{\"text\":\"a\xFFb\"}").unwrap();
        assert_eq!(post.text, "a\u{FFFD}b");
    }
}
