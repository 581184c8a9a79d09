//! Clients of the slack-proxy that are slow, silent, many, or send too much.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    fake::{Act, Slack},
    http::{get, post},
    log,
    rig::Proxy,
};

const POST: &str = r#"{"channel":"C1","text":"x"}"#;

/// Opens connections that each send this and no more.
fn hold(to: SocketAddr, count: usize, send: &[u8]) -> Vec<TcpStream> {
    let open = |_| {
        let mut stream = TcpStream::connect(to).unwrap();
        // What the proxy does not read must not hold up the test.
        stream.set_nonblocking(true).unwrap();
        let _ = stream.write_all(send);
        stream
    };
    (0..count).map(open).collect()
}

/// How many of them the proxy has not closed.
fn open(streams: &mut [TcpStream]) -> usize {
    let is_open = |stream: &mut TcpStream| {
        let read = stream.read(&mut [0; 1024]);
        matches!(read, Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
    };
    streams.iter_mut().map(is_open).filter(|open| *open).count()
}

fn serves(proxy: &Proxy) {
    assert_eq!(post(proxy.application, POST).unwrap().status, 200);
    assert_eq!(get(proxy.metrics, "/health").status, 200);
    assert_eq!(get(proxy.metrics, "/metrics").status, 200);
}

/// Resident memory in bytes, where it can be had.
fn memory() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split_whitespace().nth(1).map(str::parse);
    pages.and_then(Result::ok).unwrap_or(0_usize) * 4096
}

#[test]
fn silent_connections_leave_room_for_posts() {
    let slack = Slack::start();
    let flags = ["--maxConnections=100", "--clientTimeout=1m"];
    let proxy = Proxy::start(&slack, &flags);
    let mut held = Vec::new();
    for send in [
        &b""[..],
        b"POST / HT",
        b"POST / HTTP/1.1\r\nHost: h\r\nX-Slow: ",
        b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n{",
    ] {
        held.extend(hold(proxy.application, 300, send));
        held.extend(hold(proxy.metrics, 100, send));
        serves(&proxy);
    }
    assert!(open(&mut held) <= 100 + 32, "{}", open(&mut held));
}

#[test]
fn slow_clients_are_dropped() {
    let slack = Slack::start();
    let proxy = Proxy::start(&slack, &["--clientTimeout=200ms"]);
    for (send, answer) in [
        (&b""[..], ""),
        (b"POST / HT", ""),
        (b"POST / HTTP/1.1\r\nHost: h\r\n\r", ""),
        (
            b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n{",
            "HTTP/1.1 408 ",
        ),
        (
            b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{",
            "HTTP/1.1 408 ",
        ),
    ] {
        let mut stream = TcpStream::connect(proxy.application).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        stream.write_all(send).unwrap();
        let mut got = Vec::new();
        let ended = stream.read_to_end(&mut got);
        let timed_out = |error: &std::io::Error| error.kind() == std::io::ErrorKind::WouldBlock;
        assert!(!ended.as_ref().is_err_and(timed_out), "{send:?}");
        let got = String::from_utf8_lossy(&got);
        assert!(got.starts_with(answer), "{got}");
    }
    serves(&proxy);
}

#[test]
fn slow_but_steady_clients_are_served() {
    let slack = Slack::start();
    let proxy = Proxy::start(&slack, &["--clientTimeout=10s"]);
    let mut stream = TcpStream::connect(proxy.application).unwrap();
    let length = POST.len();
    let head = format!(
        "POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
    );
    for part in head.as_bytes().chunks(20).chain(POST.as_bytes().chunks(5)) {
        stream.write_all(part).unwrap();
        thread::sleep(Duration::from_millis(5));
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn bodies_held_back_take_bounded_memory() {
    let slack = Slack::start();
    let proxy = Proxy::start(&slack, &["--clientTimeout=1m"]);
    serves(&proxy);
    let size = 1024 * 1024;
    let mut send = format!("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: {size}\r\n\r\n");
    send.extend(std::iter::repeat_n('x', size - 1));
    let before = memory();
    let mut held = hold(proxy.application, 400, send.as_bytes());
    // Those that the proxy reads on are sent more.
    for _ in 0..20 {
        for stream in &mut held {
            let _ = stream.write(&send.as_bytes()[..64 * 1024]);
        }
        thread::sleep(Duration::from_millis(5));
    }
    serves(&proxy);
    let grown = memory().saturating_sub(before);
    assert!(grown < 96 * 1024 * 1024, "{grown} bytes");
}

#[test]
fn full_queue_is_seen_before_the_body() {
    let slack = Slack::start();
    slack.then(Act::Hang);
    let proxy = Proxy::start(&slack, &["--queueSize=2", "--clientTimeout=1m"]);
    while post(proxy.application, POST).unwrap().status == 200 {}
    let mut stream = TcpStream::connect(proxy.application).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let head = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n";
    stream.write_all(head).unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 503");
}

#[test]
fn queue_is_bounded_in_bytes() {
    let slack = Slack::start();
    slack.then(Act::Hang);
    let proxy = Proxy::start(&slack, &["--queueSize=1000"]);
    let before = memory();
    let body = json!({"channel": "C1", "text": "x".repeat(1_000_000)}).to_string();
    let statuses: Vec<_> = (0..60)
        .map(|_| post(proxy.application, &body).map(|answer| answer.status))
        .collect();
    let taken = statuses
        .iter()
        .filter(|status| matches!(status, Ok(200)))
        .count();
    assert!((16..=18).contains(&taken), "{taken}");
    let grown = memory().saturating_sub(before);
    assert!(grown < 64 * 1024 * 1024, "{grown} bytes");
}

#[test]
fn names_are_refused_that_slack_can_not_have() {
    let slack = Slack::start();
    let proxy = Proxy::start(&slack, &["--channelOverride=#all"]);
    let send = |channel: &str| {
        let body = json!({"channel": channel, "text": "x"}).to_string();
        post(proxy.application, &body).unwrap()
    };
    assert_eq!(send(&"é".repeat(80)).status, 200);
    for bad in [
        "é".repeat(81),
        "n".repeat(1_000_000),
        "a\nb".into(),
        "\u{1b}[2J".into(),
    ] {
        let answer = send(&bad);
        assert_eq!(answer.status, 400);
        assert!(
            answer.body.contains("at most 80 characters"),
            "{}",
            answer.body
        );
        assert!(answer.body.len() < 1000);
    }
    let page = get(proxy.metrics, "/metrics").body;
    assert_eq!(page.matches("received_total{").count(), 1, "{page}");
    assert!(page.len() < 2000);
    assert_eq!(
        Proxy::start_as(
            "http://127.0.0.1:1/",
            &["--channelOverride=a\nb"],
            Some("t1")
        )
        .err(),
        Some(2)
    );
}

#[test]
fn floods_of_refusals_are_a_line_a_second() {
    log::keep();
    let slack = Slack::start();
    let started = Instant::now();
    let mut proxy = Proxy::start(&slack, &[]);
    let body = r#"{"channel":"C1","text":"x","link_names":"flooded"}"#;
    for _ in 0..500 {
        assert_eq!(post(proxy.application, body).unwrap().status, 400);
    }
    proxy.stop();
    assert_eq!(proxy.join(), 0);
    let lines = log::lines_with("flooded");
    let seconds = started.elapsed().as_secs();
    assert!(
        (1..=seconds + 3).contains(&(lines.len() as u64)),
        "{lines:?}"
    );
    let counted: usize = lines
        .iter()
        .map(|line| {
            let (_, rest) = line.split_once("posts not taken: ").unwrap();
            rest.split_once(" invalid")
                .unwrap()
                .0
                .parse::<usize>()
                .unwrap()
        })
        .sum();
    assert_eq!(counted, 500, "{lines:?}");
}
