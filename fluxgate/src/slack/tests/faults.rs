//! What must not end the delivery.

use super::*;
use crate::slack::Class;

#[tokio::test(start_paused = true)]
async fn an_attempt_that_panics_is_one_that_failed() {
    let rig = Rig::new(unlimited());
    rig.slack.will("#a", [Act::Panic, Act::Panic]);
    rig.send("#a", 0);
    rig.send("#b", 0);
    let (slack, stats) = rig.drained().await;
    assert_eq!(slack.times(), [0, 0, 1000, 3000]);
    assert_eq!((stats.total().succeeded, stats.panics), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn so_is_one_whose_classification_panics() {
    let policy = unlimited().max_retries(2).classify(|code| match code {
        "bad" => panic!("no idea"),
        _ => Some(Class::Permanent),
    });
    let rig = Rig::new(policy);
    rig.slack.will("#a", [Act::Code("bad"), Act::Code("other")]);
    rig.send("#a", 0);
    let (slack, stats) = rig.drained().await;
    assert_eq!(slack.times(), [0, 1000]);
    assert_eq!((stats.total().failed, stats.panics), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn restarted_worker_goes_on_where_it_was() {
    let rig = Rig::new(unlimited());
    rig.slack.will("#a", [Act::Hang]);
    rig.send("#a", 0);
    rig.send("#a", 1);
    settle().await;
    // As after a panic in the loop: the requests under way are gone with it.
    rig.worker.abort();
    let _ = rig.worker.await;
    let now = rig.shared.now();
    rig.shared
        .with_scheduler(|scheduler| scheduler.recover(now));

    let shared = rig.shared.clone();
    let worker = tokio::spawn(async move { worker::run(&shared).await });
    rig.shared.close(None);
    worker.await.unwrap();
    assert_eq!(
        rig.slack.arrivals(),
        [(0, "#a 0"), (1001, "#a 0"), (1001, "#a 1")].map(|(at, text)| (at, text.into()))
    );
    let stats = rig.shared.stats();
    assert_eq!((stats.total().succeeded, stats.panics), (2, 1));
}
