//! The breakers, behind one interface and with settings as alike as they go:
//! open when `n` calls have failed, half-open after the wait, one probe, closed
//! by one success.

use std::{fmt, future::Future, pin::Pin};

use crate::WAIT;

/// A call to protect.
pub type Work = Pin<Box<dyn Future<Output = Result<(), Down>> + Send>>;

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ran {
    Ok,
    Failed,
    Rejected,
}

pub trait Peer {
    fn call(&self, work: Work) -> Pin<Box<dyn Future<Output = Ran> + '_>>;
}

/// What the service fails with.
#[derive(Debug)]
pub struct Down;

impl fmt::Display for Down {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("down")
    }
}

impl std::error::Error for Down {}

pub type Maker = fn(usize) -> Box<dyn Peer>;

pub fn all() -> &'static [(&'static str, Maker)] {
    &[
        ("fluxgate", |n| Box::new(ours::new(n))),
        ("recloser 1.4.0", |n| Box::new(recloser::new(n))),
        ("failsafe 1.3.0", |n| Box::new(failsafe::new(n))),
        ("tower-resilience 0.14.0", |n| {
            Box::new(tower_resilience::new(n))
        }),
        ("circuitbreaker-rs 0.1.1", |n| {
            Box::new(circuitbreaker_rs::new(n))
        }),
        ("nobreak 0.1.0", |n| Box::new(nobreak::new(n))),
    ]
}

mod ours {
    use fluxgate::{
        CallNotPermitted, CircuitBreaker, permit,
        retry::Cooldown,
        tripper::{FailureRate, MinRequests},
        window::CountWindow,
    };

    use super::{Down, Future, Peer, Pin, Ran, WAIT, Work};

    enum Error {
        Down,
        Rejected,
    }

    impl From<CallNotPermitted> for Error {
        fn from(_: CallNotPermitted) -> Self {
            Self::Rejected
        }
    }

    pub fn new(n: usize) -> CircuitBreaker {
        let n = n as u64;
        CircuitBreaker::builder("peer")
            .window(CountWindow::new(n))
            .tripper(MinRequests::new(n) & FailureRate::new(0.5))
            .retry(Cooldown::new(WAIT))
            .permit(permit::All)
            .max_half_open_calls(1)
            .reopen_after(1)
            .probe_lease(3 * WAIT)
            .build()
            .expect("the settings are in range")
    }

    impl Peer for CircuitBreaker {
        fn call(&self, work: Work) -> Pin<Box<dyn Future<Output = Ran> + '_>> {
            Box::pin(async {
                let work = async { work.await.map_err(|Down| Error::Down) };
                match self.call_async(work).await {
                    Ok(()) => Ran::Ok,
                    Err(Error::Down) => Ran::Failed,
                    Err(Error::Rejected) => Ran::Rejected,
                }
            })
        }
    }
}

mod recloser {
    use recloser::{AsyncRecloser, Error, Recloser};

    use super::{Future, Peer, Pin, Ran, WAIT, Work};

    pub fn new(n: usize) -> AsyncRecloser {
        let recloser = Recloser::custom()
            .closed_len(n)
            .half_open_len(1)
            .error_rate(0.5)
            .open_wait(WAIT);
        recloser.build().into()
    }

    impl Peer for AsyncRecloser {
        fn call(&self, work: Work) -> Pin<Box<dyn Future<Output = Ran> + '_>> {
            Box::pin(async {
                match self.call(work).await {
                    Ok(()) => Ran::Ok,
                    Err(Error::Inner(_)) => Ran::Failed,
                    Err(Error::Rejected) => Ran::Rejected,
                }
            })
        }
    }
}

mod failsafe {
    use failsafe::{
        Config, Error, StateMachine,
        backoff::{self, Constant},
        failure_policy::{self, ConsecutiveFailures},
        futures::CircuitBreaker,
    };

    use super::{Future, Peer, Pin, Ran, WAIT, Work};

    type Breaker = StateMachine<ConsecutiveFailures<Constant>, ()>;

    pub fn new(n: usize) -> Breaker {
        let n = u32::try_from(n).unwrap_or(u32::MAX);
        let policy = failure_policy::consecutive_failures(n, backoff::constant(WAIT));
        Config::new().failure_policy(policy).build()
    }

    impl Peer for Breaker {
        fn call(&self, work: Work) -> Pin<Box<dyn Future<Output = Ran> + '_>> {
            Box::pin(async {
                match CircuitBreaker::call(self, work).await {
                    Ok(()) => Ran::Ok,
                    Err(Error::Inner(_)) => Ran::Failed,
                    Err(Error::Rejected) => Ran::Rejected,
                }
            })
        }
    }
}

mod tower_resilience {
    use std::{future::poll_fn, sync::Mutex};

    use tower::{Service, service_fn};
    use tower_resilience_circuitbreaker::{CircuitBreakerError, CircuitBreakerLayer};

    use super::{Down, Future, Peer, Pin, Ran, WAIT, Work};

    struct Breaker<S>(Mutex<S>);

    pub fn new(n: usize) -> impl Peer {
        let layer = CircuitBreakerLayer::builder()
            .failure_rate_threshold(0.5)
            .sliding_window_size(n)
            .minimum_number_of_calls(n)
            .permitted_calls_in_half_open(1)
            .wait_duration_in_open(WAIT)
            .build()
            .expect("the settings are allowed");
        Breaker(Mutex::new(layer.layer_fn(service_fn(|work: Work| work))))
    }

    impl<S> Peer for Breaker<S>
    where
        S: Service<Work, Response = (), Error = CircuitBreakerError<Down>> + Clone,
    {
        fn call(&self, work: Work) -> Pin<Box<dyn Future<Output = Ran> + '_>> {
            Box::pin(async {
                let mut service = self.0.lock().map_err(drop).expect("never poisoned").clone();
                let called = match poll_fn(|context| service.poll_ready(context)).await {
                    Ok(()) => service.call(work).await,
                    Err(error) => Err(error),
                };
                match called {
                    Ok(()) => Ran::Ok,
                    Err(CircuitBreakerError::OpenCircuit) => Ran::Rejected,
                    Err(_) => Ran::Failed,
                }
            })
        }
    }
}

mod circuitbreaker_rs {
    use circuitbreaker_rs::{BreakerError, CircuitBreaker, DefaultPolicy};

    use super::{Down, Future, Peer, Pin, Ran, WAIT, Work};

    type Breaker = CircuitBreaker<DefaultPolicy, Down>;

    pub fn new(n: usize) -> Breaker {
        Breaker::builder()
            .failure_threshold(0.5)
            .min_throughput(n as u64)
            .consecutive_failures(n as u64)
            .consecutive_successes(1)
            .probe_interval(1)
            .cooldown(WAIT)
            .build()
    }

    impl Peer for Breaker {
        fn call(&self, work: Work) -> Pin<Box<dyn Future<Output = Ran> + '_>> {
            Box::pin(async {
                match self.call_async(move || work).await {
                    Ok(()) => Ran::Ok,
                    Err(BreakerError::Open) => Ran::Rejected,
                    Err(_) => Ran::Failed,
                }
            })
        }
    }
}

mod nobreak {
    use nobreak::{CircuitBreaker, CircuitError};

    use super::{Future, Peer, Pin, Ran, WAIT, Work};

    pub fn new(n: usize) -> CircuitBreaker {
        nobreak::builder()
            .with_failure_threshold(n)
            .with_success_threshold(1)
            .with_open_duration(WAIT)
            .build()
    }

    impl Peer for CircuitBreaker {
        fn call(&self, work: Work) -> Pin<Box<dyn Future<Output = Ran> + '_>> {
            Box::pin(async {
                match self.call_async(move || work).await {
                    Ok(()) => Ran::Ok,
                    Err(CircuitError::Open) => Ran::Rejected,
                    Err(_) => Ran::Failed,
                }
            })
        }
    }
}
