//! When the queue is full.

use super::*;
use crate::slack::{MessageSlot, SendError, message::Content};

struct Numbered(u64);

impl Content for Numbered {
    fn body(&self, missed: u64) -> String {
        json!({"channel": "#a", "text": format!("{} after {missed}", self.0)}).to_string()
    }

    fn size(&self) -> usize {
        100
    }
}

fn slotted(slot: &'static str, number: u64) -> Message {
    let slot = MessageSlot {
        listener: 0,
        breaker: slot.into(),
        instance: 0,
    };
    Message::from_content("#a".into(), Arc::new(Numbered(number))).in_slot(slot)
}

#[tokio::test(start_paused = true)]
async fn slack_proxy_refuses_at_nine_tenths() {
    let rig = Rig::new(DeliveryPolicy::slack_proxy().queue_size(10));
    rig.slack.will("#a", vec![Act::Hang; 30]);
    for i in 0..10 {
        assert!(!rig.shared.is_full());
        rig.send("#a", i);
    }
    assert!(rig.shared.is_full());
    let refused = rig.shared.offer(message("#a", "one too many"));
    assert_eq!(refused, Err(SendError::QueueFull));
    let stats = rig.shared.stats();
    assert_eq!(
        (stats.queue_size, stats.refused, stats.total().received),
        (9, 1, 10)
    );
}

#[tokio::test(start_paused = true)]
async fn slack_proxy_with_a_queue_of_one_takes_nothing() {
    let rig = Rig::new(DeliveryPolicy::slack_proxy().queue_size(1));
    assert!(rig.shared.is_full());
    for message in [message("#a", 0), slotted("one", 0)] {
        assert_eq!(rig.shared.offer(message), Err(SendError::QueueFull));
    }
}

#[tokio::test(start_paused = true)]
async fn newest_of_a_slot_waits_beside_a_full_queue() {
    let rig = Rig::new(unlimited().queue_size(2));
    for number in 0..10 {
        rig.shared.offer(slotted("one", number)).unwrap();
        rig.shared.offer(slotted("two", 100 + number)).unwrap();
    }
    let refused = rig.shared.offer(message("#a", "in no slot"));
    assert_eq!(refused, Err(SendError::QueueFull));
    let (slack, stats) = rig.drained().await;
    let texts: Vec<_> = slack.arrivals().into_iter().map(|(_, text)| text).collect();
    assert_eq!(
        texts,
        [
            "#a 0 after 0",
            "#a 100 after 0",
            "#a 9 after 8",
            "#a 109 after 8"
        ]
    );
    let total = stats.total();
    assert_eq!(
        (total.received, total.succeeded, total.dropped),
        (20, 4, 16)
    );
    assert_eq!(stats.refused, 1);
}

#[tokio::test(start_paused = true)]
async fn outage_leaves_the_queue_and_the_last() {
    let rig = Rig::new(unlimited());
    rig.slack.will("#a", vec![Act::Refuse; 3]);
    for number in 0..100_000 {
        rig.shared.offer(slotted("one", number)).unwrap();
    }
    assert_eq!(rig.shared.stats().queue_size, 100);
    let (slack, stats) = rig.drained().await;
    assert_eq!(slack.arrivals().last().unwrap().1, "#a 99999 after 99899");
    let total = stats.total();
    assert_eq!(
        (total.received, total.succeeded, total.dropped, total.failed),
        (100_000, 101, 99_899, 0)
    );
}
