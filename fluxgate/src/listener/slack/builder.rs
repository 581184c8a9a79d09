//! Validated construction.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use super::{SlackListener, Templates};
use crate::slack::{self, Delivery, DeliveryPolicy, Error, Token, valid_channel};

/// Builds a [`SlackListener`]; see [`SlackListener::builder`].
#[derive(Clone)]
#[must_use = "a builder does nothing until `build`"]
pub struct SlackListenerBuilder {
    channel: Result<String, Error>,
    token: Result<Token, Error>,
    url: Result<String, Error>,
    policy: DeliveryPolicy,
    delivery: Option<Delivery>,
    templates: Templates,
}

const URL: &str = "https://slack.com/api/chat.postMessage";

impl SlackListenerBuilder {
    pub(super) fn new() -> Self {
        Self {
            channel: Err(Error::InvalidChannel(String::new())),
            token: Err(Error::InvalidToken("there is none")),
            url: Ok(URL.into()),
            policy: DeliveryPolicy::recommended(),
            delivery: None,
            templates: Templates::default(),
        }
    }

    /// Sets the channel, by its ID or name, of at most 80 characters.
    pub fn channel(mut self, channel: impl Into<String>) -> Self {
        self.channel = Ok(channel.into());
        self
    }

    /// Sets the channel, from an environment variable.
    pub fn channel_from_env(mut self, variable: &str) -> Self {
        self.channel = slack::env(variable);
        self
    }

    /// Sets the bot token.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Token::new(token);
        self
    }

    /// Sets the bot token, from an environment variable.
    pub fn token_from_env(mut self, variable: &str) -> Self {
        self.token = Token::from_env(variable);
        self
    }

    /// Sets the URL to post to, such as a proxy's. Default:
    /// `https://slack.com/api/chat.postMessage`. Where the responses carry no
    /// `ts`, as slack-proxy's don't, messages are not put into threads.
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = Ok(url.into());
        self
    }

    /// Sets the URL to post to, from an environment variable.
    pub fn url_from_env(mut self, variable: &str) -> Self {
        self.url = slack::env(variable);
        self
    }

    /// Sets how messages are delivered. Default: [`DeliveryPolicy::recommended`]. All
    /// listeners with the same URL and token share one delivery, and must name
    /// the same policy.
    pub fn policy(mut self, policy: DeliveryPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Delivers through this, in place of URL, token and policy.
    pub fn delivery(mut self, delivery: Delivery) -> Self {
        self.delivery = Some(delivery);
        self
    }

    /// Sets the texts of the messages.
    pub fn templates(mut self, templates: Templates) -> Self {
        self.templates = templates;
        self
    }

    /// Builds the listener. Nothing is sent, and no thread started, before the
    /// first transition.
    ///
    /// # Errors
    ///
    /// Channel or token is missing, empty or impossible, the URL can't be posted
    /// to, or the policy is refused.
    pub fn build(self) -> Result<SlackListener, Error> {
        let channel = self.channel?;
        valid_channel(&channel)?;
        let delivery = match self.delivery {
            Some(delivery) => delivery,
            None => Delivery::shared(&self.url?, &self.token?, &self.policy)?,
        };
        Ok(SlackListener {
            id: super::next_id(),
            channel: channel.into(),
            templates: Arc::new(self.templates),
            tally: Arc::default(),
            delivery,
            incidents: Mutex::default(),
        })
    }
}

impl fmt::Debug for SlackListenerBuilder {
    /// Shows neither token nor URL, which is a secret if it is a webhook's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlackListenerBuilder")
            .field("policy", &self.policy)
            .field("delivery", &self.delivery)
            .field("templates", &self.templates)
            .finish_non_exhaustive()
    }
}
