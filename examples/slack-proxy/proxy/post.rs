//! A message as it is posted, and as it goes on to Slack.

use std::collections::BTreeMap;

use fluxgate::slack::{Error, Message};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

/// Refuses what is no channel of Slack's, as for every message.
pub(super) fn check_channel(channel: &str) -> Result<(), Error> {
    Message::new(channel, &BTreeMap::<&str, &str>::new()).map(drop)
}

/// What the Go program knows of `chat.postMessage`, and the rest.
#[derive(Debug, Default)]
pub(super) struct Post {
    pub(super) token: String,
    pub(super) channel: String,
    pub(super) text: String,
    pub(super) as_user: bool,
    pub(super) username: String,
    pub(super) icon_url: String,
    pub(super) icon_emoji: String,
    pub(super) thread_ts: String,
    pub(super) parse: String,
    pub(super) link_names: bool,
    /// As they are written, `null` included.
    pub(super) blocks: Option<Box<RawValue>>,
    pub(super) attachments: Option<Box<RawValue>>,
    pub(super) reply_broadcast: bool,
    /// Members that the Go program drops.
    pub(super) more: Vec<(&'static str, Box<RawValue>)>,
}

/// Members of `chat.postMessage` that the Go program does not know.
pub(super) const MORE: [&str; 5] = [
    "markdown_text",
    "metadata",
    "mrkdwn",
    "unfurl_links",
    "unfurl_media",
];

impl Post {
    /// What is missing, in the Go program's words.
    pub(super) fn missing(&self, extended: bool) -> Option<String> {
        let channel = self.channel.is_empty().then_some("Channel is not set");
        let has_content = !self.text.is_empty()
            || self.blocks.is_some()
            || self.attachments.is_some()
            || extended && self.more.iter().any(|(name, _)| *name == "markdown_text");
        let content = (!has_content).then_some("Neither attachments, blocks, nor text is set");
        let missing: Vec<_> = channel.into_iter().chain(content).collect();
        (!missing.is_empty()).then(|| missing.join(" and "))
    }

    /// Drops what the Go program drops.
    pub(super) fn like_slack_proxy(mut self) -> Self {
        self.reply_broadcast = false;
        self.more.clear();
        self
    }
}

/// In the order of the Go program, which always sends `token` and `text`.
impl Serialize for Post {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("token", &self.token)?;
        map.serialize_entry("channel", &self.channel)?;
        map.serialize_entry("text", &self.text)?;
        for (name, set) in [("as_user", self.as_user)] {
            if set {
                map.serialize_entry(name, &set)?;
            }
        }
        for (name, text) in [
            ("username", &self.username),
            ("icon_url", &self.icon_url),
            ("icon_emoji", &self.icon_emoji),
            ("thread_ts", &self.thread_ts),
            ("parse", &self.parse),
        ] {
            if !text.is_empty() {
                map.serialize_entry(name, text)?;
            }
        }
        for (name, set) in [
            ("link_names", self.link_names),
            ("reply_broadcast", self.reply_broadcast),
        ] {
            if set {
                map.serialize_entry(name, &set)?;
            }
        }
        for (name, raw) in [("blocks", &self.blocks), ("attachments", &self.attachments)] {
            if let Some(raw) = raw {
                map.serialize_entry(name, raw)?;
            }
        }
        for (name, raw) in &self.more {
            map.serialize_entry(name, raw)?;
        }
        map.end()
    }
}
