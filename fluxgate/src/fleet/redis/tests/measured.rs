//! What the scripts cost the server, and how long a notice takes: a table, by
//! `tests/redis/run measure`. Numbers of a busy machine decide nothing.

use std::time::Instant;

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    runtime::Runtime,
};

use super::server::{Client, Server};
use crate::fleet::{
    circuit_id::{CircuitId, fleet},
    redis::scripts::{self, Scripts},
    store::{Ballot, Reply, Request, Terms},
};

const MEMBERS: u32 = 1000;
const TERMS: Terms = Terms {
    share: 50_000,
    at_least: 2,
    within: 60_000,
    cooldown: 30_000,
    longest: 300_000,
    probes: 3,
    lease: 10_000,
    close_after: 3,
    hash: 7,
};

fn circuit() -> CircuitId {
    let fleet = fleet("prod/shop").expect("a fleet");
    CircuitId::new(&fleet, Some("eu-1a"), "payments").expect("short")
}

fn enter(number: u32) -> Request {
    Request::Enter {
        circuit: circuit(),
        instance: format!("{number:016x}").into(),
        lifetime: 660_000,
    }
}

fn vote(number: u32) -> Request {
    Request::Vote {
        circuit: circuit(),
        instance: format!("{number:016x}").into(),
        terms: TERMS,
    }
}

fn row(what: &str, measured: &str, bound: &str) {
    println!("| {what} | {measured} | {bound} |");
}

#[test]
fn measured_costs_are_told() {
    let Some(server) = Server::start_if("measure") else {
        return;
    };
    println!("\n| server time of a script | median, mean | bound |\n|---|--:|--:|");
    let mut client = server.client(Scripts::new());
    let timed = |client: &mut Client,
                 what: &str,
                 bound: &str,
                 requests: &mut dyn Iterator<Item = Request>| {
        server.reset_stats();
        client.ask_all(requests);
        let (calls, half, each) = server.evalsha();
        row(
            what,
            &format!("{half:.1} µs, {each:.1} µs ({calls})"),
            bound,
        );
    };
    // The first of each loads its script.
    timed(
        &mut client,
        "enter, to 1000 members",
        "",
        &mut (0..MEMBERS).map(enter),
    );
    timed(&mut client, "enter again", "", &mut (0..MEMBERS).map(enter));
    timed(
        &mut client,
        "vote, young members",
        "≤ 50 µs",
        &mut (0..MEMBERS).map(vote),
    );
    let beat = |number: u32| Request::Beat {
        fleet: "prod/shop".into(),
        instance: format!("{number:016x}").into(),
        since: 0,
    };
    timed(
        &mut client,
        "beat, no change",
        "",
        &mut (0..MEMBERS).map(beat),
    );
    timed(
        &mut client,
        "read",
        "",
        &mut (0..MEMBERS).map(|_| Request::Read { circuit: circuit() }),
    );
    // Old enough for a quorum, and without the votes of before.
    server.forget(&circuit().key('v'));
    server.age(&circuit().key('s'));
    timed(
        &mut client,
        "vote, up to the quorum of 50",
        "≤ 50 µs",
        &mut (0..MEMBERS).map(|number| vote(number % 49)),
    );
    let mut opening = Vec::new();
    for _ in 0..21 {
        server.reset_stats();
        let reply = client.ask(vote(49)).expect("an answer");
        let Reply::Voted { ballot, votes, .. } = reply else {
            panic!("{reply:?}");
        };
        assert_eq!((ballot, votes), (Ballot::Opened, 50));
        opening.push(server.evalsha().2);
        server.quieten(&circuit().key('s'));
        client.ask_all((0..49).map(vote));
    }
    opening.sort_by(f64::total_cmp);
    let (half, mean) = (opening[10], opening.iter().sum::<f64>() / 21.0);
    let opened = format!("{half:.1} µs, {mean:.1} µs (21)");
    row("vote that opens, on an idle server", &opened, "");
    server.reset_stats();
    client.ask(vote(49)).expect("an answer");
    timed(
        &mut client,
        "vote on an open circuit",
        "≤ 50 µs",
        &mut (0..MEMBERS).map(vote),
    );
}

#[test]
fn thousand_subscribers_hear_of_a_quorum() {
    let Some(server) = Server::start_if("measure") else {
        return;
    };
    let mut client = server.client(Scripts::new());
    for number in 0..20 {
        client.ask(enter(number)).expect("an answer");
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    println!("\n| what | measured | bound |\n|---|--:|--:|");
    // What the server does for them, and not what a thousand clients in one process do.
    let subscribe = format!("SUBSCRIBE {}\r\n", scripts::channel(&circuit()));
    let mut subscribers = runtime
        .block_on(async {
            let mut subscribers = Vec::new();
            for _ in 0..MEMBERS {
                let mut stream = TcpStream::connect(("127.0.0.1", server.port())).await?;
                stream.write_all(subscribe.as_bytes()).await?;
                subscribers.push(BufReader::new(stream));
            }
            Ok::<_, std::io::Error>(subscribers)
        })
        .expect("subscribers");
    hear(&runtime, &mut subscribers, "subscribe");
    for round in 0..5 {
        server.age(&circuit().key('s'));
        client.ask(vote(0)).expect("an answer");
        // The half of two is one.
        hear(&runtime, &mut subscribers, "half");
        let start = Instant::now();
        let reply = client.ask(vote(1)).expect("an answer");
        assert!(matches!(&reply, Reply::Voted { votes: 2, .. }), "{reply:?}");
        let last = hear(&runtime, &mut subscribers, "changed") - start;
        row(
            &format!("quorum → the last of {MEMBERS} subscribers, {round}"),
            &format!("{:.1} ms", last.as_secs_f64() * 1e3),
            "≤ 50 ms",
        );
        server.forget(&circuit().key('s'));
        for number in 0..20 {
            client.ask(enter(number)).expect("an answer");
        }
    }
}

/// Returns when the last of the subscribers heard of this.
fn hear(runtime: &Runtime, subscribers: &mut [BufReader<TcpStream>], kind: &str) -> Instant {
    // A confirmation ends with a number, a message with a text.
    let lines = if kind == "subscribe" { 6 } else { 7 };
    runtime.block_on(async {
        for stream in subscribers {
            let mut heard = String::new();
            for _ in 0..lines {
                stream.read_line(&mut heard).await.expect("a line");
            }
            assert!(heard.contains(kind), "{heard}");
        }
        Instant::now()
    })
}
