//! Channels that can't be posted to.

use super::*;
use crate::slack::Rate;

/// Fifteen minutes, but for two milliseconds.
const ALMOST: Duration = Duration::from_millis(15 * 60 * 1000 - 2);

#[tokio::test(start_paused = true)]
async fn unreachable_channel_rests_15_min() {
    for policy in [unlimited(), DeliveryPolicy::slack_proxy().token_rate(None)] {
        let rig = Rig::new(policy);
        rig.slack.will("#gone", [Act::Code("channel_not_found")]);
        rig.send("#gone", 0);
        settle().await;
        rig.send("#gone", 1);
        rig.send("#ok", 0);
        tokio::time::sleep(ALMOST).await;
        rig.send("#gone", 2);
        tokio::time::sleep(Duration::from_millis(1)).await;
        rig.send("#gone", 3);

        let (slack, stats) = rig.drained().await;
        let expected = [(0, "#gone 0"), (1, "#ok 0"), (900_000, "#gone 3")];
        assert_eq!(
            slack.arrivals(),
            expected.map(|(at, text)| (at, text.into()))
        );
        let gone = stats.channels["#gone"];
        assert_eq!(
            (
                gone.received,
                gone.not_processed,
                gone.succeeded,
                gone.failed
            ),
            (4, 3, 1, 0)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn slack_proxy_takes_a_token_for_the_skipped() {
    for (policy, expected) in [
        (DeliveryPolicy::slack_proxy(), 3000),
        (steady().token_rate(Rate::new(seconds(1), 3)), 1),
    ] {
        let rig = Rig::new(policy);
        rig.slack.will("#gone", [Act::Code("channel_not_found")]);
        rig.send("#gone", 0);
        settle().await;
        for i in 1..5 {
            rig.send("#gone", i);
        }
        rig.send("#ok", 0);
        assert_eq!(rig.drained().await.0.times(), [0, expected]);
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_pause_it_is_an_error_like_others() {
    let rig = Rig::new(unlimited().pause(Duration::ZERO));
    rig.slack.will("#gone", [Act::Code("channel_not_found")]);
    rig.send("#gone", 0);
    rig.send("#gone", 1);
    let (slack, stats) = rig.drained().await;
    assert_eq!(slack.times(), [0, 0]);
    assert_eq!((stats.total().failed, stats.total().succeeded), (1, 1));
}
