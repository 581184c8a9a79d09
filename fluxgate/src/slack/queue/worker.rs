//! The thread that sends.

use std::{
    collections::HashMap,
    future::pending,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
    time::Duration,
};

use tokio::{
    runtime::{self, Runtime},
    task::{self, JoinSet},
    time::{Instant, sleep_until, timeout},
};

use super::{
    NextStep, QueueShared,
    scheduler::{Job, Step},
};
use crate::slack::{
    Class,
    api::{body::has_thread, response::Judgement},
    report,
};

/// Starts a thread with a runtime of its own: a breaker may outlive the runtime
/// it was built in, or know none.
pub(crate) fn spawn(shared: Arc<QueueShared>) -> io::Result<()> {
    thread::Builder::new()
        .name("fluxgate-slack".into())
        .spawn(move || {
            // Not by the caller: a runtime can't be dropped in async code, as
            // it would have to be if there were no thread for it.
            match runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => work(&shared, runtime),
                Err(error) => report::not_started(&error),
            }
            shared.ended();
        })?;
    Ok(())
}

fn work(shared: &Arc<QueueShared>, runtime: Runtime) {
    while catch_unwind(AssertUnwindSafe(|| runtime.block_on(run(shared)))).is_err() {
        report::panicked();
        let now = shared.now();
        shared.with_scheduler(|scheduler| scheduler.recover(now));
        shared.progressed();
        // Should it panic each time, then not all the time.
        thread::sleep(Duration::from_millis(100));
    }
    // Not to wait for a name lookup that hangs.
    runtime.shutdown_background();
}

/// Sends what there is to send, until told to end.
pub(crate) async fn run(shared: &Arc<QueueShared>) {
    let mut flights = JoinSet::new();
    // Whose attempt it was, should it panic.
    let mut lanes: HashMap<task::Id, Arc<str>> = HashMap::new();
    loop {
        let until = match shared.next() {
            NextStep::End(abandoned) => {
                report::abandoned(&shared.redactor, &abandoned);
                return;
            }
            NextStep::Step(Step::Skipped(message)) => {
                report::skipped(&shared.redactor, &message);
                shared.progressed();
                continue;
            }
            NextStep::Step(Step::Send(job)) => {
                let lane = job.lane.clone();
                let flight = flights.spawn(attempt(shared.clone(), job));
                lanes.insert(flight.id(), lane);
                continue;
            }
            NextStep::Step(Step::Wait(until)) => until,
        };
        tokio::select! {
            Some(landed) = flights.join_next_with_id() => {
                let (id, outcome) = match landed {
                    Ok((id, outcome)) => (id, outcome),
                    Err(error) => {
                        report::panicked();
                        shared.with_scheduler(|scheduler| scheduler.stats.panics += 1);
                        (error.id(), Attempt::panicked())
                    }
                };
                if let Some(lane) = lanes.remove(&id) {
                    settle(shared, &lane, outcome);
                }
            }
            () = shared.wake.notified() => {}
            () = sleep(until.and_then(|until| shared.instant(until))) => {}
        }
    }
}

async fn sleep(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until).await,
        None => pending().await,
    }
}

/// How one attempt ended.
struct Attempt {
    verdict: Judgement,
    /// What was sent.
    body: String,
    took: Duration,
}

impl Attempt {
    fn panicked() -> Self {
        Self {
            verdict: Judgement::refused(Class::Retry, "panic"),
            body: String::new(),
            took: Duration::ZERO,
        }
    }
}

async fn attempt(shared: Arc<QueueShared>, job: Job) -> Attempt {
    let body = job.message.finish(job.missed, job.threadless);
    let started = Instant::now();
    let answer = timeout(
        shared.policy.request_timeout,
        shared.transport.post(body.clone()),
    )
    .await
    .unwrap_or(Err("timeout".into()));
    let mut verdict = Judgement::of(&shared.policy, &answer);
    if let Judgement::Delivered(ts) = &mut verdict
        && ts.as_deref().is_some_and(|ts| shared.redactor.finds(ts))
    {
        *ts = None;
    }
    Attempt {
        verdict,
        body,
        took: started.elapsed(),
    }
}

fn settle(shared: &QueueShared, lane: &Arc<str>, outcome: Attempt) {
    let Attempt {
        verdict,
        body,
        took,
    } = outcome;
    let threaded = has_thread(&body);
    let now = shared.now();
    let settled = shared.with_scheduler(|scheduler| {
        scheduler.stats.requested(took);
        let channel = scheduler.head(lane)?;
        Some((channel, scheduler.settle(lane, verdict, threaded, now)?))
    });
    if let Some((channel, settled)) = settled {
        report::settled(&shared.redactor, &settled, &channel, &body);
    }
    shared.progressed();
}
