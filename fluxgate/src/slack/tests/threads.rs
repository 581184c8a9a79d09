//! Replies and their threads.

use super::*;
use crate::slack::Thread;

#[tokio::test(start_paused = true)]
async fn replies_wait_for_their_thread_to_begin() {
    let rig = Rig::new(unlimited());
    let thread = Thread::new();
    rig.slack.will("#a", [Act::Refuse]);
    let offer = |message| rig.shared.offer(message).unwrap();
    offer(message("#a", "open").starting(&thread));
    offer(message("#a", "probe").in_thread(&thread));
    offer(message("#a", "open again").starting(&thread));
    offer(message("#a", "closed").in_thread(&thread).broadcast());
    let (slack, _) = rig.drained().await;

    assert_eq!(thread.ts().as_deref(), Some("1.2"));
    let bodies = slack.bodies();
    assert_eq!(bodies[1], json!({"channel": "#a", "text": "open"}));
    assert_eq!(bodies[2]["thread_ts"], "1.2");
    assert_eq!(bodies[3]["thread_ts"], "1.2");
    assert_eq!(
        bodies[4],
        json!({"channel": "#a", "text": "closed", "thread_ts": "1.2", "reply_broadcast": true})
    );
}

#[tokio::test(start_paused = true)]
async fn reply_to_gone_thread_is_sent_outside_once() {
    let rig = Rig::new(unlimited().max_retries(0));
    let thread = Thread::new();
    rig.slack
        .will("#a", [Act::Ok, Act::Code("thread_not_found")]);
    let offer = |message| rig.shared.offer(message).unwrap();
    offer(message("#a", "open").starting(&thread));
    offer(message("#a", "closed").in_thread(&thread).broadcast());
    offer(message("#a", "after").in_thread(&thread));
    let (slack, stats) = rig.drained().await;

    let bodies = slack.bodies();
    assert_eq!(bodies[1]["thread_ts"], "1.1");
    assert_eq!(bodies[2], json!({"channel": "#a", "text": "closed"}));
    assert_eq!(bodies[3], json!({"channel": "#a", "text": "after"}));
    assert_eq!(stats.total().succeeded, 3);
}

#[tokio::test(start_paused = true)]
async fn reply_is_sent_outside_its_thread_only_once() {
    let rig = Rig::new(unlimited());
    rig.slack
        .will("#a", vec![Act::Code("cannot_reply_to_message"); 3]);
    let body = json!({"channel": "#a", "text": "x", "thread_ts": "9.9"});
    rig.shared
        .offer(Message::new("#a", &body).unwrap())
        .unwrap();
    rig.send("#a", "no reply");
    let (slack, stats) = rig.drained().await;
    let threads: Vec<_> = (slack.bodies().iter())
        .map(|body| body.get("thread_ts").is_some())
        .collect();
    assert_eq!(threads, [true, false, false]);
    assert_eq!(stats.total().failed, 2);
}
