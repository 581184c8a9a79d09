//! What costs a call nothing: instructions, counted by callgrind. Without valgrind
//! nothing is counted.
//!
//! The program runs itself under callgrind, which counts inside [`measured`] alone; so
//! it has no test harness, and answers for its one test itself.

use std::{env, hint::black_box, process::Command, time::Duration};

use fluxgate::{
    Builder, CallNotPermitted, CircuitBreaker,
    throttle::Adaptive,
    tripper::{FailureRate, MinRequests, SlowRate},
};

const TEST: &str = "calls_cost_the_same_with_a_throttle";

/// The argument for being run under callgrind.
const COUNTED: &str = "counted";

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some(COUNTED) => run(&arguments[1]),
        Some("--list") if !arguments.iter().any(|argument| argument == "--ignored") => {
            println!("{TEST}: test");
        }
        Some("--list" | "--ignored") => {}
        _ => calls_cost_the_same_with_a_throttle(),
    }
}

fn calls_cost_the_same_with_a_throttle() {
    let Some(without) = count("plain") else {
        return println!("no valgrind: instructions are not counted");
    };
    assert!(without > 100_000, "the calls were counted: {without}");
    assert_eq!(count("throttled"), Some(without));
    // And a difference of one instruction a call would be seen.
    assert!(count("longer") >= Some(without + 1000));
    println!("test {TEST} ... ok");
}

/// Returns the instructions of many calls of a kind of breaker; `None` without valgrind.
fn count(kind: &str) -> Option<u64> {
    Command::new("valgrind").arg("--version").output().ok()?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg("--toggle-collect=*measured*")
        .arg(env::current_exe().expect("it runs"))
        .args([COUNTED, kind])
        .output()
        .expect("valgrind runs");
    let said = String::from_utf8_lossy(&output.stderr);
    let count = said
        .lines()
        .find_map(|line| line.split_once("Collected :"))
        .and_then(|(_, count)| count.trim().parse().ok());
    assert!(count.is_some(), "callgrind counts: {said}");
    count
}

#[derive(Debug)]
struct Down;

impl From<CallNotPermitted> for Down {
    fn from(_: CallNotPermitted) -> Self {
        Self
    }
}

fn run(kind: &str) {
    let plain = || MinRequests::new(20) & FailureRate::new(0.9);
    // One that times every call, so that none is on the fast path.
    let slow = SlowRate::new(0.9, Duration::from_secs(3600));
    let breakers = [plain(), plain() | slow].map(|rule| {
        let builder = CircuitBreaker::builder("counted").tripper(rule);
        let builder = builder.clock(fluxgate::clock::ManualClock::new());
        let breaker = with(kind, builder).build().expect("sound settings");
        for n in 0..200 {
            let _ = breaker.call(|| answer(n));
        }
        breaker
    });
    measured(&breakers, kind == "longer");
}

fn with(kind: &str, builder: Builder) -> Builder {
    match kind {
        "throttled" => builder.throttle(Adaptive::new(1.5)),
        _ => builder,
    }
}

#[inline(never)]
fn measured(breakers: &[CircuitBreaker], longer: bool) {
    for breaker in breakers {
        for n in 0..1000 {
            // A failure sends the next hundred calls to the window.
            let _ = black_box(breaker.call(|| answer(n)));
            if longer {
                black_box(n);
            }
        }
    }
}

fn answer(n: u32) -> Result<u32, Down> {
    if black_box(n) % 400 == 399 {
        Err(Down)
    } else {
        Ok(n)
    }
}
