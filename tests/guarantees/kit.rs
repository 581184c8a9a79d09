//! What the tests of this binary share.

use std::{
    future::Future,
    panic::resume_unwind,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
    time::Duration,
};

use fluxgate::{
    Builder, CallNotPermitted, CircuitBreaker, Outcome, Signal, State, clock::ManualClock, permit,
    retry::Cooldown, tripper::FailureStreak,
};

/// What protected functions fail with.
#[derive(Debug, PartialEq)]
pub(crate) enum Error {
    Down,
    /// `tracked` says no.
    Untracked,
    /// `outcome` says that the dependency answers.
    NotFound,
    /// `outcome` says that it has too much to do.
    Busy,
    Rejected(CallNotPermitted),
}

impl From<CallNotPermitted> for Error {
    fn from(rejection: CallNotPermitted) -> Self {
        Self::Rejected(rejection)
    }
}

pub(crate) fn tracked(error: &Error) -> bool {
    !matches!(error, Error::Untracked)
}

pub(crate) fn outcome(result: &Result<(), Error>) -> Outcome {
    match result {
        Ok(()) => Outcome::Success,
        Err(Error::Untracked) => Outcome::Ignored,
        Err(Error::NotFound) => Outcome::Alive,
        Err(Error::Busy) => Outcome::Overloaded,
        Err(_) => Outcome::Failure,
    }
}

pub(crate) const SECOND: Duration = Duration::from_secs(1);
/// The wait of `builder`.
pub(crate) const WAIT: Duration = Duration::from_secs(10);
/// The lease of `builder`.
pub(crate) const LEASE: Duration = Duration::from_secs(30);

/// Opens at the first failure, and takes one probe at a time.
pub(crate) fn builder(clock: &ManualClock) -> Builder {
    CircuitBreaker::builder("guarantees")
        .tripper(FailureStreak::new(1))
        .retry(Cooldown::new(WAIT))
        .permit(permit::All)
        .max_half_open_calls(1)
        .probe_lease(LEASE)
        .clock(clock.clone())
}

pub(crate) fn fail(breaker: &CircuitBreaker) {
    assert_eq!(breaker.call(|| Err::<(), _>(Error::Down)), Err(Error::Down));
}

pub(crate) fn succeed(breaker: &CircuitBreaker) {
    assert_eq!(breaker.call(|| Ok::<_, Error>(())), Ok(()));
}

/// Fails, and waits until the next call is a probe.
pub(crate) fn make_due(breaker: &CircuitBreaker, clock: &ManualClock) {
    fail(breaker);
    assert_eq!(breaker.state(), State::Open);
    clock.advance(WAIT);
}

/// A panic that prints nothing.
pub(crate) fn unwind() -> ! {
    resume_unwind(Box::new("unwound"))
}

/// A call that panics so.
#[allow(clippy::unused_async)]
pub(crate) async fn unwinds() -> Result<(), Error> {
    unwind()
}

pub(crate) fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// A listener's notes.
#[derive(Clone, Default)]
pub(crate) struct Heard(Arc<Mutex<Vec<Signal>>>);

impl Heard {
    pub(crate) fn listener(&self) -> impl Fn(&Signal) + Send + Sync + 'static {
        let heard = self.clone();
        move |signal| heard.0.lock().unwrap().push(signal.clone())
    }

    /// The states entered, if every signal came once and in order.
    pub(crate) fn chain(&self) -> Vec<State> {
        let (chain, merged) = self.chain_and_merged();
        assert_eq!(merged, 0);
        chain
    }

    /// Returns how often it heard that the circuit would have opened.
    pub(crate) fn would_have_opened(&self) -> u64 {
        let heard = self.0.lock().unwrap();
        let told = heard.iter().filter(|signal| signal.would_have_opened);
        told.count() as u64
    }

    /// The states entered, if signals came in order and form a chain, and how many of
    /// them were merged into the one after.
    pub(crate) fn chain_and_merged(&self) -> (Vec<State>, u64) {
        let heard = self.0.lock().unwrap();
        // What would have happened is no part of the chain.
        let transitions = heard.iter().filter(|signal| !signal.would_have_opened);
        let heard: Vec<_> = transitions.collect();
        let mut state = State::Closed;
        let mut last = 0;
        for signal in &heard {
            assert!(signal.sequence > last);
            assert_eq!(signal.old_state, state);
            (last, state) = (signal.sequence, signal.new_state);
        }
        let chain = heard.iter().map(|signal| signal.new_state).collect();
        (chain, last - heard.len() as u64)
    }
}
