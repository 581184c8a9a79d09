//! Two hundred agents in one process: they open together, and close together.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use fluxgate::{Command, State};

use crate::{
    instance::{Dependency, Instance, Service, until_members},
    server::{Server, until, within},
};

const AGENTS: usize = 200;

#[test]
fn two_hundred_agents_open_and_close_together() {
    let server = Server::start();
    let dependency = Arc::new(Dependency::default());
    let service = Service::on(&server);
    let instances: Vec<Instance> = (0..AGENTS)
        .map(|_| service.instance("payments", &dependency))
        .collect();
    until_members(&server, &instances, "payments");

    // Nothing happens: what does that cost the server?
    server.reset_stats();
    let start = Instant::now();
    thread::sleep(Duration::from_secs(10));
    let (scripts, micros) = server.command_stats("evalsha");
    let each = scripts as f64 / start.elapsed().as_secs_f64() / AGENTS as f64;
    let load = micros as f64 / start.elapsed().as_secs_f64() / 1e6;

    // The dependency dies. Each instance calls it ten times a second.
    dependency.is_down.store(true, Relaxed);
    let start = Instant::now();
    within(Duration::from_secs(30), "all are open", || {
        for instance in &instances {
            let _ = instance.call();
        }
        thread::sleep(Duration::from_millis(100));
        instances.iter().all(|i| i.state() == State::Open)
    });
    let opened = start.elapsed();
    let paid = dependency.failed.load(Relaxed);

    // It comes back.
    dependency.is_down.store(false, Relaxed);
    let start = Instant::now();
    within(Duration::from_secs(60), "all are closed", || {
        for instance in &instances {
            let _ = instance.call();
        }
        thread::sleep(Duration::from_millis(50));
        instances.iter().all(|i| i.state() == State::Closed)
    });
    let closed = start.elapsed();

    // A command reaches all.
    let start = Instant::now();
    let commanded = instances[0].fleet.command("payments", Command::ForceOpen);
    commanded.expect("the store confirms it");
    until("all are commanded", || {
        instances.iter().all(|i| i.state() == State::ForcedOpen)
    });
    let commanded = start.elapsed();

    println!("\n| {AGENTS} agents, in one process | measured | bound |\n|---|--:|--:|");
    println!("| scripts per second and agent, healthy | {each:.2} | ≤ 0.2, and memberships |");
    println!(
        "| the server's share of a core, healthy | {:.2} % | |",
        load * 100.0
    );
    println!(
        "| outage → the last is open | {:.1} s | |",
        opened.as_secs_f64()
    );
    println!(
        "| failed calls, all together | {paid} | {} alone |",
        5 * AGENTS
    );
    println!(
        "| recovery → the last is closed | {:.1} s | |",
        closed.as_secs_f64()
    );
    println!(
        "| command → the last follows | {:.0} ms | |",
        commanded.as_secs_f64() * 1e3
    );
    // Half of what local rules alone would cost is shown at any speed of the machine.
    assert!(paid <= 5 * AGENTS as u64 / 2 + 100, "{paid} failed calls");
    assert!(each <= 0.25, "{each} scripts per second and agent");
    for instance in instances {
        instance.fleet.leave();
    }
    let members = "fluxgate:v1:{test/shop/eu%201a/payments}:m";
    until("all have left", || server.number(&["ZCARD", members]) == 0);
}
