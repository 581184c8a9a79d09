//! A server of our own, and a store on it.

use std::{
    env,
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

use crate::fleet::{
    circuit_id::CircuitId,
    redis::{RedisAddress, RedisStore, scripts::Scripts},
    store::{Delivery, Notice, Reply, Request, Store, StoreError},
};

pub(super) struct Server {
    process: Child,
    port: u16,
}

impl Server {
    /// Starts the program that `FLUXGATE_TEST_REDIS` names, plain and empty. Without the
    /// variable there is none.
    pub(super) fn start() -> Option<Self> {
        let Ok(program) = env::var("FLUXGATE_TEST_REDIS") else {
            println!("NOT RUN: it takes a Redis server; tests/redis/run has one");
            return None;
        };
        // Free a moment ago; it has no way to say which one it took.
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("a port")
            .port();
        let process = Command::new(&program)
            .args(["--bind", "127.0.0.1", "--save", "", "--port"])
            .arg(port.to_string())
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("can't start {program}: {error}"));
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(
                start.elapsed() < Duration::from_secs(30),
                "{program} is mute"
            );
            thread::sleep(Duration::from_millis(10));
        }
        Some(Self { process, port })
    }

    /// Starts it if `tests/redis/run` was asked for this.
    pub(super) fn start_if(wanted: &str) -> Option<Self> {
        if env::var("FLUXGATE_TEST_REDIS_RUN").is_ok_and(|run| run == wanted) {
            return Self::start();
        }
        println!("NOT RUN: tests/redis/run {wanted}");
        None
    }

    pub(super) fn address(&self) -> RedisAddress {
        let address = format!("redis://127.0.0.1:{}", self.port);
        address.parse().expect("an address")
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    fn operate<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        let url = format!("redis://127.0.0.1:{}", self.port);
        let client = redis::Client::open(url).expect("an address");
        let mut connection = client.get_connection().expect("a connection");
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]);
        command.query(&mut connection).expect("an answer")
    }

    pub(super) fn reset_stats(&self) {
        self.operate::<()>(&["CONFIG", "RESETSTAT"]);
    }

    /// Returns how many scripts ran, and how many microseconds half of them took at most,
    /// and each on the average.
    pub(super) fn evalsha(&self) -> (u64, f64, f64) {
        let field = |section: &str, line: &str, name: &str| -> f64 {
            let told: String = self.operate(&["INFO", section]);
            let line = told.lines().find(|told| told.starts_with(line));
            let (_, rest) = line.expect("a script").split_once(name).expect("a field");
            let digits = rest.split(',').next().unwrap_or_default();
            digits.parse().expect("a number")
        };
        let calls = field("commandstats", "cmdstat_evalsha:", "calls=");
        let each = field("commandstats", "cmdstat_evalsha:", "usec_per_call=");
        let half = field("latencystats", "latency_percentiles_usec_evalsha:", "p50=");
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a count"
        )]
        let calls = calls as u64;
        (calls, half, each)
    }

    /// Makes the members of a circuit a minute older.
    pub(super) fn age(&self, state: &str) {
        let born: u64 = self.operate(&["HGET", state, "b"]);
        self.operate::<()>(&["HSET", state, "b", &(born - 60_000).to_string()]);
    }

    /// Ends an opening.
    pub(super) fn quieten(&self, state: &str) {
        self.operate::<()>(&["HSET", state, "h", "q"]);
    }

    /// Forgets a circuit.
    pub(super) fn forget(&self, state: &str) {
        self.operate::<()>(&["DEL", state]);
    }

    pub(super) fn client(&self, scripts: Scripts) -> Client {
        let (sender, deliveries) = mpsc::channel();
        let mailbox = Box::new(move |delivery| {
            // The test has seen enough.
            let _ = sender.send(delivery);
        });
        let store = RedisStore::with_scripts(self.address(), mailbox, scripts).expect("a store");
        let mut client = Client {
            store,
            deliveries,
            notices: Vec::new(),
            number: 0,
        };
        client.until_connected();
        client
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A store that is asked one request at a time.
pub(super) struct Client {
    store: RedisStore,
    deliveries: Receiver<Delivery>,
    notices: Vec<Notice>,
    number: u64,
}

impl Client {
    pub(super) fn ask(&mut self, request: Request) -> Result<Reply, StoreError> {
        self.number += 1;
        self.store.send(self.number, request);
        loop {
            match self.next() {
                Delivery::Answer(number, reply) if number == self.number => return reply,
                Delivery::Notice(notice) => self.notices.push(notice),
                _ => {}
            }
        }
    }

    /// Asks many at once, as many instances do. Returns the last answer.
    pub(super) fn ask_all(&mut self, requests: impl Iterator<Item = Request>) -> Reply {
        let first = self.number;
        let mut last = Reply::Done;
        let mut answered = first;
        for request in requests {
            self.number += 1;
            self.store.send(self.number, request);
            if self.number - answered >= 100 {
                last = self.answer();
                answered += 1;
            }
        }
        for _ in answered..self.number {
            last = self.answer();
        }
        last
    }

    fn answer(&mut self) -> Reply {
        loop {
            if let Delivery::Answer(_, reply) = self.next() {
                return reply.expect("an answer");
            }
        }
    }

    pub(super) fn subscribe(&mut self, circuit: &CircuitId) {
        self.store.subscribe(circuit);
    }

    /// Returns the next notices, as many as asked for.
    pub(super) fn notices(&mut self, count: usize) -> Vec<Notice> {
        while self.notices.len() < count {
            if let Delivery::Notice(notice) = self.next() {
                self.notices.push(notice);
            }
        }
        self.notices.drain(..count).collect()
    }

    fn until_connected(&mut self) {
        while !matches!(self.next(), Delivery::Resubscribed) {}
    }

    fn next(&mut self) -> Delivery {
        let limit = Duration::from_secs(30);
        self.deliveries.recv_timeout(limit).expect("a delivery")
    }
}
