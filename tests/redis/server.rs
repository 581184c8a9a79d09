//! Servers of our own on loopback: Redis or Valkey with TLS and the guide's ACL.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// The user of the guide's ACL, with a password that must be encoded in a URL and must
/// show up nowhere.
pub(crate) const USER: &str = "fluxgate";
pub(crate) const PASSWORD: &str = "pass/word?#@:%";
const ENCODED: &str = "pass%2Fword%3F%23%40%3A%25";

/// The lines of the guide's chapter.
const ACL: &str = include_str!("../../fluxgate/src/guide/fleet.acl");

/// How a server is started.
#[derive(Clone, Copy, Default)]
pub(crate) struct Options {
    /// The port of the master that it follows.
    pub(crate) replica_of: Option<u16>,
    /// How far its clock is off, in hours: by `clock.c`, for all it asks the time for.
    pub(crate) hours: i32,
}

pub(crate) struct Server {
    process: Option<Child>,
    folder: PathBuf,
    pub(crate) port: u16,
    options: Options,
}

/// A folder with a certificate authority and a certificate for `localhost`, made by the
/// program `openssl`.
pub(crate) fn certificates() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = scratch("certificates");
        let openssl = |arguments: &str| {
            let done = Command::new("openssl")
                .args(arguments.split(' '))
                .current_dir(&folder)
                // Two days old, since a server's clock may be behind.
                .env("LD_PRELOAD", clock())
                .env("FLUXGATE_TEST_HOURS", "-48")
                .stdin(Stdio::null())
                .output()
                .expect("openssl is needed: apt-get install openssl");
            let told = String::from_utf8_lossy(&done.stderr);
            assert!(done.status.success(), "openssl {arguments}: {told}");
        };
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
        openssl(&format!(
            "req -x509 {key} -keyout ca.key -out ca.pem -days 4 -subj /CN=test-ca"
        ));
        fs::write(
            folder.join("extensions"),
            "subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n",
        )
        .unwrap();
        openssl(&format!(
            "req {key} -keyout server.key -out server.csr -subj /CN=localhost"
        ));
        openssl(
            "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial \
             -out server.pem -days 4 -extfile extensions",
        );
        folder
    })
}

/// The certificate authority, in PEM.
pub(crate) fn authority() -> Vec<u8> {
    fs::read(certificates().join("ca.pem")).unwrap()
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::start_with(Options::default())
    }

    pub(crate) fn start_with(options: Options) -> Self {
        // Free a moment ago; it has no way to say which one it took.
        let port = free_port();
        let mut server = Self {
            process: None,
            folder: scratch("server"),
            port,
            options,
        };
        server.launch();
        server
    }

    /// Starts the program, on the port it always has.
    pub(crate) fn launch(&mut self) {
        let certificates = certificates();
        let acl = self.folder.join("users.acl");
        // The tests' own commands come by the socket, as a user of their own.
        let users = format!(
            "user default off\nuser operator on >operator ~* &* +@all\n{}\n",
            ACL.lines()
                .filter(|line| !line.starts_with('#'))
                .map(|line| line.replace("<password>", PASSWORD))
                .collect::<Vec<_>>()
                .join("\n")
        );
        fs::write(&acl, users).unwrap();
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.folder.join("log"))
            .unwrap();
        let mut command = Command::new(program());
        if self.options.hours != 0 {
            command
                .env("LD_PRELOAD", clock())
                .env("FLUXGATE_TEST_HOURS", self.options.hours.to_string());
        }
        command
            .args(["--port", "0", "--bind", "127.0.0.1", "--save", ""])
            .args(["--appendonly", "no", "--daemonize", "no"])
            .args(["--maxclients", "4000"])
            .arg("--tls-port")
            .arg(self.port.to_string())
            .arg("--tls-cert-file")
            .arg(certificates.join("server.pem"))
            .arg("--tls-key-file")
            .arg(certificates.join("server.key"))
            .arg("--tls-ca-cert-file")
            .arg(certificates.join("ca.pem"))
            .args(["--tls-auth-clients", "no", "--tls-replication", "yes"])
            .arg("--unixsocket")
            .arg(self.socket())
            .arg("--dir")
            .arg(&self.folder)
            .arg("--aclfile")
            .arg(&acl)
            .args(["--repl-diskless-sync-delay", "0"])
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        if let Some(master) = self.options.replica_of {
            command
                .args(["--replicaof", "127.0.0.1"])
                .arg(master.to_string())
                .args(["--masteruser", "operator", "--masterauth", "operator"]);
        }
        let _ = fs::remove_file(self.socket());
        self.process = Some(command.spawn().unwrap_or_else(|error| {
            panic!("can't start {}: {error}; use tests/redis/run", program())
        }));
        until("the server answers", || self.try_ask(&["PING"]).is_ok());
    }

    /// The address for a fleet.
    pub(crate) fn url(&self) -> String {
        url(self.port)
    }

    /// What the operator asks, by the socket.
    pub(crate) fn ask(&self, words: &[&str]) -> redis::Value {
        self.try_ask(words)
            .unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    pub(crate) fn text(&self, words: &[&str]) -> String {
        redis::from_redis_value(self.ask(words)).expect("a text")
    }

    pub(crate) fn number(&self, words: &[&str]) -> i64 {
        redis::from_redis_value(self.ask(words)).expect("a number")
    }

    fn try_ask(&self, words: &[&str]) -> redis::RedisResult<redis::Value> {
        let url = format!(
            "unix://{}?user=operator&pass=operator",
            self.socket().display()
        );
        let mut connection = redis::Client::open(url)?.get_connection()?;
        let mut command = redis::cmd(words[0]);
        for word in &words[1..] {
            command.arg(word);
        }
        command.query(&mut connection)
    }

    /// Microseconds that the server has spent in each command, and how many there were.
    pub(crate) fn command_stats(&self, command: &str) -> (u64, u64) {
        let told = self.text(&["INFO", "commandstats"]);
        let prefix = format!("cmdstat_{command}:");
        let Some(line) = told.lines().find_map(|line| line.strip_prefix(&prefix)) else {
            return (0, 0);
        };
        let field = |name: &str| {
            line.split(',')
                .find_map(|field| field.strip_prefix(name)?.strip_prefix('='))
                .and_then(|number| number.parse().ok())
                .unwrap()
        };
        (field("calls"), field("usec"))
    }

    pub(crate) fn reset_stats(&self) {
        self.ask(&["CONFIG", "RESETSTAT"]);
    }

    /// Ends it at once, without a word to anyone.
    pub(crate) fn kill(&mut self) {
        self.signal(libc::SIGKILL);
        let _ = self.process.take().unwrap().wait();
    }

    pub(crate) fn signal(&self, signal: i32) {
        let id = self.process.as_ref().expect("a process").id();
        // SAFETY: a plain system call about a child of ours that was not waited for.
        let sent = unsafe { libc::kill(id.cast_signed(), signal) };
        assert_eq!(sent, 0, "signal {signal}");
    }

    fn socket(&self) -> PathBuf {
        self.folder.join("socket")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // It may have ended by itself, or be stopped.
            let _ = process.kill();
            let _ = process.wait();
        }
        if thread::panicking() {
            println!("the server's log is {}", self.folder.join("log").display());
        } else {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

pub(crate) fn url(port: u16) -> String {
    format!("rediss://{USER}:{ENCODED}@localhost:{port}")
}

/// `redis-server`, or what `FLUXGATE_TEST_REDIS` names: `valkey-server`, or another version.
fn program() -> String {
    std::env::var("FLUXGATE_TEST_REDIS").unwrap_or_else(|_| "redis-server".into())
}

/// Compiles the clock that is off.
fn clock() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let library = scratch("clock").join("clock.so");
        let done = Command::new("cc")
            .args(["-O1", "-shared", "-fPIC", "-o"])
            .arg(&library)
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("redis/clock.c"))
            .status();
        let is_done = done.is_ok_and(|status| status.success());
        assert!(is_done, "cc is needed: apt-get install gcc");
        library
    })
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

fn scratch(what: &str) -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let (process, number) = (std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let folder = std::env::temp_dir().join(format!("fluxgate-redis-{process}-{number}-{what}"));
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Waits for something that another process or thread does.
#[track_caller]
pub(crate) fn until(what: &str, is_so: impl FnMut() -> bool) -> Duration {
    within(Duration::from_secs(30), what, is_so)
}

#[track_caller]
pub(crate) fn within(limit: Duration, what: &str, mut is_so: impl FnMut() -> bool) -> Duration {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < limit, "it never came to this: {what}");
        thread::sleep(Duration::from_millis(5));
    }
    start.elapsed()
}
