//! Instances of a service, many in one process.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use fluxgate::{
    CallError, CircuitBreaker, State,
    fleet::{Fleet, Member, Quorum, RedisAddress},
    retry::Cooldown,
    tripper::FailureStreak,
};

use crate::server::{Server, authority};

/// What the calls go to, and what they cost it.
#[derive(Default)]
pub(crate) struct Dependency {
    pub(crate) is_down: AtomicBool,
    pub(crate) reached: AtomicU64,
    pub(crate) failed: AtomicU64,
}

pub(crate) struct Instance {
    pub(crate) fleet: Fleet,
    pub(crate) breaker: CircuitBreaker,
    dependency: Arc<Dependency>,
}

/// What the instances of a test have in common.
pub(crate) struct Service {
    pub(crate) address: RedisAddress,
    pub(crate) quorum: Quorum,
    pub(crate) wait: Duration,
}

impl Service {
    pub(crate) fn on(server: &Server) -> Self {
        Self::at(&server.url())
    }

    pub(crate) fn at(url: &str) -> Self {
        let address: RedisAddress = url.parse().expect("an address");
        Self {
            address: address.root_certificates(authority()),
            quorum: Quorum::share(0.05).within(Duration::from_secs(5)),
            wait: Duration::from_secs(2),
        }
    }

    pub(crate) fn instance(&self, breaker: &str, dependency: &Arc<Dependency>) -> Instance {
        let breaker = CircuitBreaker::builder(breaker.to_owned())
            .tripper(FailureStreak::new(5))
            .retry(Cooldown::new(self.wait))
            .fleet(
                Member::new()
                    .suspect(FailureStreak::new(2))
                    .lease(Duration::from_secs(1)),
            )
            .build()
            .expect("a breaker");
        let fleet = Fleet::builder("test/shop")
            .zone("eu 1a")
            .quorum(self.quorum)
            .redis(self.address.clone())
            .breakers([breaker.clone()])
            .join_blocking()
            .expect("a fleet");
        Instance {
            fleet,
            breaker,
            dependency: dependency.clone(),
        }
    }
}

impl Instance {
    /// Calls the dependency once.
    pub(crate) fn call(&self) -> Result<(), CallError<()>> {
        self.breaker.try_call(|| {
            self.dependency.reached.fetch_add(1, Relaxed);
            if self.dependency.is_down.load(Relaxed) {
                self.dependency.failed.fetch_add(1, Relaxed);
                Err(())
            } else {
                Ok(())
            }
        })
    }

    pub(crate) fn state(&self) -> State {
        self.breaker.state()
    }

    pub(crate) fn is_degraded(&self) -> bool {
        let fleet = self.breaker.info().fleet;
        fleet.is_none_or(|fleet| fleet.degraded)
    }
}

/// Waits until each of the instances knows of so many members that are old enough to vote,
/// with calls that succeed.
pub(crate) fn until_members(server: &Server, instances: &[Instance], breaker: &str) {
    for instance in instances {
        // The first recorded call makes a member.
        let _ = instance.call();
    }
    let members = format!("fluxgate:v1:{{test/shop/eu%201a/{breaker}}}:m");
    let count = i64::try_from(instances.len()).unwrap();
    crate::server::until("all are members", || {
        server.number(&["ZCARD", &members]) == count
    });
    // There is no quorum in the first 15 s of a circuit, and no vote in the first 5 s of a
    // member. The first is the store's, and can be shortened.
    let state = members.replace("}:m", "}:s");
    let born: i64 = server.text(&["HGET", &state, "b"]).parse().unwrap();
    server.ask(&["HSET", &state, "b", &(born - 15_000).to_string()]);
}
