//! Settings that are applied while other threads build, call and apply.

use std::{sync::Mutex, thread, time::Duration};

use fluxgate::{
    CircuitBreaker, Settings, Signal, StaticBreaker, clock::ManualClock, retry::Cooldown, testing,
};

fn settings(close_after: u64) -> Settings {
    Settings::from_variables([(
        "FLUXGATE__BREAKER__THREADS__CLOSE_AFTER",
        close_after.to_string(),
    )])
}

/// Of two threads that apply, one has the last word, for breakers that are built meanwhile,
/// too.
#[test]
fn all_breakers_follow_the_last_that_applied() {
    static BUILT: Mutex<Vec<CircuitBreaker>> = Mutex::new(Vec::new());

    thread::scope(|scope| {
        for thread in 0..3 {
            scope.spawn(move || {
                for i in 0..60 {
                    let _ = settings(thread * 1000 + i + 2).apply().unwrap();
                }
            });
        }
        scope.spawn(|| {
            for _ in 0..60 {
                let breaker = CircuitBreaker::builder("threads")
                    .clock(ManualClock::new())
                    .build()
                    .unwrap();
                BUILT.lock().unwrap().push(breaker);
            }
        });
    });
    let last = CircuitBreaker::builder("threads")
        .clock(ManualClock::new())
        .build()
        .unwrap();
    let wanted = last.info().settings.close_after;
    assert!(wanted > 1);
    for breaker in BUILT.lock().unwrap().drain(..) {
        assert_eq!(breaker.info().settings.close_after, wanted);
    }
    let _ = Settings::from_variables::<&str, &str>([]).apply().unwrap();
    assert_eq!(last.info().settings.close_after, 1);
}

/// A listener may look at the breaker, and set it, when it is told of a state that settings
/// command.
#[test]
fn listeners_may_use_what_tells_them() {
    static BREAKER: StaticBreaker = StaticBreaker::new(|| {
        CircuitBreaker::builder("reentrant").listener(|_: &Signal| {
            let _ = BREAKER.info();
            let five = Cooldown::new(Duration::from_secs(5));
            BREAKER.reconfigure(|it| it.retry(five)).unwrap();
        })
    });
    let _world = testing::isolate();
    let text = "[breaker.reentrant]\nstate = 'metrics_only'\nretry = 'Cooldown(7s)'";
    let applied: Settings = toml::from_str(text).unwrap();
    let retry = || BREAKER.info().settings.retry;
    assert_eq!(retry(), "Cooldown(60s)");
    let _ = applied.apply().unwrap();
    assert_eq!(retry(), "Cooldown(5s)");
}
