//! The end of a process, while signals are with a thread that a call left them to.

use std::{
    env, process,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, Ordering::SeqCst},
        mpsc,
    },
    thread,
    time::Duration,
};

use fluxgate::{CircuitBreaker, Command, Signal, WeakBreaker, listener};

/// Says what the child does before it ends.
const ENDS: &str = "EXIT_OF_A_CHILD";
/// So many signals there are.
const SIGNALS: u64 = 200;
/// So many of them one call delivers.
const TURN: u64 = 64;
const LONG: Duration = Duration::from_secs(60);

/// Prints each signal. The first causes all others, and more of them than one call
/// delivers; the thread that delivers the rest waits until this test goes on.
#[test]
fn child() {
    let Some(ends) = env::var_os(ENDS) else {
        return;
    };
    let own: Arc<OnceLock<WeakBreaker>> = Arc::default();
    let handle = Arc::clone(&own);
    let (goes_on, waits) = mpsc::channel::<()>();
    let waits = Mutex::new(waits);
    let caller = thread::current().id();
    let is_first = AtomicBool::new(true);
    let breaker = CircuitBreaker::builder("exit")
        .listener(move |signal: &Signal| {
            let breaker = handle.get().and_then(WeakBreaker::upgrade).unwrap();
            if signal.sequence == 1 {
                for sequence in 2..=SIGNALS {
                    let command = if sequence % 2 == 0 {
                        Command::Reset
                    } else {
                        Command::ForceOpen
                    };
                    breaker.command(command);
                }
            }
            if thread::current().id() != caller && is_first.swap(false, SeqCst) {
                assert!(!listener::flush(LONG), "it waits for itself");
                let _ = waits.lock().unwrap().recv();
            }
            println!("heard {}.", signal.sequence);
        })
        .build()
        .unwrap();
    own.set(breaker.downgrade()).unwrap();
    breaker.force_open();
    if ends == "flushed" {
        assert!(!listener::flush(Duration::from_millis(1)), "it waits");
        goes_on.send(()).unwrap();
        assert!(listener::flush(LONG));
    } else {
        std::mem::forget(goes_on);
    }
}

/// Returns what a process heard that ends so.
fn heard(ends: &str) -> String {
    let output = process::Command::new(env::current_exe().unwrap())
        .args(["--exact", "exit::child", "--nocapture", "--test-threads=1"])
        .env(ENDS, ends)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}{errors}");
    text
}

#[test]
fn flush_waits_for_signals_left_to_a_thread() {
    let heard = heard("flushed");
    for sequence in 1..=SIGNALS {
        assert!(
            heard.contains(&format!("heard {sequence}.")),
            "{sequence}: {heard}"
        );
    }
}

#[test]
fn process_that_ends_loses_what_a_thread_has() {
    let heard = heard("at once");
    assert!(heard.contains(&format!("heard {TURN}.")), "{heard}");
    let next = TURN + 1;
    assert!(!heard.contains(&format!("heard {next}.")), "{heard}");
}
