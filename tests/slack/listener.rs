//! What the listener posts.

use std::{sync::Arc, time::Duration};

use fluxgate::{
    CallNotPermitted, CircuitBreaker, Listener, Signal, State,
    clock::ManualClock,
    listener::{SlackLabels, SlackListener, SlackTemplate, SlackTemplates},
    permit,
    registry::SavedState,
    retry,
    slack::Error,
    tripper::{FailureRate, FailureStreak, MinRequests},
};
use serde_json::Value;

use crate::{
    fake::{Act, Slack},
    rig::{deliver, hasty},
};

const LONG: Duration = Duration::from_secs(10);

fn listener(slack: &Slack, templates: SlackTemplates) -> SlackListener {
    SlackListener::builder()
        .channel("C1")
        .delivery(deliver(slack, &hasty()))
        .templates(templates)
        .build()
        .unwrap()
}

/// Open, a failed probe, and back.
const CYCLE: [(State, State); 5] = [
    (State::Closed, State::Open),
    (State::Open, State::HalfOpen),
    (State::HalfOpen, State::Open),
    (State::Open, State::HalfOpen),
    (State::HalfOpen, State::Closed),
];

fn signal(name: &'static str, (old, new): (State, State)) -> Signal {
    Signal::new(name, old, new, std::time::UNIX_EPOCH)
}

fn title(body: &Value) -> &str {
    let text = &body["attachments"][0]["blocks"][0]["text"]["text"];
    text.as_str().unwrap()
}

fn fields(body: &Value) -> Vec<&str> {
    let fields = &body["attachments"][0]["blocks"][1]["fields"];
    let fields = fields.as_array().unwrap().iter();
    fields
        .map(|field| field["text"].as_str().unwrap())
        .collect()
}

#[derive(Debug)]
enum Failure {
    Down,
    Rejected,
}

impl From<CallNotPermitted> for Failure {
    fn from(_: CallNotPermitted) -> Self {
        Self::Rejected
    }
}

#[test]
fn a_breaker_tells_its_whole_story_in_one_thread() {
    let slack = Slack::start();
    let clock = ManualClock::new();
    let breaker = CircuitBreaker::builder("payments")
        .tripper(MinRequests::new(4) & FailureRate::new(0.5))
        .retry(retry::Cooldown::new(Duration::from_secs(60)))
        .permit(permit::All)
        .clock(clock.clone())
        .listener(listener(&slack, SlackTemplates::default()))
        .build()
        .unwrap();
    for i in 0..4 {
        let _ = breaker.call(|| if i < 2 { Ok(()) } else { Err(Failure::Down) });
    }
    clock.advance(Duration::from_secs(60));
    breaker.call(|| Ok::<_, Failure>(())).unwrap();
    let bodies: Vec<_> = slack
        .wait(3)
        .into_iter()
        .map(|arrival| arrival.json)
        .collect();

    let [open, half_open, closed] = &bodies[..] else {
        panic!("{bodies:?}");
    };
    assert!(open.get("thread_ts").is_none());
    let fields = fields(open);
    assert_eq!(
        fields[4],
        "*Reason:*\nfailure rate 50 % of 4 calls reached 50 %"
    );
    assert!(fields[5].starts_with("*Next Attempt:*\n<!date^"));
    assert_eq!(
        open["text"],
        "🚨 Circuit Breaker Triggered: payments (closed → open), failure rate 50 % of 4 calls reached 50 %"
    );
    for reply in [half_open, closed] {
        assert_eq!(reply["thread_ts"], "1700000000.000001");
    }
    assert!(half_open.get("reply_broadcast").is_none());
    assert_eq!(closed["reply_broadcast"], true);
}

#[test]
fn templates_may_be_in_another_language() {
    let words = |title, color, description| SlackTemplate::new(title, color, description);
    let [closed, open, half_open] = [State::Closed, State::Open, State::HalfOpen];
    let mut labels = SlackLabels::default();
    labels.circuit_breaker = "서킷 브레이커".into();
    labels.state_transition = "상태 변경".into();
    labels.transition_time = "변경 시각".into();
    labels.description = "설명".into();
    let templates = SlackTemplates::new(words(
        "ℹ️ 서킷 브레이커 상태 변경",
        "#808080",
        "상태가 변경되었습니다.",
    ))
    .transition(
        closed,
        open,
        words(
            "🚨 서킷 브레이커 작동: {name}",
            "#FF4C4C",
            "실패율이 임계값을 초과했습니다.",
        ),
    )
    .transition(
        open,
        half_open,
        words(
            "🔄 복구 시도",
            "#FFA500",
            "일부 요청으로 상태를 확인합니다.",
        ),
    )
    .transition(
        half_open,
        open,
        words(
            "⚠️ 서킷 브레이커 재작동",
            "#FF4C4C",
            "테스트 요청이 실패했습니다.",
        ),
    )
    .transition(
        half_open,
        closed,
        words("✅ 서비스 복구", "#36a64f", "서비스가 정상입니다."),
    )
    .labels(labels);
    let slack = Slack::start();
    let listener = listener(&slack, templates);
    for pair in CYCLE {
        listener.on_signal(&signal("결제 <API>", pair));
    }
    listener.on_signal(&signal("결제 <API>", (State::Closed, State::Disabled)));
    assert_eq!(listener.delivery().flush(LONG).left, 0);

    let bodies = slack.bodies();
    let titles: Vec<_> = bodies.iter().map(title).collect();
    assert_eq!(
        titles,
        [
            "*🚨 서킷 브레이커 작동: 결제 &lt;API&gt;*",
            "*🔄 복구 시도*",
            "*⚠️ 서킷 브레이커 재작동*",
            "*🔄 복구 시도*",
            "*✅ 서비스 복구*",
            "*ℹ️ 서킷 브레이커 상태 변경*",
        ]
    );
    assert_eq!(
        fields(&bodies[4]),
        [
            "*서킷 브레이커:*\n결제 &lt;API&gt;",
            "*상태 변경:*\nhalf_open → closed",
            "*변경 시각:*\n<!date^0^{date_num} {time_secs}|1970-01-01 00:00:00 UTC>",
            "*설명:*\n서비스가 정상입니다.",
        ]
    );
    assert_eq!(bodies[4]["attachments"][0]["color"], "#36a64f");
}

#[test]
fn breakers_of_one_listener_have_own_threads() {
    let slack = Slack::start();
    let listener = listener(&slack, SlackTemplates::default());
    for name in ["one", "two"] {
        listener.on_signal(&signal(name, CYCLE[0]));
    }
    for name in ["one", "two"] {
        listener.on_signal(&signal(name, CYCLE[1]));
    }
    assert_eq!(listener.delivery().flush(LONG).left, 0);
    let bodies = slack.bodies();
    assert_eq!(bodies[2]["thread_ts"], "1700000000.000001");
    assert_eq!(bodies[3]["thread_ts"], "1700000000.000002");
}

#[test]
fn breakers_of_one_name_have_own_threads() {
    let slack = Slack::start();
    let listener = Arc::new(listener(&slack, SlackTemplates::default()));
    let breaker = || {
        CircuitBreaker::builder("shared")
            .tripper(FailureStreak::new(1))
            .retry(retry::Never)
            .listener(listener.clone())
            .build()
            .unwrap()
    };
    let open = |breaker: &CircuitBreaker| {
        let _ = breaker.call(|| Err::<(), _>(Failure::Down));
    };
    let sent = || {
        assert_eq!(listener.delivery().flush(LONG).left, 0);
        slack.bodies().pop().unwrap()
    };
    let thread = |body: &Value| body.get("thread_ts").cloned();
    let (one, two) = (breaker(), breaker());
    for (breaker, _) in [(&one, 1), (&two, 2)] {
        open(breaker);
        assert_eq!(thread(&sent()), None);
    }
    one.reset();
    let closed = sent();
    assert_eq!(closed["thread_ts"], "1700000000.000001");
    assert!(closed.get("reply_broadcast").is_none());
    let note = "_Other circuit breakers of this name are still open_";
    assert!(fields(&closed)[3].ends_with(note), "{closed}");
    two.reset();
    let closed = sent();
    assert_eq!(closed["thread_ts"], "1700000000.000002");
    assert_eq!(closed["reply_broadcast"], true);

    // One that is dropped while open leaves nothing to its successor.
    open(&two);
    drop(two);
    let successor = breaker();
    open(&successor);
    assert_eq!(thread(&sent()), None);
    successor.reset();
    assert_eq!(sent()["thread_ts"], "1700000000.000006");
}

#[test]
fn channels_are_as_slack_has_them() {
    let build = |channel: &str| {
        let url = "http://127.0.0.1:1/";
        let builder = SlackListener::builder().token("xoxb-1").url(url);
        builder.channel(channel).build()
    };
    for good in ["C0123456789", "#alerts", &"é".repeat(80)] {
        build(good).unwrap();
    }
    for bad in ["a\nb", "a\u{9b}b", "\0", &"é".repeat(81), "xoxb-1-abc"] {
        let error = build(bad).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(shown.contains("at most 80 characters"), "{shown}");
        assert!(shown.chars().count() < 500, "{shown}");
        assert!(!shown.chars().any(char::is_control), "{shown}");
        assert!(!shown.contains("abc"), "{shown}");
    }
    let endless = build(&"x".repeat(10_000_000)).unwrap_err();
    assert!(endless.to_string().len() < 500);
}

#[test]
fn builder_shows_neither_token_nor_webhook() {
    let url = "http://hooks.slack.com/services/T/B/hook-secret";
    let builder = SlackListener::builder()
        .channel("C1")
        .token("tok-secret")
        .url(url);
    let shown = format!("{builder:?} {builder:#?}");
    assert!(!shown.contains("secret"), "{shown}");
}

#[test]
fn thread_ends_even_if_its_last_message_is_lost() {
    let slack = Slack::start();
    let listener = listener(&slack, SlackTemplates::default());
    slack.will([Act::Ok, Act::code("msg_too_long"), Act::Ok]);
    for pair in [CYCLE[0], CYCLE[4], CYCLE[0]] {
        listener.on_signal(&signal("lost", pair));
    }
    assert_eq!(listener.delivery().flush(LONG).left, 0);
    let threads: Vec<_> = (slack.bodies().iter())
        .map(|body| body.get("thread_ts").is_some())
        .collect();
    assert_eq!(threads, [false, true, false]);
}

#[test]
fn restored_circuit_opens_no_thread() {
    let slack = Slack::start();
    let listener = Arc::new(listener(&slack, SlackTemplates::default()));
    let _time = fluxgate::testing::isolate();
    let breaker = CircuitBreaker::builder("restored")
        .permit(permit::All)
        .listener(Arc::clone(&listener))
        .build()
        .unwrap();
    let text = r#"{"version": 1, "saved_at": 0.0, "circuits": [{"name": "restored",
        "state": "half_open", "changed_at": 0.0, "next_attempt": null}]}"#;
    let saved: SavedState = serde_json::from_str(text).unwrap();
    assert_eq!(saved.restore(Duration::MAX).restored.len(), 1);
    assert_eq!(breaker.state(), State::Open);
    assert_eq!(listener.delivery().flush(LONG).left, 0);
    assert_eq!(slack.bodies(), Vec::<Value>::new());
    // What happens from now on is told, in the channel.
    breaker.acquire().unwrap().success();
    assert_eq!(listener.delivery().flush(LONG).left, 0);
    let bodies = slack.bodies();
    assert_eq!(bodies.len(), 2);
    assert!(bodies.iter().all(|body| body.get("thread_ts").is_none()));
}

#[test]
fn an_answer_without_a_name_makes_no_thread() {
    let slack = Slack::start();
    slack.then(Act::text(200, r#"{"ok":true}"#));
    let listener = listener(&slack, SlackTemplates::default());
    for pair in CYCLE {
        listener.on_signal(&signal("nameless", pair));
    }
    assert_eq!(listener.delivery().flush(LONG).left, 0);
    for body in slack.bodies() {
        assert!(body.get("thread_ts").is_none() && body.get("reply_broadcast").is_none());
    }
}

#[test]
fn what_can_not_be_built_says_what_is_missing() {
    let builder = SlackListener::builder;
    let url = "http://127.0.0.1:1/";
    for (build, expected) in [
        (builder().token("xoxb-1").url(url), "`channel` is \"\""),
        (
            builder().channel(" ").token("xoxb-1").url(url),
            "`channel` is \" \"",
        ),
        (builder().channel("C1").url(url), "there is none"),
        (builder().channel("C1").token("").url(url), "it is empty"),
        (
            builder().channel("C1").token("xoxb-1").url("slack"),
            "`url`",
        ),
        (
            builder().channel("C1").token_from_env("FLUXGATE_NO_SUCH"),
            "`FLUXGATE_NO_SUCH`",
        ),
        (
            builder().channel_from_env("FLUXGATE_NO_SUCH"),
            "`FLUXGATE_NO_SUCH`",
        ),
    ] {
        let error: Error = build.build().unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}
