//! Looking at all breakers takes a while, and new keys find room meanwhile: code that
//! runs in the middle of a look brings them.

use std::{
    cell::Cell,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, SystemTime},
};

use fluxgate::{
    Command, Info, Signal,
    clock::{Clock, ManualClock},
    keyed::CircuitBreakers,
    listener::{PrometheusListener, SlackListener},
    page::Page,
    registry, testing,
    tripper::FailureStreak,
};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

const KEYS: usize = 32;
/// So many new keys come in the middle of a look, each time code of ours runs.
const NEW: usize = 8;

thread_local! {
    /// Whether new keys come on this thread.
    static COME: Cell<bool> = const { Cell::new(false) };
}

/// A set of keys, each with a name of its own, where new keys come whenever code of
/// ours runs.
struct Crowded {
    set: Arc<Mutex<Option<CircuitBreakers<String>>>>,
    came: Arc<AtomicUsize>,
    clock: ManualClock,
}

impl Crowded {
    fn come(&self) {
        // Not for what comes in turn.
        if !COME.replace(false) {
            return;
        }
        let set = self.set.lock().unwrap().clone().expect("built");
        for _ in 0..NEW {
            let number = self.came.fetch_add(1, Relaxed);
            let key = format!("new-{number}");
            let called = set.get(&key).call(|| Ok::<_, std::io::Error>(()));
            assert!(called.is_ok());
        }
        COME.set(true);
    }
}

impl Clock for Crowded {
    fn now(&self) -> Duration {
        self.come();
        self.clock.now()
    }

    fn wall(&self) -> SystemTime {
        self.come();
        self.clock.wall()
    }
}

/// Returns a full set, and what makes new keys come.
fn crowded(name: &'static str) -> (CircuitBreakers<String>, Arc<Crowded>) {
    let crowd = Arc::new(Crowded {
        set: Arc::default(),
        came: Arc::default(),
        clock: ManualClock::new(),
    });
    let slack = SlackListener::builder()
        .channel("C1")
        .token("xoxb-none")
        .url("http://127.0.0.1:9")
        .build()
        .expect("valid settings");
    let (asked, told) = (Arc::clone(&crowd), Arc::clone(&crowd));
    let set = CircuitBreakers::<String>::builder(name)
        .settings(move |breaker| {
            breaker
                .tripper(FailureStreak::new(1))
                .clock(Arc::clone(&asked))
        })
        .listener(PrometheusListener::with_registry(prometheus_of(name)))
        .listener(slack)
        .listener(move |_: &Signal| told.come())
        .max_keys(KEYS)
        .max_labels(KEYS)
        .build()
        .expect("valid settings");
    *crowd.set.lock().unwrap() = Some(set.clone());
    for key in 0..KEYS {
        set.get(&format!("first-{key}"));
    }
    (set, crowd)
}

/// One registry for each test.
fn prometheus_of(name: &'static str) -> prometheus::Registry {
    static ALL: Mutex<Vec<(&str, prometheus::Registry)>> = Mutex::new(Vec::new());
    let mut all = ALL.lock().unwrap();
    if let Some((_, found)) = all.iter().find(|(known, _)| *known == name) {
        return found.clone();
    }
    let new = prometheus::Registry::new();
    all.push((name, new.clone()));
    new
}

/// Returns what `look` returns, with new keys coming all the while.
fn with_new_keys<R>(set: &CircuitBreakers<String>, crowd: &Crowded, look: impl FnOnce() -> R) -> R {
    let before = crowd.came.load(Relaxed);
    COME.set(true);
    let seen = look();
    COME.set(false);
    assert!(crowd.came.load(Relaxed) > before, "none came");
    let stats = set.stats();
    assert_eq!((stats.keys, stats.without_room), (KEYS, 0));
    seen
}

fn ask(page: &Page, method: &str, path: &str) -> u16 {
    let request = http::Request::builder().method(method).uri(path);
    let request = request.header("x-fluxgate-command", "1").body(()).unwrap();
    let answered = page.clone().oneshot(request);
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.build().unwrap();
    runtime.block_on(async {
        let answer = answered.await.unwrap();
        let status = answer.status().as_u16();
        // Breakers are read as the body is.
        answer.into_body().collect().await.unwrap();
        status
    })
}

#[test]
fn new_keys_find_room_while_all_are_looked_at() {
    let _own = testing::isolate();
    let (set, crowd) = crowded("looked-at");
    let page = Page::new().commands(|_| Some("alice".into()));
    let mut kept: Vec<Vec<Info>> = Vec::new();
    for round in 0..5 {
        kept.push(with_new_keys(&set, &crowd, registry::snapshot));
        let gathered = with_new_keys(&set, &crowd, || prometheus_of("looked-at").gather());
        assert!(!gathered.is_empty());
        let listed = with_new_keys(&set, &crowd, || ask(&page, "GET", "/api/breakers"));
        assert_eq!(listed, 200);
        // All keys without a name of their own have this one.
        let shared = "/api/breakers/looked-at%2F*";
        if round > 0 {
            assert_eq!(
                with_new_keys(&set, &crowd, || ask(&page, "GET", shared)),
                200
            );
        }
        for command in [Command::MetricsOnly, Command::Reset] {
            with_new_keys(&set, &crowd, || set.command_all(command));
            let path = format!("{shared}/{command}");
            let commanded = with_new_keys(&set, &crowd, || ask(&page, "POST", &path));
            assert_eq!(commanded, 200);
        }
    }
    assert!(kept.iter().all(|infos| !infos.is_empty()));
    assert_eq!(registry::health().as_str(), "ok");
}

#[test]
fn list_that_is_kept_keeps_its_breakers() {
    let _own = testing::isolate();
    let (set, _) = crowded("list-kept");
    let all = set.all();
    assert_eq!(all.len(), KEYS);
    set.get("new");
    assert_eq!(set.stats().without_room, 1);
    drop(all);
    set.get("new");
    assert_eq!(set.stats().without_room, 1);
    assert!(set.find("new").is_some());
}
