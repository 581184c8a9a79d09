//! G4 and G5: code of the user's that runs inside a breaker, and what it may do
//! there: panic at any call, and use the breaker, from itself and from what its
//! panic calls.

use std::{
    cell::RefCell,
    panic::{self, AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, Once, OnceLock,
        atomic::{AtomicU64, Ordering::SeqCst},
        mpsc,
    },
    thread,
    time::{Duration, SystemTime},
};

use fluxgate::{
    Builder, CircuitBreaker, State, WeakBreaker,
    clock::{Clock, ManualClock},
    permit::{self, Permit},
    random::Random,
    retry::{self, Opening, Retry},
    tripper::{self, Context, Tripper},
    window::{self, Record, Totals, Window},
};

use crate::kit::{Error, Heard, SECOND, WAIT, poll, tracked, unwind};

type Inside = dyn Fn(&'static str) + Send + Sync;

/// Every kind of user code in one: each calls `inside` with its name first.
#[derive(Clone)]
struct Own {
    clock: ManualClock,
    inside: Arc<Inside>,
}

impl Clock for Own {
    fn now(&self) -> Duration {
        (self.inside)("now");
        self.clock.now()
    }

    fn wall(&self) -> SystemTime {
        (self.inside)("wall");
        self.clock.wall()
    }
}

impl Random for Own {
    fn next_f64(&mut self) -> f64 {
        (self.inside)("random");
        0.5
    }
}

impl Retry for Own {
    fn wait(&self, _opening: &Opening, random: &mut dyn Random) -> Option<Duration> {
        (self.inside)("wait");
        random.next_f64();
        Some(WAIT)
    }

    fn ready(&self, _opening: &Opening, _elapsed: Duration) -> bool {
        (self.inside)("ready");
        true
    }

    fn longest(&self) -> Duration {
        (self.inside)("longest");
        WAIT
    }
}

impl Permit for Own {
    fn admits(&self, _elapsed: Duration, random: &mut dyn Random) -> bool {
        (self.inside)("permit");
        random.next_f64() < 1.0
    }
}

impl Tripper for Own {
    fn should_trip(&self, seen: &Context<'_>) -> bool {
        (self.inside)("tripper");
        seen.failure_streak() >= 1
    }
}

impl Window for Own {
    fn record(&mut self, record: Record, _now: Duration, totals: &mut Totals) {
        (self.inside)("record");
        totals.add(&record);
    }

    fn expire(&mut self, _now: Duration, _totals: &mut Totals) {
        (self.inside)("expire");
    }

    fn clear(&mut self) {
        (self.inside)("clear");
    }
}

impl Own {
    fn builder(&self) -> Builder {
        let rule = tripper::Custom::new(self.clone());
        CircuitBreaker::builder("inside")
            .window(window::Custom::new(self.clone()))
            .tripper(rule | tripper::InFlight::new(1000, SECOND))
            .retry(retry::Custom::new(self.clone()))
            .permit(permit::Custom::new(self.clone()))
            .max_half_open_calls(2)
            .clock(self.clone())
            .random(self.clone())
    }
}

type Action = (&'static str, fn(&CircuitBreaker, &ManualClock));

/// What can be done to a breaker, whatever its state; also to time.
const ACTIONS: [Action; 12] = [
    ("success", |breaker, _| {
        let _ = breaker.call(|| Ok::<_, Error>(()));
    }),
    ("failure", |breaker, _| {
        let _ = breaker.call(|| Err::<(), _>(Error::Down));
    }),
    ("ignored", |breaker, _| {
        let call = || Err::<(), _>(Error::Untracked);
        let _ = breaker.with_tracker(tracked).call(call);
    }),
    ("async", |breaker, _| {
        let mut call = Box::pin(breaker.call_async(async { Ok::<_, Error>(()) }));
        assert!(poll(call.as_mut()).is_ready());
    }),
    ("cancelled", |breaker, _| drop(breaker.acquire())),
    ("unavailable", |breaker, _| {
        if let Ok(guard) = breaker.acquire() {
            guard.record(fluxgate::Outcome::UnavailableFor(SECOND));
        }
    }),
    ("wait", |_, clock| clock.advance(WAIT)),
    ("info", |breaker, _| drop(breaker.info())),
    ("reset", |breaker, _| breaker.reset()),
    ("force_open", |breaker, _| breaker.force_open()),
    ("metrics_only", |breaker, _| breaker.metrics_only()),
    ("disable", |breaker, _| breaker.disable()),
];

/// What holds whenever no call is under way.
fn is_whole(breaker: &CircuitBreaker, heard: &Heard, what: &dyn std::fmt::Debug) {
    let info = breaker.info();
    assert_eq!(info.state, breaker.state(), "{what:?}");
    assert_eq!(info.probes_in_flight, 0, "{what:?}");
    let last = heard.chain().last().copied();
    assert_eq!(last.unwrap_or(State::Closed), info.state, "{what:?}");
    let open = info.state == State::Open;
    assert_eq!(info.retry_after.is_some(), open, "{what:?}");
    // The breaker does what its state says.
    let admitted = breaker.acquire().map(fluxgate::Guard::ignore).is_ok();
    match info.state {
        State::Closed | State::HalfOpen | State::MetricsOnly | State::Disabled => {
            assert!(admitted, "{what:?}");
        }
        State::ForcedOpen => assert!(!admitted, "{what:?}"),
        State::Open => assert_eq!(
            admitted,
            info.retry_after == Some(Duration::ZERO),
            "{what:?}"
        ),
    }
}

/// Paths of actions that lead to each state.
fn paths() -> Vec<Vec<usize>> {
    let named = |name: &&str| {
        let found = ACTIONS.iter().position(|(action, _)| action == name);
        found.unwrap()
    };
    let to = |path: &[&str]| path.iter().map(named).collect();
    vec![
        to(&[]),
        to(&["failure"]),
        to(&["failure", "wait"]),
        to(&["failure", "wait", "ignored"]),
        to(&["failure", "wait", "failure", "wait"]),
        to(&["metrics_only"]),
        to(&["disable"]),
        to(&["force_open"]),
    ]
}

#[test]
fn g5_panic_at_any_call_leaves_a_whole_breaker() {
    quiet();
    let mut panicked = 0;
    for path in paths() {
        for (name, action) in ACTIONS {
            for nth in 1.. {
                let clock = ManualClock::new();
                // How many calls of user code are left before one panics.
                let left = Arc::new(AtomicU64::new(u64::MAX));
                let own = Own {
                    clock: clock.clone(),
                    inside: {
                        let left = Arc::clone(&left);
                        Arc::new(move |_| {
                            if left.load(SeqCst) > 0 && left.fetch_sub(1, SeqCst) == 1 {
                                unwind();
                            }
                        })
                    },
                };
                let heard = Heard::default();
                let breaker = own.builder().listener(heard.listener()).build().unwrap();
                for step in &path {
                    ACTIONS[*step].1(&breaker, &clock);
                }
                left.store(nth, SeqCst);
                action(&breaker, &clock);
                let done = left.swap(0, SeqCst) > 0;
                let what = (&path, name, nth);
                is_whole(&breaker, &heard, &what);
                // And it goes on to work.
                breaker.reset();
                assert!(breaker.call(|| Err::<(), _>(Error::Down)).is_err());
                assert_eq!(breaker.state(), State::Open, "{what:?}");
                clock.advance(Duration::from_secs(60));
                assert!(breaker.call(|| Ok::<_, Error>(())).is_ok(), "{what:?}");
                assert_eq!(breaker.state(), State::Closed, "{what:?}");
                is_whole(&breaker, &heard, &what);
                if done {
                    break;
                }
                panicked += 1;
            }
        }
    }
    assert!(panicked > 300, "{panicked} put it to the test");
}

#[test]
fn g5_panic_at_every_call_is_survived() {
    quiet();
    let clock = ManualClock::new();
    let own = Own {
        clock: clock.clone(),
        inside: Arc::new(|_| unwind()),
    };
    let breaker = own.builder().build().unwrap();
    for path in paths() {
        for step in path {
            ACTIONS[step].1(&breaker, &clock);
        }
        for (_, action) in ACTIONS {
            action(&breaker, &clock);
            assert_eq!(breaker.info().state, breaker.state());
        }
    }
}

thread_local! {
    /// What the panic hook does on this thread.
    static HOOK: RefCell<Option<Arc<dyn Fn()>>> = const { RefCell::new(None) };
}

/// Lets tests of this process set a panic hook for their thread alone.
fn quiet() {
    static HOOKED: Once = Once::new();
    HOOKED.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| match HOOK.with_borrow(Clone::clone) {
            Some(hook) => hook(),
            None => before(info),
        }));
    });
}

/// Uses a breaker in every way, without a word about what comes of it.
fn use_it(breaker: &CircuitBreaker) {
    let _ = (breaker.state(), breaker.info(), breaker.name().clone());
    let _ = breaker.call(|| Ok::<_, Error>(()));
    let _ = breaker.call(|| Err::<(), _>(Error::Down));
    drop(breaker.acquire());
}

/// Runs `f` on a thread, which must come to an end.
fn ends(what: &dyn std::fmt::Debug, f: impl FnOnce() + Send + 'static) {
    let (done, ended) = mpsc::channel();
    let thread = thread::spawn(move || {
        let result = catch_unwind(AssertUnwindSafe(f));
        let _ = done.send(());
        result
    });
    // It takes milliseconds; what hangs would never end.
    let timeout = Duration::from_secs(60);
    assert!(ended.recv_timeout(timeout).is_ok(), "it hangs: {what:?}");
    assert!(thread.join().unwrap().is_ok(), "{what:?}");
}

const KINDS: [&str; 10] = [
    "now", "wall", "random", "wait", "ready", "longest", "permit", "tripper", "record", "clear",
];

type Outside = fn(&CircuitBreaker);

/// What user code does from inside of its breaker: by itself, from another thread
/// that it waits for, or from the hook of its panic.
const WAYS: [(&str, Outside); 3] = [
    ("uses it", use_it),
    ("forces it open", CircuitBreaker::force_open),
    ("waits for another thread", |breaker| {
        let breaker = breaker.clone();
        thread::spawn(move || use_it(&breaker)).join().unwrap();
    }),
];

/// A breaker whose user code of this kind does `way`, once at a time on a thread.
fn entering(kind: &'static str, way: Outside, panics: bool) -> (CircuitBreaker, ManualClock) {
    thread_local! {
        static BUSY: RefCell<bool> = const { RefCell::new(false) };
    }
    let clock = ManualClock::new();
    let handle: Arc<OnceLock<WeakBreaker>> = Arc::default();
    let inner = Arc::clone(&handle);
    // Other threads that are sent in must not send threads of their own.
    let sent = Arc::new(Mutex::new(0));
    let inside = move |name: &'static str| {
        let breaker = inner.get().and_then(WeakBreaker::upgrade);
        let Some(breaker) = breaker.filter(|_| name == kind) else {
            return;
        };
        if BUSY.replace(true) {
            return;
        }
        let first = {
            let mut sent = sent.lock().unwrap();
            *sent += 1;
            *sent == 1
        };
        if first {
            if panics {
                let hook = Arc::new(move || way(&breaker));
                HOOK.set(Some(hook));
                let thrown = catch_unwind(|| panic!("in {name}"));
                HOOK.set(None);
                *sent.lock().unwrap() -= 1;
                BUSY.set(false);
                let Err(payload) = thrown;
                panic::resume_unwind(payload);
            }
            way(&breaker);
        }
        *sent.lock().unwrap() -= 1;
        BUSY.set(false);
    };
    let own = Own {
        clock: clock.clone(),
        inside: Arc::new(inside),
    };
    let breaker = own.builder().build().unwrap();
    handle.set(breaker.downgrade()).unwrap();
    (breaker, clock)
}

#[test]
fn g4_user_code_may_use_its_breaker() {
    quiet();
    for kind in KINDS {
        for (way, outside) in WAYS {
            for panics in [false, true] {
                let what = (kind, way, panics);
                ends(&what, move || {
                    let (breaker, clock) = entering(kind, outside, panics);
                    for path in paths() {
                        breaker.reset();
                        for step in path {
                            ACTIONS[step].1(&breaker, &clock);
                        }
                        for (_, action) in ACTIONS {
                            action(&breaker, &clock);
                            assert_eq!(breaker.info().state, breaker.state());
                        }
                    }
                    assert_eq!(breaker.info().probes_in_flight, 0);
                });
            }
        }
    }
}

#[test]
fn g4_real_panic_hook_may_use_the_breaker() {
    quiet();
    for kind in KINDS {
        ends(&kind, move || {
            let clock = ManualClock::new();
            let handle: Arc<OnceLock<WeakBreaker>> = Arc::default();
            let inner = Arc::clone(&handle);
            let own = Own {
                clock: clock.clone(),
                // Contained by the breaker alone: the hook runs where it panics.
                inside: Arc::new(move |name| {
                    let built = inner.get().is_some();
                    assert!(name != kind || !built, "in {name}");
                }),
            };
            let breaker = own.builder().build().unwrap();
            handle.set(breaker.downgrade()).unwrap();
            let hooked = Arc::new(AtomicU64::new(0));
            let (asked, runs) = (breaker.clone(), Arc::clone(&hooked));
            HOOK.set(Some(Arc::new(move || {
                // Not from the hook's own hook.
                if runs.fetch_add(1, SeqCst) == 0 {
                    use_it(&asked);
                    asked.force_open();
                    let other = asked.clone();
                    thread::spawn(move || drop(other.info())).join().unwrap();
                    runs.store(0, SeqCst);
                }
            })));
            for path in paths() {
                breaker.reset();
                for step in path {
                    ACTIONS[step].1(&breaker, &clock);
                }
                assert_eq!(breaker.info().state, breaker.state());
            }
            HOOK.set(None);
        });
    }
}

#[test]
fn g4_other_threads_do_not_wait_for_user_code() {
    for kind in ["wait", "permit", "tripper", "record"] {
        ends(&kind, move || {
            let (entered, enters) = mpsc::channel();
            let (leave, leaves) = mpsc::channel::<()>();
            let (entered, leaves) = (Mutex::new(entered), Mutex::new(leaves));
            let blocks = Arc::new(AtomicU64::new(0));
            let armed = Arc::clone(&blocks);
            let clock = ManualClock::new();
            let own = Own {
                clock: clock.clone(),
                inside: Arc::new(move |name| {
                    if name == kind && armed.swap(0, SeqCst) == 1 {
                        entered.lock().unwrap().send(()).unwrap();
                        let _ = leaves.lock().unwrap().recv();
                    }
                }),
            };
            let breaker = own.builder().build().unwrap();
            if kind == "permit" {
                let _ = breaker.call(|| Err::<(), _>(Error::Down));
                clock.advance(WAIT);
            }
            blocks.store(1, SeqCst);
            let blocked = {
                let breaker = breaker.clone();
                thread::spawn(move || drop(breaker.call(|| Err::<(), _>(Error::Down))))
            };
            enters.recv().unwrap();
            use_it(&breaker);
            breaker.force_open();
            assert_eq!(breaker.info().state, State::ForcedOpen);
            breaker.reset();
            leave.send(()).unwrap();
            blocked.join().unwrap();
            assert_eq!(breaker.info().state, breaker.state());
        });
    }
}

#[test]
fn random_out_of_range_is_not_taken() {
    for wrong in [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        -0.1,
        1.0,
        f64::MAX,
    ] {
        let clock = ManualClock::new();
        let breaker = CircuitBreaker::builder("inside")
            .tripper(tripper::FailureStreak::new(1))
            .retry(retry::Cooldown::new(WAIT).jitter_ratio(0.5))
            .random(move || wrong)
            .clock(clock)
            .build()
            .unwrap();
        let _ = breaker.call(|| Err::<(), _>(Error::Down));
        let wait = breaker.info().retry_after.unwrap();
        assert!(
            wait >= WAIT / 2 && wait <= WAIT * 3 / 2,
            "{wrong}: {wait:?}"
        );
    }
}
