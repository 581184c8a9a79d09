//! Async listeners in a process that was forked after their thread had started.

#![allow(unsafe_code, reason = "forking is what is tested")]

use std::{process::Command, time::Duration};

use fluxgate::{
    CircuitBreaker, Signal,
    listener::{self, AsyncListener},
};

use crate::reports;

struct Idle;

impl AsyncListener for Idle {
    async fn on_signal(&self, _: &Signal) {}
}

/// Forks. What is wrong in the fork is the number it exits with.
#[test]
fn child() {
    let breaker = CircuitBreaker::builder("fork")
        .listener(Idle)
        .build()
        .unwrap();
    breaker.disable();
    assert!(listener::flush(Duration::from_secs(30)));
    // SAFETY: the child calls nothing that needs another thread of the parent,
    // and ends without unwinding into the test harness.
    match unsafe { libc::fork() } {
        0 => {
            let (reports, ()) = reports::of(|| {
                breaker.reset();
                breaker.disable();
            });
            let delivery = &breaker.info().listeners[0];
            let checks = [
                !listener::flush(Duration::from_secs(30)),
                delivery.dropped == 2,
                reports.len() == 1 && reports[0].contains("forked"),
            ];
            drop(breaker);
            let wrong = checks.iter().position(|ok| !ok).map_or(0, |at| at + 1);
            // SAFETY: always sound.
            unsafe { libc::_exit(i32::try_from(wrong).unwrap_or(99)) }
        }
        child => {
            let mut status = 0;
            // SAFETY: `status` outlives the call.
            assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
            assert_eq!(status, 0, "{}", libc::WEXITSTATUS(status));
            breaker.reset();
            assert!(listener::flush(Duration::from_secs(30)));
            assert_eq!(breaker.info().listeners[0].dropped, 0);
        }
    }
}

/// In a process that runs this test alone, so that no other thread holds a lock
/// when it forks.
#[test]
fn forked_process_reports_lost_signals() {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "fork::child", "--test-threads=1"])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}
