//! TLS, logins and the ACL: what is right works, what is wrong is told, and no secret is.

use std::{
    fmt::Write,
    sync::{Arc, Mutex, OnceLock, PoisonError, atomic::Ordering::Relaxed},
    time::Duration,
};

use fluxgate::{Command, State, fleet::Fleet};

use crate::{
    instance::{Dependency, Instance, Service, until_members},
    server::{PASSWORD, Server, USER, until, within},
};

/// The log of the whole process, of all crates in it.
#[derive(Default)]
struct Lines(Mutex<String>);

impl Lines {
    fn text(&self) -> String {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl log::Log for Lines {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let mut text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = writeln!(text, "{}", record.args());
    }

    fn flush(&self) {}
}

fn lines() -> &'static Lines {
    static LINES: OnceLock<Lines> = OnceLock::new();
    let lines = LINES.get_or_init(Lines::default);
    // The second time it is set already.
    let _ = log::set_logger(lines);
    log::set_max_level(log::LevelFilter::Trace);
    lines
}

fn no_secret(text: &str) {
    for secret in [PASSWORD, "pass%2F", "pass/", USER, "wrong-word"] {
        // The path of a key, and this library, have the user's name, too.
        let text = text.replace("fluxgate:v1", "").replace("fluxgate::", "");
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}

#[test]
fn acl_of_the_guide_suffices() {
    let server = Server::start();
    let dependency = Arc::new(Dependency::default());
    let service = Service::on(&server);
    let instances: Vec<Instance> = (0..4)
        .map(|_| service.instance("payments", &dependency))
        .collect();
    until_members(&server, &instances, "payments");
    let all = |state: State| {
        for instance in &instances {
            let _ = instance.call();
        }
        instances.iter().all(|instance| instance.state() == state)
    };
    std::thread::sleep(Duration::from_secs(6));
    dependency.is_down.store(true, Relaxed);
    until("all are open", || all(State::Open));
    dependency.is_down.store(false, Relaxed);
    within(Duration::from_secs(60), "all are closed", || {
        all(State::Closed)
    });
    let first = &instances[0].fleet;
    first.command("payments", Command::Disable).expect("taken");
    until("all are disabled", || all(State::Disabled));
    first.withdraw("payments").expect("taken");
    until("all are closed", || all(State::Closed));
    assert!(server.command_stats("evalsha").0 > 0);
    for instance in instances {
        instance.fleet.leave();
    }
    // Nothing that was tried was refused, and all keys end by themselves.
    let refused = server.ask(&["ACL", "LOG"]);
    assert_eq!(refused, redis::Value::Array(Vec::new()));
    let keys: Vec<String> = redis::from_redis_value(server.ask(&["KEYS", "*"])).unwrap();
    assert!(!keys.is_empty());
    for key in keys {
        assert!(key.starts_with("fluxgate:v1:{test/shop"), "{key}");
        assert!(server.number(&["PTTL", &key]) > 0, "{key}");
    }
}

#[test]
fn acl_of_the_guide_allows_nothing_else() {
    let server = Server::start();
    for words in [
        &["GET", "other"][..],
        &["SET", "fluxgate:v1:x", "1"],
        &["KEYS", "*"],
        &["FLUSHALL"],
        &["CONFIG", "GET", "*"],
        &["EVAL", "return 1", "0"],
        &["SCRIPT", "FLUSH"],
        &["HGETALL", "other"],
        &["SUBSCRIBE", "other"],
        &["PUBLISH", "other", "x"],
        &["ACL", "LIST"],
    ] {
        let mut asked = vec!["ACL", "DRYRUN", USER];
        asked.extend(words);
        let told = server.text(&asked);
        assert_ne!(told, "OK", "{words:?}");
    }
}

#[test]
fn wrong_logins_are_told_without_secrets() {
    let log = lines();
    let server = Server::start();
    let dependency = Arc::new(Dependency::default());
    let url = server.url();
    let (_, host) = url.rsplit_once('@').unwrap();
    for (url, told) in [
        (format!("rediss://{USER}:wrong-word@{host}"), "login"),
        (format!("rediss://:wrong-word@{host}"), "login"),
        (format!("rediss://{host}"), "login"),
    ] {
        let before = log.text().len();
        let instance = Service::at(&url).instance("payments", &dependency);
        until("the fault is told", || log.text()[before..].contains(told));
        until("it is degraded", || instance.is_degraded());
        assert_eq!(instance.call(), Ok(()));
        no_secret(&format!(
            "{:?} {:?}",
            instance.fleet,
            instance.breaker.info().fleet
        ));
    }
    no_secret(&log.text());
}

#[test]
fn certificates_are_verified() {
    let log = lines();
    let server = Server::start();
    let other = "127.0.0.2";
    let url = server.url();
    let dependency = Arc::new(Dependency::default());
    // By no authority that is known, and for another name.
    let before = log.text().len();
    let mut unknown = Service::at(&url);
    unknown.address = url.parse().expect("an address");
    let first = unknown.instance("payments", &dependency);
    until("the fault is told", || {
        log.text()[before..].contains("UnknownIssuer")
    });
    let before = log.text().len();
    let named = url.replace("localhost", other);
    let _second = Service::at(&named).instance("payments", &dependency);
    until("the fault is told", || {
        let told = log.text();
        told[before..].contains("not valid for name") || told[before..].contains("refused")
    });
    assert_eq!(first.call(), Ok(()));
    no_secret(&log.text());
}

#[test]
fn bad_certificates_are_refused_at_once() {
    for (pem, told) in [
        (&b""[..], "there is none"),
        (b"no PEM at all", "there is none"),
        (
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "certificates",
        ),
    ] {
        let address: fluxgate::fleet::RedisAddress = "rediss://alice:wrong-word@localhost"
            .parse()
            .expect("an address");
        let joined = Fleet::builder("test/shop")
            .redis(address.root_certificates(pem))
            .breakers([])
            .join_blocking();
        let error = joined.expect_err("no certificate").to_string();
        assert!(error.contains(told), "{error}");
        no_secret(&error);
    }
}
