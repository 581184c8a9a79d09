//! What leads to each report, again and again: each run has breakers of its own.

use std::{error::Error, future::pending, io, sync::Mutex, thread, time::Duration};

use fluxgate::{
    CircuitBreaker, Command, Listener, Outcome, Settings, Signal, StaticBreaker, WeakBreaker,
    clock::{Clock, ManualClock},
    keyed::CircuitBreakers,
    listener::{self, AsyncListener, MetricsListener, PrometheusListener, SlackListener},
    page::Page,
    permit, registry, retry,
    slack::{Delivery, DeliveryPolicy, Message, Token},
    testing,
    throttle::Adaptive,
    tracker, tripper,
    window::{self, Record, Totals, Window},
};
use prometheus::{IntGauge, Registry};
use serde_json::json;
use tower::ServiceExt as _;

use crate::{
    asking::{self, WAIT, built},
    fake::{Act, Slack},
};

/// Long enough for what another thread does.
const LONG: Duration = Duration::from_secs(60);

pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// What it reports, it reports once in a process.
    pub(crate) once: bool,
    pub(crate) run: fn(&Run),
}

/// One run: what it is called tells its breakers from those of the others.
pub(crate) struct Run {
    pub(crate) name: String,
    pub(crate) clock: ManualClock,
}

impl Run {
    fn builder(&self) -> fluxgate::Builder {
        asking::builder(self.name.clone(), &self.clock)
    }

    /// Starts one without code of ours, whose calls would count.
    fn plain(&self) -> fluxgate::Builder {
        CircuitBreaker::builder(self.name.clone())
            .tripper(tripper::FailureStreak::new(1))
            .retry(retry::Cooldown::new(WAIT))
            .permit(permit::All)
            .clock(self.clock.clone())
    }

    fn breaker(&self) -> CircuitBreaker {
        built(self.builder())
    }
}

fn fail(breaker: &CircuitBreaker) {
    let _ = breaker.call(|| Err::<(), _>(io::Error::other("down")));
}

fn succeed(breaker: &CircuitBreaker) {
    let _ = breaker.call(|| Ok::<_, io::Error>(()));
}

/// Waits for what another thread reports.
fn until_reported(part: &str) {
    while !asking::is_reported(part) {
        thread::yield_now();
    }
}

const fn scenario(name: &'static str, run: fn(&Run)) -> Scenario {
    Scenario {
        name,
        once: false,
        run,
    }
}

const fn once(name: &'static str, run: fn(&Run)) -> Scenario {
    Scenario {
        name,
        once: true,
        run,
    }
}

/// Those that read the environment, which commands nothing while a test freezes.
pub(crate) const FIRST: [Scenario; 3] = [
    // Before any code that asks looks at all breakers.
    once("stray_variable", |run| {
        let breaker = CircuitBreaker::builder(run.name.clone()).build();
        asking::subject(&breaker.unwrap());
        registry::all();
    }),
    scenario("kill_switch", |run| {
        built(asking::builder("killed".to_owned(), &run.clock));
    }),
    scenario("bad_variable", |run| {
        built(asking::builder("bad".to_owned(), &run.clock));
    }),
];

/// Those that wait for ten seconds.
pub(crate) const SLOW: [fn(); 2] = [
    || {
        static BUILT: StaticBreaker = StaticBreaker::new(|| {
            CircuitBreaker::builder("slow-static").listener({
                while !asking::is_reported("to build the circuit breaker") {
                    thread::sleep(Duration::from_millis(20));
                }
                |_: &Signal| {}
            })
        });
        let builds = thread::spawn(|| BUILT.state());
        let _ = BUILT.state();
        builds.join().unwrap();
    },
    || {
        let frozen = testing::freeze();
        let waits = thread::spawn(|| drop(testing::freeze()));
        while !asking::is_reported("`testing::freeze` has been waiting") {
            thread::sleep(Duration::from_millis(20));
        }
        drop(frozen);
        waits.join().unwrap();
    },
];

pub(crate) const ALL: &[Scenario] = &[
    scenario("states", |run| {
        let breaker = run.breaker();
        fail(&breaker);
        run.clock.advance(WAIT);
        succeed(&breaker);
        breaker.reset();
        fail(&breaker);
        run.clock.advance(WAIT);
        fail(&breaker);
        for command in [
            Command::Reset,
            Command::ForceOpen,
            Command::MetricsOnly,
            Command::Disable,
            Command::Reset,
            Command::Disable,
            Command::ForceOpen,
        ] {
            breaker.command_by(command, "alice");
        }
        breaker.metrics_only();
        fail(&breaker);
    }),
    scenario("listeners panic", |run| {
        let panics = |_: &Signal| panic!("told");
        let breaker = built(run.builder().listener(panics).listener(PanicsWhenDropped));
        breaker.force_open();
        drop(breaker);
    }),
    scenario("listeners are refused", |run| {
        let builder = run.builder().listener(Refuses);
        asking::subject(build_in_static(builder));
    }),
    scenario("async listeners fail", |run| {
        let fails = [
            Misbehaves::Fails,
            Misbehaves::Panics,
            Misbehaves::WaitsForNothing,
        ];
        let mut builder = run.builder();
        for way in fails {
            builder = builder.listener(way);
        }
        let breaker = built(builder);
        breaker.force_open();
        assert!(listener::flush(LONG));
        // It is reported when the signal is done with.
        for part in [
            "failed: down",
            "its next signal follows",
            "waits for nothing",
        ] {
            until_reported(part);
        }
    }),
    scenario("a metric's name is taken", |run| {
        let taken = Registry::new();
        let gauge = IntGauge::new("circuit_breaker_state", "taken").unwrap();
        taken.register(Box::new(gauge)).unwrap();
        let listener = PrometheusListener::with_registry(taken);
        let breaker = run.breaker();
        let signal = Signal::new(
            breaker.name().clone(),
            fluxgate::State::Closed,
            fluxgate::State::Open,
            run.clock.wall(),
        );
        listener.on_signal(&signal);
    }),
    once("a recorder panics", |run| {
        let metrics = MetricsListener::with_recorder(Broken);
        let _breaker = built(run.builder().listener(metrics.clone()));
        metrics.publish();
        until_reported("the recorder of the facade");
    }),
    scenario("two have a name", |run| {
        let _breakers = (run.breaker(), run.breaker());
    }),
    scenario("keys share a breaker", |run| {
        let clock = run.clock.clone();
        let name = run.name.clone();
        let set = CircuitBreakers::<String>::builder(run.name.clone())
            .settings(move |_| asking::builder(name.clone(), &clock))
            .max_keys(2)
            .build()
            .unwrap();
        asking::subject(set.overflow());
        for key in ["a", "b"] {
            let breaker = set.get(key);
            fail(&breaker);
            asking::subject(&breaker);
        }
        succeed(&set.get("c"));
        // And some that make room for each other.
        set.command_all(Command::Reset);
        for key in 0..10 {
            succeed(&set.get(&key.to_string()));
        }
    }),
    scenario("settings of keys panic", |run| {
        let set = CircuitBreakers::<u8>::builder(run.name.clone())
            .settings(|breaker| {
                assert!(breaker_is_for_overflow(&breaker), "no settings");
                breaker
            })
            .build();
        if let Ok(set) = set {
            asking::subject(set.overflow());
            set.get(&1);
        }
    }),
    scenario("half-open learns nothing", |run| {
        let breaker = built(run.plain());
        fail(&breaker);
        run.clock.advance(WAIT);
        for _ in 0..120 {
            if let Ok(guard) = breaker.acquire() {
                guard.ignore();
            }
        }
    }),
    scenario("a throttle begins and ends", |run| {
        let builder = run.plain().tripper(tripper::FailureStreak::new(3));
        let breaker = built(builder.throttle(Adaptive::new(1.5).floor(0.0)));
        for _ in 0..100 {
            if let Ok(guard) = breaker.acquire() {
                guard.record(Outcome::Overloaded);
            }
        }
        for _ in 0..20 {
            run.clock.advance(Duration::from_secs(60));
            succeed(&breaker);
        }
    }),
    scenario("commands from the page", |run| {
        let breaker = run.breaker();
        let page = Page::new().commands(|head| {
            let given = head.headers.get("x-user")?;
            assert!(given != "panics", "no database");
            given.to_str().map(str::to_owned).ok()
        });
        let path = format!("/api/breakers/{}/force_open", breaker.name());
        for user in ["alice", "panics"] {
            let request = http::Request::post(&*path)
                .header("x-fluxgate-command", "1")
                .header("x-user", user);
            let answered = page.clone().oneshot(request.body(()).unwrap());
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            runtime.build().unwrap().block_on(answered).unwrap();
        }
    }),
    scenario("policies panic", |run| {
        for kind in [
            "now", "wall", "wait", "ready", "longest", "permit", "random", "tripper", "window",
        ] {
            let policy = Panics {
                kind,
                clock: run.clock.clone(),
            };
            let custom = tripper::Custom::new(policy.clone());
            let builder = run
                .builder()
                .tripper(custom | tripper::FailureStreak::new(1))
                .window(window::Custom::new(policy.clone()))
                .retry(retry::Custom::new(policy.clone()))
                .permit(permit::Custom::new(policy.clone()))
                .random(policy.clone())
                .clock(policy);
            let breaker = built(builder);
            fail(&breaker);
            run.clock.advance(WAIT);
            succeed(&breaker);
            fail(&breaker);
            run.clock.advance(WAIT);
            if let Ok(guard) = breaker.acquire() {
                guard.record(Outcome::UnavailableFor(WAIT));
            }
            breaker.reset();
        }
    }),
    scenario("settings change", |run| {
        let breaker = run.breaker();
        let changed = breaker.reconfigure(|settings| settings.retry(retry::Cooldown::new(WAIT)));
        changed.unwrap();
        breaker.reconfigure(|settings| settings).unwrap();
    }),
    scenario("settings do not fit", |run| {
        let rule = "MinRequests(1000) & FailureRate(0.5)";
        let file = json!({ "breaker": { &*run.name: { "tripper": rule } } });
        let settings: Settings = serde_json::from_value(file).unwrap();
        settings.apply().unwrap();
        let _breaker = run.breaker();
        Settings::default().apply().unwrap();
    }),
    scenario("classifiers panic", |run| {
        let breaker = run.breaker();
        let failed = || Err::<u8, _>(io::Error::other("down"));
        let _ = breaker
            .with_tracker(tracker::Custom::new(|_: &io::Error| panic!("tracker")))
            .call(failed);
        breaker.reset();
        let _ = breaker
            .with_tracker(tracker::All)
            .failure_if(|_: &u8| panic!("predicate"))
            .call(|| Ok::<u8, io::Error>(1));
        breaker.reset();
        let judge = |_: &Result<u8, io::Error>| -> Outcome { panic!("classifier") };
        let _ = breaker.with_classifier(judge).call(failed);
    }),
    scenario("random numbers are out of range", |run| {
        let retry = retry::Cooldown::new(WAIT).jitter_ratio(0.5);
        let builder = run.builder().retry(retry).random(|| 7.0);
        fail(&built(builder));
    }),
    scenario("settings are refused", |run| {
        asking::subject(build_in_static(run.builder().close_after(0)));
    }),
    scenario("Slack is in trouble", |run| {
        let slack = Slack::start();
        let policy = DeliveryPolicy::recommended()
            .channel_rate(None)
            .token_rate(None)
            .max_retries(1)
            .max_retry_after(Duration::from_millis(10))
            .backoff(Duration::from_millis(1), Duration::from_millis(2));
        let token = Token::new("xoxb-test").unwrap();
        let delivery = Delivery::start(&slack.url(), &token, &policy).unwrap();
        let listener = SlackListener::builder()
            .channel("CALERTS")
            .delivery(delivery.clone())
            .build()
            .unwrap();
        // Commands at a report of the delivery have it deliver more.
        let breaker = built(run.builder().listener(listener));
        let send = |channel: &str, thread: bool| {
            let mut body = json!({"channel": channel, "text": "x"});
            if thread {
                body["thread_ts"] = json!("1700000000.000001");
            }
            let _ = delivery.try_send(Message::new(channel, &body).unwrap());
            delivery.flush(LONG);
        };
        breaker.force_open();
        slack.will_for("#a", [Act::code("internal_error"), Act::Ok, Act::limit(1)]);
        send("#a", false);
        send("#a", false);
        slack.will_for(
            "#b",
            [Act::code("not_in_channel"), Act::code("is_archived")],
        );
        send("#b", false);
        send("#b", false);
        send("#b", false);
        slack.will_for(
            "#c",
            [Act::code("internal_error"), Act::code("internal_error")],
        );
        send("#c", false);
        slack.will_for("#d", [Act::code("thread_not_found")]);
        send("#d", true);
        slack.then(Act::Hang);
        let body = json!({"channel": "#e", "text": "x"});
        let _ = delivery.try_send(Message::new("#e", &body).unwrap());
        delivery.shutdown(Some(Duration::from_millis(50)));
        drop(breaker);
    }),
];

const RESTORED: &str = "made where circuits are restored, before a breaker is looked at";
const AGENT: &str = "a fleet's agent makes it on a thread of its own, without a lock";

/// Sites that no scenario leads to, and why.
pub(crate) const ELSEWHERE: [(&str, &str); 18] = [
    (
        "policy_drop_panicked",
        "`engine/tests/replace.rs` replaces policies that panic",
    ),
    (
        "listener_panicked_at_a_call",
        "the tests of call events have listeners that panic at calls",
    ),
    ("unknown_saved_state", RESTORED),
    ("unread_saved_state", RESTORED),
    (
        "fleet_store",
        "the connection to a store makes it on a thread of its own, without a lock",
    ),
    ("fleet_degraded", AGENT),
    ("fleet_recovered", AGENT),
    ("fleet_differs", AGENT),
    ("fleet_panicked", AGENT),
    (
        "fleet_off",
        "made where a program joins, before anything is there",
    ),
    (
        "bad_fleet_variable",
        "made where a program joins, before anything is there",
    ),
    ("no_tokio", "this program has the feature `tokio`"),
    (
        "forked",
        "`tests/ops/fork.rs` forks a program that has one thread",
    ),
    ("no_background", "needs a system without threads"),
    ("no_runtime", "needs a system without descriptors"),
    ("page_has_no_thread", "needs a system without threads"),
    (
        "slack: the delivery to Slack panicked and starts again",
        "nothing in it panics",
    ),
    (
        "slack: the delivery to Slack can't start its thread; the next message tries again",
        "needs a system without threads",
    ),
];

/// Builds as the static of an annotated function is built, which must not fail.
fn build_in_static(builder: fluxgate::Builder) -> &'static CircuitBreaker {
    static NEXT: Mutex<Option<fluxgate::Builder>> = Mutex::new(None);
    *NEXT.lock().unwrap() = Some(builder);
    let take = || NEXT.lock().unwrap().take().expect("put there");
    let breaker: &'static StaticBreaker = Box::leak(Box::new(StaticBreaker::new(take)));
    breaker
}

/// The first builder of a set is that of its overflow breaker.
fn breaker_is_for_overflow(builder: &fluxgate::Builder) -> bool {
    format!("{builder:?}").contains("/*")
}

struct PanicsWhenDropped;

impl Listener for PanicsWhenDropped {
    fn on_signal(&self, _: &Signal) {}
}

impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        assert!(thread::panicking(), "dropped");
    }
}

struct Refuses;

impl Listener for Refuses {
    fn on_signal(&self, _: &Signal) {}

    fn attach(&self, _: &WeakBreaker) -> Result<(), Box<dyn Error + Send + Sync>> {
        Err("no room".into())
    }
}

enum Misbehaves {
    Fails,
    Panics,
    WaitsForNothing,
}

impl AsyncListener for Misbehaves {
    async fn on_signal(&self, _: &Signal) {}

    async fn deliver(&self, _: &Signal) -> Result<(), Box<dyn Error + Send + Sync>> {
        match self {
            Self::Fails => Err("down".into()),
            Self::Panics => panic!("told"),
            Self::WaitsForNothing => pending().await,
        }
    }
}

struct Broken;

impl metrics::Recorder for Broken {
    fn describe_counter(
        &self,
        _: metrics::KeyName,
        _: Option<metrics::Unit>,
        _: metrics::SharedString,
    ) {
    }
    fn describe_gauge(
        &self,
        _: metrics::KeyName,
        _: Option<metrics::Unit>,
        _: metrics::SharedString,
    ) {
    }
    fn describe_histogram(
        &self,
        _: metrics::KeyName,
        _: Option<metrics::Unit>,
        _: metrics::SharedString,
    ) {
    }
    fn register_counter(&self, _: &metrics::Key, _: &metrics::Metadata<'_>) -> metrics::Counter {
        panic!("broken")
    }
    fn register_gauge(&self, _: &metrics::Key, _: &metrics::Metadata<'_>) -> metrics::Gauge {
        panic!("broken")
    }
    fn register_histogram(
        &self,
        _: &metrics::Key,
        _: &metrics::Metadata<'_>,
    ) -> metrics::Histogram {
        panic!("broken")
    }
}

/// Every policy in one, of which one kind panics.
#[derive(Clone)]
struct Panics {
    kind: &'static str,
    clock: ManualClock,
}

impl Panics {
    fn at(&self, kind: &str) {
        assert!(self.kind != kind, "{kind}");
    }
}

impl Clock for Panics {
    fn now(&self) -> Duration {
        self.at("now");
        self.clock.now()
    }

    fn wall(&self) -> std::time::SystemTime {
        self.at("wall");
        self.clock.wall()
    }
}

impl retry::Retry for Panics {
    fn wait(
        &self,
        _: &retry::Opening,
        random: &mut dyn fluxgate::random::Random,
    ) -> Option<Duration> {
        self.at("wait");
        random.next_f64();
        Some(WAIT)
    }

    fn ready(&self, _: &retry::Opening, elapsed: Duration) -> bool {
        self.at("ready");
        elapsed >= WAIT
    }

    fn longest(&self) -> Duration {
        self.at("longest");
        WAIT
    }
}

impl permit::Permit for Panics {
    fn admits(&self, _: Duration, random: &mut dyn fluxgate::random::Random) -> bool {
        self.at("permit");
        random.next_f64() < 1.0
    }
}

impl fluxgate::random::Random for Panics {
    fn next_f64(&mut self) -> f64 {
        self.at("random");
        0.5
    }
}

impl tripper::Tripper for Panics {
    fn should_trip(&self, _: &tripper::Context<'_>) -> bool {
        self.at("tripper");
        false
    }
}

impl Window for Panics {
    fn record(&mut self, record: Record, _: Duration, totals: &mut Totals) {
        self.at("window");
        totals.add(&record);
    }

    fn clear(&mut self) {
        self.at("window");
    }
}
