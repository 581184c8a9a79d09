//! Rates and bursts.

use super::*;
use crate::slack::Rate;

async fn times(policy: DeliveryPolicy, channels: &[&str], count: usize) -> Vec<u128> {
    let rig = Rig::new(policy.queue_size(1000));
    for i in 0..count {
        rig.send(channels[i % channels.len()], i);
    }
    rig.drained().await.0.times()
}

#[tokio::test(start_paused = true)]
async fn slack_proxy_paces_all_channels_together() {
    let policy = DeliveryPolicy::slack_proxy();
    let expected = [0, 0, 0, 1000, 2000, 3000];
    assert_eq!(times(policy.clone(), &["#a"], 6).await, expected);
    assert_eq!(times(policy.clone(), &["#a", "#b"], 6).await, expected);

    let one = policy.clone().token_rate(Rate::new(seconds(1), 1));
    assert_eq!(times(one, &["#a"], 10).await.last(), Some(&9000));
    let ten = policy.clone().token_rate(Rate::new(seconds(1), 10));
    assert_eq!(times(ten, &["#a"], 20).await.last(), Some(&10_000));
    let quarter = policy.token_rate(Rate::new(Duration::from_millis(250), 1));
    assert_eq!(times(quarter, &["#a"], 20).await.last(), Some(&4750));
}

#[tokio::test(start_paused = true)]
async fn recommended_policy_has_a_rate_per_channel() {
    let times = times(steady(), &["#a", "#b"], 12).await;
    assert_eq!(
        times,
        [0, 0, 0, 0, 0, 0, 1000, 1000, 2000, 2000, 3000, 3000]
    );
}

#[tokio::test(start_paused = true)]
async fn the_rate_of_the_token_holds_over_all_channels() {
    let names: Vec<_> = (0..40).map(|i| format!("#{i}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let times = times(steady(), &names, 40).await;
    assert_eq!(times[19], 0);
    assert_eq!(times[20], 200);
    assert_eq!(times[39], 4000);
}

#[tokio::test(start_paused = true)]
async fn retries_keep_the_rate_unless_slack_proxy() {
    for (policy, expected) in [
        (
            steady().channel_rate(Rate::new(seconds(5), 1)),
            [0, 5000, 10_000],
        ),
        (
            DeliveryPolicy::slack_proxy().token_rate(Rate::new(seconds(5), 1)),
            [0, 1000, 5000],
        ),
    ] {
        let rig = Rig::new(policy);
        rig.slack.will("#a", [Act::Code("internal_error")]);
        rig.send("#a", "first");
        rig.send("#a", "second");
        assert_eq!(rig.drained().await.0.times(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn requests_are_under_way_one_for_each_channel() {
    for (policy, expected) in [
        (unlimited(), [0, 0, 0, 1000, 1000, 1000]),
        (
            DeliveryPolicy::slack_proxy().token_rate(None),
            [0, 1000, 2000, 3000, 4000, 5000],
        ),
    ] {
        let rig = Rig::new(policy);
        for channel in ["#a", "#b", "#c"] {
            rig.slack.will(channel, vec![Act::Slow(seconds(1)); 2]);
        }
        for channel in ["#a", "#b", "#c", "#a", "#b", "#c"] {
            rig.send(channel, 0);
        }
        assert_eq!(rig.drained().await.0.times(), expected);
    }
}
