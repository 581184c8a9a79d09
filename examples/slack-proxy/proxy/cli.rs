//! The flags.

use std::{ffi::OsString, fmt, time::Duration};

use clap::{
    CommandFactory, FromArgMatches, Parser, ValueEnum,
    error::{Error, ErrorKind},
};
use fluxgate::slack::{DeliveryPolicy, Rate, Token};

use super::{duration, post::check_channel};

/// What the flags and the environment come to.
pub(crate) struct Config {
    pub(super) token: Token,
    pub(super) slack_url: String,
    pub(super) policy: DeliveryPolicy,
    pub(super) extended: bool,
    pub(super) application: String,
    pub(super) metrics: String,
    pub(super) channel_override: Option<String>,
    pub(super) auth: Option<Token>,
    pub(super) client_timeout: Duration,
    pub(super) max_connections: usize,
    pub(super) shutdown_timeout: Option<Duration>,
}

impl fmt::Debug for Config {
    /// Without the URL, which is a secret if it is a webhook's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("policy", &self.policy)
            .field("application", &self.application)
            .field("metrics", &self.metrics)
            .finish_non_exhaustive()
    }
}

/// Takes messages for Slack at once, and delivers them in the background: with
/// rate limits, retries, and a look at what Slack says.
#[derive(Parser)]
#[command(name = "slack-proxy", version, rename_all = "camelCase")]
// As with Go's flags, the last of equal ones counts.
#[command(args_override_self = true)]
struct Flags {
    /// Bot token of the Slack app. Others can see it in the list of processes:
    /// better set the environment variable `SLACK_TOKEN`.
    #[arg(long)]
    token: Option<String>,
    /// Times a message is tried again [default: 3; recommended: 10]
    #[arg(long)]
    max_retries: Option<u32>,
    /// Milliseconds before the first retry, doubled for each further one
    /// [default: 1000]
    #[arg(long)]
    initial_backoff_ms: Option<u64>,
    /// The same as a duration, such as `1s`; it takes precedence
    #[arg(long, value_parser = duration::parse)]
    initial_backoff: Option<Duration>,
    /// Where messages are posted to
    #[arg(
        long = "slackURL",
        default_value = "https://slack.com/api/chat.postMessage"
    )]
    slack_url: String,
    /// Messages that may wait [default: 100]
    #[arg(long)]
    queue_size: Option<usize>,
    /// Messages that may go out at once after a rest [default: 3]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    burst: Option<u32>,
    /// How often a message may go out [default: 1s]
    #[arg(long, value_parser = duration::parse)]
    slack_request_rate: Option<Duration>,
    /// Address of `/metrics` and `/health`
    #[arg(long, default_value = ":9090")]
    metrics_port: String,
    /// Address that takes posts, on any path
    #[arg(long, default_value = ":8080")]
    application_port: String,
    /// Sends everything to this channel
    #[arg(long, default_value = "")]
    channel_override: String,
    /// Token that posters must show as `Authorization: Bearer …`; better set the
    /// environment variable `SLACK_PROXY_AUTH_TOKEN`
    #[arg(long)]
    auth_token: Option<String>,
    /// How to deliver, and what to forward
    #[arg(long, value_enum, default_value_t = PolicyName::SlackProxy)]
    policy: PolicyName,
    /// How long a client may take for the head of a request, and for its body
    #[arg(long, value_parser = duration::parse, default_value = "10s")]
    client_timeout: Duration,
    /// Connections at once; beyond them the oldest idle one is closed
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..), default_value = "512")]
    max_connections: u32,
    /// How long the queue may take to be delivered at the end; `0` for as long
    /// as it takes
    #[arg(long, value_parser = duration::parse, default_value = "0")]
    shutdown_timeout: Duration,
}

#[derive(Clone, Copy, ValueEnum)]
enum PolicyName {
    /// As slack-proxy 0.3.0
    SlackProxy,
    /// As Slack's documentation asks; forwards all members, and answers with a
    /// `ts` that later posts can name as their thread
    Recommended,
}

/// Reads the flags, the first argument being the program's name, and of the
/// environment what `env` gives.
///
/// # Errors
///
/// What clap says about wrong flags, and about the help that was asked for.
pub(crate) fn parse(
    args: impl IntoIterator<Item = OsString>,
    env: impl Fn(&str) -> Option<String>,
) -> Result<Config, Error> {
    let mut command = Flags::command();
    let mut matches = command.try_get_matches_from_mut(args.into_iter().map(long))?;
    let flags = Flags::from_arg_matches_mut(&mut matches)?;
    flags
        .config(env)
        .map_err(|(kind, message)| command.error(kind, message))
}

/// Go's flags may have one dash.
fn long(argument: OsString) -> OsString {
    match argument.to_str() {
        Some(text) if is_long_with_one_dash(text) => format!("-{text}").into(),
        _ => argument,
    }
}

fn is_long_with_one_dash(text: &str) -> bool {
    let name = text.strip_prefix('-').unwrap_or_default();
    name.len() > 1 && name.starts_with(|c: char| c.is_ascii_alphabetic())
}

type Wrong = (ErrorKind, String);

impl Flags {
    fn config(self, env: impl Fn(&str) -> Option<String>) -> Result<Config, Wrong> {
        let wrong = |error: &dyn std::fmt::Display| (ErrorKind::ValueValidation, error.to_string());
        let given = |flag: &Option<String>, variable: &str| {
            flag.clone()
                .or_else(|| env(variable))
                .filter(|text| !text.is_empty())
        };
        let Some(token) = given(&self.token, "SLACK_TOKEN") else {
            let message = "no token: set the environment variable SLACK_TOKEN, or give `--token`";
            return Err((ErrorKind::MissingRequiredArgument, message.into()));
        };
        let auth = match given(&self.auth_token, "SLACK_PROXY_AUTH_TOKEN") {
            Some(text) => Some(Token::new(text).map_err(|error| wrong(&error))?),
            None => None,
        };
        if self.client_timeout.is_zero() {
            return Err(wrong(
                &"`--clientTimeout` is 0: expected more, such as `10s`",
            ));
        }
        if !self.channel_override.is_empty() {
            check_channel(&self.channel_override).map_err(|error| wrong(&error))?;
        }
        Ok(Config {
            client_timeout: self.client_timeout,
            max_connections: self.max_connections as usize,
            token: Token::new(token).map_err(|error| wrong(&error))?,
            auth,
            policy: self.delivery(),
            extended: matches!(self.policy, PolicyName::Recommended),
            application: address(self.application_port),
            metrics: address(self.metrics_port),
            channel_override: Some(self.channel_override).filter(|name| !name.is_empty()),
            shutdown_timeout: Some(self.shutdown_timeout).filter(|timeout| !timeout.is_zero()),
            slack_url: self.slack_url,
        })
    }

    fn delivery(&self) -> DeliveryPolicy {
        let every = self.slack_request_rate.unwrap_or(Duration::from_secs(1));
        let rate = Rate::new(every, self.burst.unwrap_or(3));
        let backoff = self
            .initial_backoff
            .or(self.initial_backoff_ms.map(Duration::from_millis))
            .unwrap_or(Duration::from_secs(1));
        let policy = match self.policy {
            PolicyName::SlackProxy => DeliveryPolicy::slack_proxy()
                .token_rate(rate)
                .max_retries(self.max_retries.unwrap_or(3))
                .backoff(backoff, Duration::MAX),
            PolicyName::Recommended => DeliveryPolicy::recommended()
                .channel_rate(rate)
                .max_retries(self.max_retries.unwrap_or(10))
                .backoff(backoff, backoff.max(Duration::from_secs(60))),
        };
        policy.queue_size(self.queue_size.unwrap_or(100))
    }
}

/// A number by itself is a port.
fn address(text: String) -> String {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        format!(":{text}")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(flags: &[&str], token: Option<&str>) -> Result<Config, Error> {
        let args = ["slack-proxy"].iter().chain(flags).map(OsString::from);
        parse(args, |variable| {
            token
                .filter(|_| variable == "SLACK_TOKEN")
                .map(str::to_owned)
        })
    }

    #[test]
    fn flags_have_the_defaults_of_the_document() {
        let config = config(&[], Some("xoxb-1")).unwrap();
        assert_eq!(config.policy, DeliveryPolicy::slack_proxy().max_retries(3));
        assert_eq!(config.slack_url, "https://slack.com/api/chat.postMessage");
        assert_eq!((&*config.application, &*config.metrics), (":8080", ":9090"));
        assert_eq!(config.channel_override, None);
        assert_eq!(config.shutdown_timeout, None);
        assert!(!config.extended);
    }

    #[test]
    fn flags_take_one_dash_or_two_and_equals_or_none() {
        let flags = [
            "-maxRetries=5",
            "--initialBackoffMs",
            "20",
            "-queueSize",
            "7",
            "-burst=2",
            "--metricsPort=9090",
            "--metricsPort=9091",
            "-channelOverride",
            "#all",
            "-token=xoxb-2",
        ];
        let config = config(&flags, None).unwrap();
        let expected = DeliveryPolicy::slack_proxy()
            .max_retries(5)
            .backoff(Duration::from_millis(20), Duration::MAX)
            .queue_size(7)
            .token_rate(Rate::new(Duration::from_secs(1), 2));
        assert_eq!(config.policy, expected);
        assert_eq!(config.metrics, ":9091");
        assert_eq!(config.channel_override.as_deref(), Some("#all"));
        assert!(config.token.matches("xoxb-2"));
    }

    #[test]
    fn what_can_not_work_ends_with_code_2() {
        for (flags, token) in [
            (&[][..], None),
            (&[], Some("")),
            (&["--burst=0"], Some("xoxb-1")),
            (&["--slackRequestRate=500"], Some("xoxb-1")),
            (&["--unknown"], Some("xoxb-1")),
            (&["--token=xoxb 1"], None),
        ] {
            let error = config(flags, token).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{flags:?}");
            assert!(!error.to_string().contains("xoxb 1"), "{error}");
        }
    }
}
