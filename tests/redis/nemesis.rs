//! Everything that can happen to a server and to the way there, under load: no call fails
//! or waits for it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use fluxgate::{CallError, Command, State};

use crate::{
    instance::{Dependency, Instance, Service, until_members},
    proxy::Proxy,
    server::{self, Options, Server, until, within},
};

const HEALTHY: usize = 20;
const BROKEN: usize = 5;

/// Longer than a busy machine lets a thread wait, and shorter than whatever waits for a
/// server that does not answer: that takes 2 s.
const DELAYED: Duration = Duration::from_secs(1);

/// What the calls under one fault came to.
#[derive(Default)]
struct Counts {
    calls: AtomicU64,
    failed: AtomicU64,
    delayed: AtomicU64,
    slowest: AtomicU64,
}

impl Counts {
    fn time<T>(&self, call: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = call();
        let took = start.elapsed();
        self.calls.fetch_add(1, Relaxed);
        self.delayed.fetch_add(u64::from(took >= DELAYED), Relaxed);
        let micros = u64::try_from(took.as_micros()).unwrap();
        self.slowest.fetch_max(micros, Relaxed);
        result
    }
}

/// Threads that call without a pause: a service whose dependency is well, one whose
/// dependency is down, and one that was commanded to stay closed to calls.
struct Load {
    healthy: Arc<Vec<Instance>>,
    broken: Arc<Vec<Instance>>,
    commanded: Arc<Vec<Instance>>,
    counts: Arc<Counts>,
    is_over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    fn start(healthy: Vec<Instance>, broken: Vec<Instance>, commanded: Vec<Instance>) -> Self {
        let mut load = Self {
            healthy: Arc::new(healthy),
            broken: Arc::new(broken),
            commanded: Arc::new(commanded),
            counts: Arc::default(),
            is_over: Arc::default(),
            threads: Vec::new(),
        };
        for _ in 0..2 {
            let (healthy, broken) = (load.healthy.clone(), load.broken.clone());
            let commanded = load.commanded.clone();
            let (counts, is_over) = (load.counts.clone(), load.is_over.clone());
            load.threads.push(thread::spawn(move || {
                while !is_over.load(Relaxed) {
                    for instance in &*healthy {
                        let result = counts.time(|| instance.call());
                        counts.failed.fetch_add(u64::from(result.is_err()), Relaxed);
                    }
                    // They fail, or are rejected, as is right: at once.
                    for instance in &*broken {
                        let _ = counts.time(|| instance.call());
                    }
                    for instance in &*commanded {
                        let result = counts.time(|| instance.call());
                        let held = matches!(result, Err(CallError::Rejected(_)));
                        counts.failed.fetch_add(u64::from(!held), Relaxed);
                    }
                    thread::sleep(Duration::from_millis(1));
                }
            }));
        }
        load
    }

    fn all(&self) -> impl Iterator<Item = &Instance> {
        self.healthy
            .iter()
            .chain(&*self.broken)
            .chain(&*self.commanded)
    }

    fn reset(&self) {
        let Counts {
            calls,
            failed,
            delayed,
            slowest,
        } = &*self.counts;
        for count in [calls, failed, delayed, slowest] {
            count.store(0, Relaxed);
        }
    }

    fn end(&mut self) {
        self.is_over.store(true, Relaxed);
        for thread in self.threads.drain(..) {
            thread.join().expect("no panic");
        }
    }
}

/// Runs a fault and what ends it, and waits until the fleet is whole again.
fn under(load: &Load, what: &str, is_noticed: bool, fault: impl FnOnce()) {
    load.reset();
    fault();
    let mut degraded = load.all().filter(|i| i.is_degraded()).count();
    if is_noticed {
        until("somewhere it is noticed", || {
            degraded = degraded.max(load.all().filter(|i| i.is_degraded()).count());
            degraded > 0
        });
    }
    let back = within(Duration::from_secs(60), "the fleet is back", || {
        load.all().all(|instance| !instance.is_degraded())
    });
    let Counts {
        calls,
        failed,
        delayed,
        slowest,
    } = &*load.counts;
    let [calls, failed, delayed] = [calls, failed, delayed].map(|count| count.load(Relaxed));
    let slowest = slowest.load(Relaxed) as f64 / 1e3;
    println!(
        "| {what} | {calls} | {failed} | {delayed} | {slowest:.0} ms | {degraded} of {} | {:.1} s |",
        HEALTHY + BROKEN + 2,
        back.as_secs_f64()
    );
    assert_eq!((failed, delayed), (0, 0), "under {what}");
}

#[test]
fn no_call_fails_or_waits_for_the_store() {
    let mut server = Server::start();
    let proxy = Proxy::start(server.port);
    let service = Service::at(&server::url(proxy.port));
    let (well, down) = (Arc::<Dependency>::default(), Arc::<Dependency>::default());
    let group = |count, name: &str, dependency: &Arc<Dependency>| -> Vec<Instance> {
        (0..count)
            .map(|_| service.instance(name, dependency))
            .collect()
    };
    let healthy = group(HEALTHY, "healthy", &well);
    let broken = group(BROKEN, "broken", &down);
    let commanded = group(2, "commanded", &well);
    until_members(&server, &healthy, "healthy");
    until_members(&server, &broken, "broken");
    down.is_down.store(true, Relaxed);
    let fleet = &commanded[0].fleet;
    fleet
        .command("commanded", Command::ForceOpen)
        .expect("the store confirms it");
    until("all are commanded", || {
        commanded.iter().all(|i| i.state() == State::ForcedOpen)
    });
    let mut load = Load::start(healthy, broken, commanded);

    println!(
        "\n| fault | calls | failed by it | delayed by it | slowest | degraded | back after |\n\
         |---|--:|--:|--:|--:|--:|--:|"
    );
    faults(&mut server, &proxy, &load);
    promotions(&mut server, &proxy, &load);
    load.end();
    works_as_before(&server, &load, &well, &down);
}

/// One server, and the way there.
fn faults(server: &mut Server, proxy: &Proxy, load: &Load) {
    under(load, "none", false, || pause(5));
    under(load, "connections cut", false, || {
        proxy.cut();
        pause(3);
    });
    under(load, "`FLUSHALL`", false, || {
        server.ask(&["FLUSHALL"]);
        pause(6);
    });
    under(load, "`SCRIPT FLUSH`", false, || {
        server.ask(&["SCRIPT", "FLUSH"]);
        pause(6);
    });
    under(
        load,
        "`SIGKILL`, 6 s without a server, then an empty one",
        true,
        || {
            server.kill();
            pause(6);
            server.launch();
        },
    );
    under(load, "`SIGSTOP` for 10 s", true, || {
        server.signal(libc::SIGSTOP);
        pause(10);
        server.signal(libc::SIGCONT);
    });
    under(load, "`CLIENT PAUSE` for 8 s", true, || {
        server.ask(&["CLIENT", "PAUSE", "8000", "ALL"]);
        pause(8);
    });
    under(load, "latency of 2 s each way, for 10 s", true, || {
        proxy.latency(Duration::from_secs(2));
        pause(10);
        proxy.latency(Duration::ZERO);
    });
}

/// A server dies, and its replica takes over: with the same clock, and with another.
fn promotions(server: &mut Server, proxy: &Proxy, load: &Load) {
    // The command is what is there to lose.
    let instances = load.commanded.clone();
    instances[0]
        .fleet
        .command("commanded", Command::ForceOpen)
        .expect("the store confirms it");
    for (what, hours) in [
        ("the master dies, and a replica is promoted", 0),
        ("the same, its clock an hour behind", -1),
        ("the same, its clock an hour ahead of that", 0),
    ] {
        let replica = Server::start_with(Options {
            replica_of: Some(server.port),
            hours,
        });
        until("the replica has all", || {
            replica
                .text(&["INFO", "replication"])
                .contains("master_link_status:up")
        });
        under(load, what, false, || {
            server.kill();
            pause(1);
            replica.ask(&["REPLICAOF", "NO", "ONE"]);
            proxy.redirect(replica.port);
            pause(8);
        });
        *server = replica;
        let kept = server.text(&["HGET", "fluxgate:v1:{test/shop//commanded}:s", "c"]);
        assert_eq!(kept, "force_open", "{what}");
    }
}

/// The fleet still opens and closes together.
fn works_as_before(server: &Server, load: &Load, well: &Dependency, down: &Dependency) {
    down.is_down.store(false, Relaxed);
    within(Duration::from_secs(60), "the broken ones close", || {
        for instance in &*load.broken {
            let _ = instance.call();
        }
        thread::sleep(Duration::from_millis(20));
        load.broken.iter().all(|i| i.state() == State::Closed)
    });
    until_members(server, &load.healthy, "healthy");
    pause(6);
    well.is_down.store(true, Relaxed);
    until("the healthy ones open", || {
        for instance in &*load.healthy {
            let _ = instance.call();
        }
        thread::sleep(Duration::from_millis(20));
        load.healthy.iter().all(|i| i.state() == State::Open)
    });
    let followed = |instance: &Instance| instance.breaker.info().fleet.map_or(0, |f| f.followed);
    let followed: u64 = load.healthy.iter().map(followed).sum();
    assert!(followed > 0, "they opened alone");
}

/// How long a fault lasts is what is tested.
fn pause(seconds: u64) {
    thread::sleep(Duration::from_secs(seconds));
}
