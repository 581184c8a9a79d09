//! The listener as the attribute declares it.

use std::{io, sync::LazyLock};

use fluxgate::{
    circuit_breaker,
    listener::{SlackTemplate, SlackTemplates},
    slack::Delivery,
};

use crate::{
    fake::Slack,
    rig::{deliver, hasty},
};

static SLACK: LazyLock<Slack> = LazyLock::new(Slack::start);

fn token() -> String {
    "xoxb-attribute".into()
}

#[circuit_breaker(
    name = "annotated",
    tripper = FailureStreak(1),
    listeners = [SlackListener(channel = env("CARGO_PKG_NAME"), token = token(), url = SLACK.url())],
)]
fn annotated() -> io::Result<()> {
    Err(io::ErrorKind::TimedOut.into())
}

#[circuit_breaker(
    tripper = "FailureStreak(1)",
    listeners = [SlackListener(channel = "C2", token = token(), url = SLACK.url())],
)]
async fn annotated_async() -> io::Result<()> {
    Err(io::ErrorKind::TimedOut.into())
}

#[tokio::test]
async fn it_posts_for_sync_and_async_functions() {
    assert!(annotated().is_err());
    assert!(annotated_async().await.is_err());
    let posts = SLACK.wait(2);
    let name_in = |channel: &str| {
        let post = posts.iter().find(|post| post.json["channel"] == channel);
        let post = post.expect("a post to the channel");
        let fields = &post.json["attachments"][0]["blocks"][1]["fields"];
        assert_eq!(
            post.request.headers["authorization"],
            "Bearer xoxb-attribute"
        );
        fields[0]["text"].as_str().unwrap().to_owned()
    };
    assert_eq!(name_in("fluxgate-tests"), "*Circuit Breaker:*\nannotated");
    assert!(name_in("C2").ends_with("annotated_async"));
}

#[circuit_breaker(
    tripper = "FailureStreak(1)",
    listeners = [SlackListener(channel = "C1", token = env("FLUXGATE_NO_SUCH_TOKEN"))],
    handle = breaker,
)]
fn without_a_token() -> io::Result<()> {
    Err(io::ErrorKind::TimedOut.into())
}

#[test]
fn function_works_without_its_listener() {
    let kind = || without_a_token().unwrap_err().kind();
    assert_eq!(
        [kind(), kind()],
        [io::ErrorKind::TimedOut, io::ErrorKind::Other]
    );
    let missing = &breaker().info().missing_listeners[0];
    assert_eq!(missing.name, "SlackListener");
    assert!(
        missing.reason.contains("`FLUXGATE_NO_SUCH_TOKEN`"),
        "{missing:?}"
    );
}

/// A server of their own: the other test counts what arrives at `SLACK`.
static OTHER: LazyLock<Slack> = LazyLock::new(Slack::start);
static DELIVERY: LazyLock<Delivery> = LazyLock::new(|| deliver(&OTHER, &hasty()));

#[circuit_breaker(
    name = "with templates",
    tripper = FailureStreak(1),
    listeners = [SlackListener(
        channel = "C3",
        token = token(),
        url = OTHER.url(),
        templates = SlackTemplates::new(SlackTemplate::new("{name} changed", "#808080", "")),
        policy = hasty(),
    )],
)]
fn with_templates() -> io::Result<()> {
    Err(io::ErrorKind::TimedOut.into())
}

#[circuit_breaker(
    name = "with delivery",
    tripper = FailureStreak(1),
    listeners = [SlackListener(channel = "C4", delivery = DELIVERY.clone())],
)]
fn with_delivery() -> io::Result<()> {
    Err(io::ErrorKind::TimedOut.into())
}

#[test]
fn templates_policy_and_delivery_are_used() {
    assert!(with_templates().is_err());
    assert!(with_delivery().is_err());
    let posts = OTHER.wait(2);
    let to = |channel: &str| {
        let post = posts.iter().find(|post| post.json["channel"] == channel);
        post.expect("a post to the channel")
    };
    assert!(to("C3").json.to_string().contains("with templates changed"));
    assert_eq!(
        to("C4").request.headers["authorization"],
        "Bearer xoxb-test"
    );
}
