//! Retries, backoff, `Retry-After`.

use super::*;

#[tokio::test(start_paused = true)]
async fn slack_proxy_doubles_waits_and_counts_retries() {
    let rig = Rig::new(DeliveryPolicy::slack_proxy().max_retries(3));
    rig.slack.will("#a", vec![Act::Code("internal_error"); 9]);
    rig.send("#a", "lost");
    let (slack, stats) = rig.drained().await;
    assert_eq!(slack.times(), [0, 1000, 3000, 7000]);
    let total = stats.total();
    assert_eq!((total.retried, total.failed), (4, 1));
}

#[tokio::test(start_paused = true)]
async fn the_recommended_policy_tries_for_five_minutes() {
    let rig = Rig::new(steady());
    rig.slack.will("#a", vec![Act::Refuse; 20]);
    rig.send("#a", "lost");
    let (slack, stats) = rig.drained().await;
    assert_eq!(slack.times().len(), 11);
    assert_eq!(slack.times().last(), Some(&303_000));
    let total = stats.total();
    assert_eq!((total.retried, total.failed), (10, 1));
}

#[tokio::test(start_paused = true)]
async fn jitter_spreads_the_retries_within_its_share() {
    let rig = Rig::new(unlimited().jitter_ratio(0.2).max_retries(1));
    for i in 0..50 {
        let channel = format!("#{i}");
        rig.slack.will(&channel, [Act::Refuse]);
        rig.send(&channel, i);
    }
    let (slack, _) = rig.drained().await;
    let retries = slack.times().split_off(50);
    assert!(
        retries.iter().all(|at| (800..=1200).contains(at)),
        "{retries:?}"
    );
    assert!(retries.iter().max().unwrap() - retries.iter().min().unwrap() > 100);
}

#[tokio::test(start_paused = true)]
async fn the_order_in_a_channel_survives_retries() {
    let rig = Rig::new(unlimited());
    rig.slack
        .will("#a", [Act::Status(503), Act::Refuse, Act::Hang]);
    for text in ["1", "2", "3"] {
        rig.send("#a", text);
    }
    let (slack, _) = rig.drained().await;
    let texts: Vec<_> = slack.arrivals().into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, ["#a 1", "#a 1", "#a 1", "#a 1", "#a 2", "#a 3"]);
}

#[tokio::test(start_paused = true)]
async fn slack_proxy_lets_one_channel_hold_up_all() {
    let rig = Rig::new(DeliveryPolicy::slack_proxy());
    rig.slack.will("#bad", vec![Act::Code("internal_error"); 3]);
    rig.send("#bad", 0);
    rig.send("#good", 0);
    assert_eq!(rig.drained().await.0.times(), [0, 1000, 3000, 3000]);
}

#[tokio::test(start_paused = true)]
async fn recommended_policy_has_independent_channels() {
    for trouble in [Act::Hang, Act::Refuse, Act::Code("internal_error")] {
        let rig = Rig::new(unlimited());
        rig.slack.will("#bad", vec![trouble; 3]);
        rig.send("#bad", 0);
        for i in 0..3 {
            rig.send("#good", i);
        }
        let (slack, stats) = rig.drained().await;
        let good: Vec<_> = slack
            .arrivals()
            .into_iter()
            .filter(|(_, text)| text.starts_with("#good"))
            .collect();
        assert_eq!(
            good,
            [
                (0, "#good 0".into()),
                (0, "#good 1".into()),
                (0, "#good 2".into())
            ]
        );
        assert_eq!(stats.total().succeeded, 4);
    }
}

#[tokio::test(start_paused = true)]
async fn slack_proxy_does_not_look_at_retry_after() {
    let rig = Rig::new(DeliveryPolicy::slack_proxy());
    rig.slack.will("#a", [Act::Limit(5)]);
    rig.send("#a", 0);
    assert_eq!(rig.drained().await.0.times(), [0, 1000]);
}

#[tokio::test(start_paused = true)]
async fn rate_limit_holds_every_channel() {
    let rig = Rig::new(unlimited());
    rig.slack.will("#a", [Act::Limit(7)]);
    rig.send("#a", 0);
    settle().await;
    rig.send("#b", 0);
    let (slack, stats) = rig.drained().await;
    let expected = [(0, "#a 0"), (7000, "#a 0"), (7000, "#b 0")];
    assert_eq!(
        slack.arrivals(),
        expected.map(|(at, text)| (at, text.into()))
    );
    assert_eq!(stats.total().retried, 1);
}

#[tokio::test(start_paused = true)]
async fn rate_limit_without_header_waits_30_s() {
    for (policy, act, expected) in [
        (unlimited(), Act::Code("ratelimited"), 30_000),
        (unlimited(), Act::Limit(1_000_000), 3_600_000),
        (
            unlimited().max_retry_after(seconds(2)),
            Act::Limit(60),
            2000,
        ),
        (
            unlimited().max_retry_after(seconds(2)),
            Act::Status(429),
            2000,
        ),
    ] {
        let rig = Rig::new(policy);
        rig.slack.will("#a", [act]);
        rig.send("#a", 0);
        assert_eq!(rig.drained().await.0.times(), [0, expected]);
    }
}

#[tokio::test(start_paused = true)]
async fn endless_rate_limits_use_up_retries() {
    let rig = Rig::new(unlimited().max_retries(1));
    rig.slack.will("#a", vec![Act::Limit(1); 30]);
    rig.send("#a", "lost");
    let (slack, stats) = rig.drained().await;
    // Ten for nothing, one retry, and the last straw.
    assert_eq!(slack.times().len(), 12);
    assert_eq!(stats.total().failed, 1);
}

#[tokio::test(start_paused = true)]
async fn another_error_ends_a_row_of_rate_limits() {
    let rig = Rig::new(unlimited().max_retries(1).max_rate_limited(1));
    rig.slack
        .will("#a", [Act::Limit(1), Act::Refuse, Act::Limit(1)]);
    rig.send("#a", 0);
    assert_eq!(rig.drained().await.1.total().succeeded, 1);
}

#[tokio::test(start_paused = true)]
async fn a_busy_server_says_when_to_come_again() {
    let rig = Rig::new(unlimited());
    rig.slack.will("#a", [Act::Busy(20)]);
    rig.send("#a", 0);
    settle().await;
    rig.send("#b", 0);
    let (slack, _) = rig.drained().await;
    let expected = [(0, "#a 0"), (1, "#b 0"), (20_000, "#a 0")];
    assert_eq!(
        slack.arrivals(),
        expected.map(|(at, text)| (at, text.into()))
    );
}

#[tokio::test(start_paused = true)]
async fn permanent_errors_are_not_tried_again() {
    for policy in [unlimited(), DeliveryPolicy::slack_proxy()] {
        let rig = Rig::new(policy);
        rig.slack.will("#a", [Act::Code("not_in_channel")]);
        rig.send("#a", 0);
        rig.send("#a", 1);
        let (slack, stats) = rig.drained().await;
        assert_eq!(slack.times(), [0, 0]);
        let total = stats.total();
        assert_eq!((total.failed, total.retried, total.succeeded), (1, 0, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_takes_no_longer_than_its_timeout() {
    let rig = Rig::new(unlimited().max_retries(1));
    rig.slack.will("#a", [Act::Hang, Act::Slow(seconds(9))]);
    rig.send("#a", 0);
    let (slack, stats) = rig.drained().await;
    assert_eq!(slack.times(), [0, 11_000]);
    assert_eq!(stats.total().succeeded, 1);
    assert_eq!(stats.requests.sum, seconds(19));
}
