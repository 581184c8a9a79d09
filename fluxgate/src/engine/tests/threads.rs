//! Threads that call while the circuit changes: small enough for Miri, which looks
//! at each access to memory.

use std::{
    sync::{Arc, Mutex},
    thread,
};

use crate::{
    CircuitBreaker, Signal, State, permit::All, retry::Always, tripper::FailureStreak,
    window::CountWindow,
};

#[test]
fn calls_and_transitions_from_threads() {
    const THREADS: usize = 3;
    const CALLS: usize = 60;
    let heard = Arc::new(Mutex::new(Vec::new()));
    let told = heard.clone();
    let breaker = CircuitBreaker::builder("threads")
        .window(CountWindow::new(4))
        .tripper(FailureStreak::new(2))
        .retry(Always)
        .permit(All)
        .listener(move |signal: &Signal| {
            let mut told = told.lock().expect("no listener panics");
            told.push((signal.old_state, signal.new_state));
        })
        .build()
        .expect("in range");
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let breaker = breaker.clone();
            scope.spawn(move || {
                for call in 0..CALLS {
                    match breaker.acquire() {
                        Ok(guard) if (call + thread) % 3 == 0 => guard.success(),
                        Ok(guard) => guard.failure(),
                        Err(rejected) => assert!(rejected.state() != State::Closed),
                    }
                    if call == CALLS / 2 {
                        breaker.force_open();
                        breaker.reset();
                    }
                }
            });
        }
    });
    let heard = heard.lock().expect("no listener panics");
    assert!(heard.len() > 2);
    let chained = heard.windows(2).all(|pair| pair[0].1 == pair[1].0);
    assert!(chained, "{heard:?}");
    let last = heard.last().expect("not empty").1;
    assert_eq!((last, breaker.info().state), (breaker.state(), last));
    assert_eq!(breaker.info().probes_in_flight, 0);
}
