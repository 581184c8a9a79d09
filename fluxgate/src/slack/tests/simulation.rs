//! The scheduler against what must hold in every run, over random ones.

use super::*;
use crate::{
    random::{Random, Seeded},
    slack::{
        Class, MessageSlot, Rate,
        api::response::Judgement,
        queue::scheduler::{Job, Scheduler, Step},
    },
};

/// A message to one of five channels, in a slot or in none.
fn numbered(random: &mut Seeded, number: u64) -> Message {
    let channel = ["#a", "#b", "#c", "#d", "#e"][pick(random, 5)];
    let message = message(channel, number);
    if pick(random, 2) == 0 {
        return message;
    }
    message.in_slot(MessageSlot {
        listener: pick(random, 2) as u64,
        breaker: "breaker".into(),
        instance: 0,
    })
}

fn pick(random: &mut Seeded, below: usize) -> usize {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let picked = (random.next_f64() * below as f64) as usize;
    picked
}

fn verdict(random: &mut Seeded) -> Judgement {
    let class = match pick(random, 12) {
        0..6 => return Judgement::Delivered(None),
        6..9 => Class::Retry,
        9 => Class::RateLimited,
        10 => Class::Pause,
        _ => Class::Permanent,
    };
    Judgement::refused(class, "code")
}

fn text(job: &Job) -> u64 {
    let body: Value = serde_json::from_str(&job.message.finish(0, false)).unwrap();
    body["text"].as_u64().unwrap()
}

#[test]
fn order_bounds_and_counts_hold_in_every_run() {
    for seed in 0..200 {
        run(seed);
    }
}

fn run(seed: u64) {
    let mut random = Seeded::new(seed);
    let rate = Rate::new(Duration::from_millis(100), 2);
    let policy = DeliveryPolicy::recommended()
        .queue_size(20)
        .channel_rate(rate)
        .max_retries(2)
        .max_rate_limited(1)
        .backoff(Duration::from_millis(50), seconds(1))
        .pause(seconds(3));
    let mut scheduler = Scheduler::new(policy);
    let (mut now, mut number) = (Duration::ZERO, 0);
    let mut flying: Vec<Job> = Vec::new();
    let mut newest: HashMap<Arc<str>, u64> = HashMap::new();
    let mut starts: HashMap<Arc<str>, Vec<Duration>> = HashMap::new();

    for _ in 0..400 {
        for _ in 0..pick(&mut random, 3) {
            let _ = scheduler.offer(numbered(&mut random, number));
            number += 1;
        }
        let wait = loop {
            match scheduler.next(now) {
                Step::Send(job) => {
                    let last = newest.entry(job.lane.clone()).or_default();
                    assert!(*last <= text(&job), "seed {seed}: order in {}", job.lane);
                    *last = text(&job);
                    starts.entry(job.lane.clone()).or_default().push(now);
                    flying.push(job);
                }
                Step::Skipped(_) => {}
                Step::Wait(until) => break until,
            }
        };
        let mut lanes: Vec<_> = flying.iter().map(|job| &job.lane).collect();
        lanes.sort();
        assert!(
            lanes.windows(2).all(|pair| pair[0] != pair[1]),
            "seed {seed}"
        );
        assert!(scheduler.size() <= 20, "seed {seed}");
        assert!(wait.is_none_or(|until| until > now), "seed {seed}");

        if !flying.is_empty() && pick(&mut random, 2) == 0 {
            let landed = flying.swap_remove(pick(&mut random, flying.len()));
            let verdict = verdict(&mut random);
            assert!(
                scheduler
                    .settle(&landed.lane, verdict, false, now)
                    .is_some()
            );
        }
        now += Duration::from_millis(pick(&mut random, 100) as u64);
    }
    let left = scheduler.left(u64::MAX) as u64;
    assert_eq!(scheduler.abandon().len() as u64, left);
    let total = scheduler.stats.total();
    assert_eq!(total.received + scheduler.stats.refused, number);
    assert_eq!(
        total.received,
        total.succeeded + total.failed + total.not_processed + total.dropped,
        "seed {seed}"
    );
    for times in starts.values() {
        // Any three starts of a channel span the time of one.
        for window in times.windows(3) {
            assert!(
                window[2] >= window[0] + Duration::from_millis(100),
                "seed {seed}"
            );
        }
    }
}

#[test]
fn channels_without_messages_are_forgotten() {
    let mut scheduler = Scheduler::new(unlimited().channel_rate(Rate::new(seconds(1), 1)));
    for i in 0..10_000_u32 {
        let now = Duration::from_millis(u64::from(i) * 10);
        scheduler.offer(message(&format!("#{i}"), i)).unwrap();
        let Step::Send(job) = scheduler.next(now) else {
            panic!("message {i} can go out at once");
        };
        scheduler.settle(&job.lane, Judgement::Delivered(None), false, now);
        assert!(scheduler.lanes.len() <= 1024);
    }
}
