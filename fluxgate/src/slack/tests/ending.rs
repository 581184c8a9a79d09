//! Flush and shutdown.

use super::*;
use crate::slack::SendError;

#[tokio::test(start_paused = true)]
async fn a_flush_waits_for_what_was_queued_before_it() {
    let rig = Rig::new(unlimited());
    rig.slack.will("#a", [Act::Slow(seconds(3))]);
    rig.slack.will("#b", [Act::Slow(seconds(8))]);
    rig.send("#a", 0);
    let shared = rig.shared.clone();
    let flush = tokio::spawn(async move {
        shared.flushed().await;
        Instant::now()
    });
    settle().await;
    rig.send("#b", 0);
    let took = flush.await.unwrap() - rig.slack.started;
    assert_eq!(took, seconds(3));
    assert_eq!(rig.shared.stats().queue_size, 1);
}

#[tokio::test(start_paused = true)]
async fn shutdown_refuses_new_and_sends_queued() {
    let rig = Rig::new(DeliveryPolicy::slack_proxy());
    for i in 0..5 {
        rig.send("#a", i);
    }
    rig.shared.close(None);
    let refused = rig.shared.offer(message("#a", "late"));
    assert_eq!(refused, Err(SendError::Closed));
    assert_eq!(rig.shared.joined().await.left, 0);
    let stats = rig.shared.stats();
    assert_eq!((stats.total().succeeded, stats.refused), (5, 1));
    assert_eq!(rig.slack.times(), [0, 0, 0, 1000, 2000]);
}

/// Shuts down after a millisecond, with four seconds left.
async fn end(rig: &Rig) -> (usize, Duration) {
    settle().await;
    rig.shared.close(Some(seconds(4)));
    let left = rig.shared.joined().await.left;
    (left, rig.slack.started.elapsed())
}

#[tokio::test(start_paused = true)]
async fn late_retry_is_tried_once_more_at_once() {
    let rig = Rig::new(unlimited().backoff(seconds(60), seconds(60)));
    rig.slack.will("#back", [Act::Refuse]);
    rig.slack.will("#gone", vec![Act::Refuse; 9]);
    rig.send("#back", 0);
    rig.send("#gone", 0);
    rig.send("#gone", 1);
    assert_eq!(end(&rig).await, (0, Duration::from_millis(1)));
    let total = rig.shared.stats().total();
    // The first attempt, one more for each, and one that fails at once and
    // has its last chance.
    assert_eq!(rig.slack.times().len(), 6);
    assert_eq!((total.succeeded, total.failed), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn what_hangs_is_given_up_when_time_is_up() {
    let rig = Rig::new(unlimited());
    rig.slack.will("#a", [Act::Hang]);
    rig.send("#a", 0);
    rig.send("#a", 1);
    assert_eq!(end(&rig).await, (2, Duration::from_millis(4001)));
    assert_eq!(rig.shared.stats().total().dropped, 2);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_what_can_not_be_in_time() {
    let rig = Rig::new(unlimited());
    rig.slack.will("#a", [Act::Limit(30)]);
    rig.send("#a", 0);
    assert_eq!(end(&rig).await, (1, Duration::from_millis(1)));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_of_the_first_shutdown_stands() {
    let rig = Rig::new(unlimited());
    rig.slack.will("#a", [Act::Hang]);
    rig.send("#a", 0);
    settle().await;
    rig.shared.close(None);
    rig.shared.close(Some(seconds(1)));
    rig.shared.close(Some(seconds(100)));
    assert_eq!(rig.shared.joined().await.left, 1);
    assert_eq!(rig.slack.started.elapsed(), Duration::from_millis(1001));
}
