//! A scripted Slack on loopback.

use std::{
    collections::{HashMap, VecDeque},
    fmt::Write as _,
    io::{BufReader, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::http::{Request, read_request};

/// What to do with one request.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// `ok`, with a `ts` that counts: `1700000000.000001`.
    Ok,
    /// Status, headers and body.
    Answer(u16, Vec<(String, String)>, String),
    /// Wait, and then do it.
    Delay(Duration, Box<Act>),
    /// Say nothing, for ever.
    Hang,
    /// Close the connection.
    Drop,
    /// Status and headers, then a byte at a time without an end.
    Drip,
}

impl Act {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        let content_type = ("Content-Type".into(), "application/json".into());
        Self::Answer(status, vec![content_type], body.to_string())
    }

    pub(crate) fn code(code: &str) -> Self {
        Self::json(200, &json!({"ok": false, "error": code}))
    }

    pub(crate) fn text(status: u16, body: &str) -> Self {
        Self::Answer(status, Vec::new(), body.into())
    }

    pub(crate) fn limit(seconds: u64) -> Self {
        let retry_after = ("Retry-After".into(), seconds.to_string());
        Self::Answer(429, vec![retry_after], String::new())
    }
}

/// One request, and when it came.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    pub(crate) at: Instant,
    pub(crate) request: Request,
    pub(crate) json: Value,
}

#[derive(Default)]
struct Script {
    acts: VecDeque<Act>,
    by_channel: HashMap<String, VecDeque<Act>>,
    /// When the script is at its end; by default `Ok`.
    then: Option<Act>,
    then_by_channel: HashMap<String, Act>,
    arrivals: Vec<Arrival>,
    stopped: bool,
}

pub(crate) struct Slack {
    address: SocketAddr,
    shared: Arc<(Mutex<Script>, Condvar)>,
}

impl Slack {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let slack = Self {
            address: listener.local_addr().unwrap(),
            shared: Arc::default(),
        };
        let shared = slack.shared.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.0.lock().unwrap().stopped {
                    return;
                }
                let (stream, shared) = (stream.unwrap(), shared.clone());
                thread::spawn(move || serve(stream, &shared));
            }
        });
        slack
    }

    /// One that is not there: connections are refused.
    pub(crate) fn down() -> Self {
        let slack = Self::start();
        slack.stop();
        slack
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/api/chat.postMessage", self.address)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn will(&self, acts: impl IntoIterator<Item = Act>) {
        self.script(|script| script.acts.extend(acts));
    }

    pub(crate) fn will_for(&self, channel: &str, acts: impl IntoIterator<Item = Act>) {
        self.script(|script| {
            let own = script.by_channel.entry(channel.into()).or_default();
            own.extend(acts);
        });
    }

    /// What it does when the script is at its end.
    pub(crate) fn then(&self, act: Act) {
        self.script(|script| script.then = Some(act));
    }

    pub(crate) fn then_for(&self, channel: &str, act: Act) {
        self.script(|script| {
            script.then_by_channel.insert(channel.into(), act);
        });
    }

    /// What has come so far.
    pub(crate) fn arrivals(&self) -> Vec<Arrival> {
        self.script(|script| script.arrivals.clone())
    }

    pub(crate) fn bodies(&self) -> Vec<Value> {
        self.arrivals()
            .into_iter()
            .map(|arrival| arrival.json)
            .collect()
    }

    /// Waits until so many requests have come.
    pub(crate) fn wait(&self, count: usize) -> Vec<Arrival> {
        let arrivals = self.wait_for(count, Duration::from_secs(20));
        let came = arrivals.len();
        assert!(came >= count, "{came} requests of {count} came");
        arrivals
    }

    /// As [`wait`](Self::wait), but they need not come.
    pub(crate) fn wait_for(&self, count: usize, within: Duration) -> Vec<Arrival> {
        let (script, changed) = &*self.shared;
        let script = script.lock().unwrap();
        let too_few = |script: &mut Script| script.arrivals.len() < count;
        let (script, _) = changed.wait_timeout_while(script, within, too_few).unwrap();
        script.arrivals.clone()
    }

    fn script<R>(&self, f: impl FnOnce(&mut Script) -> R) -> R {
        f(&mut self.shared.0.lock().unwrap())
    }

    fn stop(&self) {
        self.script(|script| script.stopped = true);
        self.shared.1.notify_all();
        // Wakes it, so that it lets go of the port.
        let _ = TcpStream::connect(self.address);
        while TcpStream::connect(self.address).is_ok() {
            thread::yield_now();
        }
    }
}

impl Drop for Slack {
    fn drop(&mut self) {
        self.stop();
    }
}

fn serve(stream: TcpStream, shared: &(Mutex<Script>, Condvar)) {
    stream.set_nodelay(true).unwrap();
    let mut reader = BufReader::new(stream);
    while let Ok(Some(request)) = read_request(&mut reader) {
        let (act, number) = next(shared, request);
        if !perform(act, number, reader.get_mut(), shared) {
            let _ = reader.get_ref().shutdown(Shutdown::Both);
            return;
        }
    }
}

/// Notes the request; what to do with it, and its number.
fn next((script, changed): &(Mutex<Script>, Condvar), request: Request) -> (Act, usize) {
    let json: Value = serde_json::from_str(&request.body).unwrap_or_default();
    let channel = json["channel"].as_str().unwrap_or_default().to_owned();
    let mut script = script.lock().unwrap();
    script.arrivals.push(Arrival {
        at: Instant::now(),
        request,
        json,
    });
    changed.notify_all();
    let own = script
        .by_channel
        .get_mut(&channel)
        .and_then(VecDeque::pop_front);
    let act = own
        .or_else(|| script.then_by_channel.get(&channel).cloned())
        .or_else(|| script.acts.pop_front())
        .or_else(|| script.then.clone())
        .unwrap_or(Act::Ok);
    (act, script.arrivals.len())
}

/// Whether the connection goes on.
fn perform(act: Act, number: usize, to: &mut TcpStream, shared: &(Mutex<Script>, Condvar)) -> bool {
    match act {
        Act::Ok => {
            let ts = format!("1700000000.{number:06}");
            answer(to, 200, &[], &json!({"ok": true, "ts": ts}).to_string())
        }
        Act::Answer(status, headers, body) => answer(to, status, &headers, &body),
        Act::Delay(delay, act) => {
            thread::sleep(delay);
            perform(*act, number, to, shared)
        }
        Act::Hang => {
            let script = shared.0.lock().unwrap();
            let _script = shared.1.wait_while(script, |script| !script.stopped);
            false
        }
        Act::Drop => false,
        Act::Drip => {
            let _ = to.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            while to.write_all(b"1\r\n \r\n").is_ok() {
                thread::sleep(Duration::from_millis(20));
            }
            false
        }
    }
}

fn answer(to: &mut TcpStream, status: u16, headers: &[(String, String)], body: &str) -> bool {
    let mut text = format!(
        "HTTP/1.1 {status} Scripted\r\nContent-Length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        let _ = write!(text, "{name}: {value}\r\n");
    }
    to.write_all(format!("{text}\r\n{body}").as_bytes()).is_ok()
}
