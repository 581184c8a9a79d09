//! Upstream registries of a package proxy, one breaker for each host.
//!
//! Needs: a host that hangs must not stop downloads from others. Hosts come from users,
//! so what is kept is bounded. A package that is missing here may be elsewhere: 404 is
//! an answer of this host, and the next is asked by the proxy itself. A new host is
//! watched before its breaker acts. A download may end long after it began, in another
//! task, or be given up by the client.

use std::collections::HashSet;

use fluxgate::{
    OnCancel, Outcome, State, choose::OwnedGuard, clock::ManualClock, keyed::CircuitBreakers,
};

use crate::{SECOND, settings};

struct Proxy {
    hosts: CircuitBreakers<String>,
    down: HashSet<&'static str>,
}

#[derive(Debug, PartialEq)]
enum Fetched {
    From(String),
    Missing,
    NoHost,
}

impl Proxy {
    fn new(clock: &ManualClock, begins: State) -> Self {
        let clock = clock.clone();
        let hosts = CircuitBreakers::builder("upstream")
            .max_keys(50)
            .settings(move |builder| {
                settings(builder, &clock)
                    .initial_state(begins)
                    .on_cancel(OnCancel::FailAfter(10 * SECOND))
            })
            .build()
            .unwrap();
        Self {
            hosts,
            down: HashSet::new(),
        }
    }

    /// Asks one host after the other until one has the package.
    fn fetch(&self, package: &str, hosts: &[&str]) -> Fetched {
        let mut fetched = Fetched::NoHost;
        let mut left = hosts;
        while let Ok(chosen) = self.hosts.pick(left.iter().copied()) {
            let host = chosen.key;
            let asked = left.iter().position(|left| *left == host).unwrap_or(0);
            left = &left[asked + 1..];
            if self.down.contains(host) {
                chosen.guard.failure();
            } else if host.starts_with(package) {
                chosen.guard.success();
                return Fetched::From(host.to_owned());
            } else {
                chosen.guard.alive();
                fetched = Fetched::Missing;
            }
        }
        fetched
    }

    fn begin(&self, host: &str) -> Option<OwnedGuard> {
        self.hosts.get(host).acquire_owned().ok()
    }
}

const HOSTS: [&str; 3] = ["serde.example", "tokio.example", "hyper.example"];

#[test]
fn missing_package_is_looked_for_elsewhere() {
    let proxy = Proxy::new(&ManualClock::new(), State::Closed);
    for _ in 0..10 {
        let found = proxy.fetch("hyper", &HOSTS);
        assert_eq!(found, Fetched::From("hyper.example".into()));
        assert_eq!(proxy.fetch("rand", &HOSTS), Fetched::Missing);
    }
    for host in HOSTS {
        let info = proxy.hosts.get(host).info();
        assert_eq!((info.state, info.failed), (State::Closed, 0));
    }
}

#[test]
fn host_that_is_down_stops_no_other() {
    let mut proxy = Proxy::new(&ManualClock::new(), State::Closed);
    proxy.down.insert("serde.example");
    for _ in 0..10 {
        let found = proxy.fetch("tokio", &HOSTS);
        assert_eq!(found, Fetched::From("tokio.example".into()));
    }
    let info = proxy.hosts.get("serde.example").info();
    assert_eq!((info.state, info.failed), (State::Open, 2));
    assert_eq!((info.passed_over, info.rejected), (8, 0));
    proxy.down.extend(HOSTS);
    for _ in 0..3 {
        proxy.fetch("hyper", &HOSTS);
    }
    assert_eq!(proxy.fetch("hyper", &HOSTS), Fetched::NoHost);
}

#[test]
fn hosts_of_users_are_bounded() {
    let mut proxy = Proxy::new(&ManualClock::new(), State::Closed);
    proxy.down.insert("serde.example");
    for _ in 0..2 {
        proxy.fetch("serde", &HOSTS[..1]);
    }
    for host in 0..10_000 {
        proxy.fetch("x", &[&format!("host-{host}.example")]);
    }
    assert!(proxy.hosts.len() <= 50);
    assert_eq!(proxy.hosts.get("serde.example").state(), State::Open);
}

#[test]
fn new_host_is_watched_first() {
    let mut proxy = Proxy::new(&ManualClock::new(), State::MetricsOnly);
    proxy.down.insert("serde.example");
    for _ in 0..5 {
        proxy.fetch("serde", &HOSTS[..1]);
    }
    let host = proxy.hosts.get("serde.example");
    assert_eq!(host.state(), State::MetricsOnly);
    assert_eq!(host.info().metrics.failure_rate(), Some(1.0));
    host.close();
    for _ in 0..2 {
        proxy.fetch("serde", &HOSTS[..1]);
    }
    assert_eq!(host.state(), State::Open);
}

#[test]
fn download_given_up_late_is_a_failure() {
    let clock = ManualClock::new();
    let proxy = Proxy::new(&clock, State::Closed);
    let host = proxy.hosts.get(HOSTS[0]);
    for _ in 0..5 {
        drop(proxy.begin(HOSTS[0]));
    }
    assert_eq!(host.state(), State::Closed, "clients come and go");
    let hung = [(); 2].map(|()| proxy.begin(HOSTS[0]).unwrap());
    clock.advance(10 * SECOND);
    drop(hung);
    assert_eq!(host.state(), State::Open);
    assert!(proxy.begin(HOSTS[0]).is_none());
}

#[tokio::test]
async fn download_ends_in_another_task() {
    let proxy = Proxy::new(&ManualClock::new(), State::Closed);
    let guards: Vec<_> = HOSTS
        .iter()
        .map(|host| proxy.begin(host).unwrap())
        .collect();
    for guard in guards {
        tokio::spawn(async move { guard.record(Outcome::Failure) })
            .await
            .unwrap();
    }
    for host in HOSTS {
        assert_eq!(proxy.hosts.get(host).info().failed, 1);
    }
}
