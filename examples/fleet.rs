//! Three instances of a service, each a process of its own, share one dependency. Two are
//! busy and one is quiet. The dependency breaks: the busy ones warn the quiet one over
//! Redis, it rejects calls without having paid for knowing better, and when the dependency
//! is back, few calls find out for all.
//!
//! ```sh
//! cargo run --example fleet
//! ```
//!
//! It takes a Redis (6 or later) or Valkey server on this machine: the one whose address
//! is in `REDIS_URL`, or else the program `redis-server`, which it starts for itself.

use std::{
    env,
    error::Error,
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use fluxgate::{
    CallError, CircuitBreaker, Signal,
    fleet::{Fleet, Member},
    permit::All,
    retry::Cooldown,
    tripper::FailureStreak,
};

/// The instances, and how long each rests between two calls.
const INSTANCES: [(&str, u64); 3] = [("busy-1", 50), ("busy-2", 50), ("quiet", 1000)];

/// A process that does not outlive this one.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

/// Returns a server's address, and the server if it had to be started.
fn redis() -> Result<(String, Option<Process>), Box<dyn Error>> {
    if let Ok(url) = env::var("REDIS_URL") {
        return Ok((url, None));
    }
    let address = free_address()?;
    let server = Command::new("redis-server")
        .args(["--bind", "127.0.0.1", "--save", "", "--port"])
        .arg(address.port().to_string())
        .stdout(Stdio::null())
        .spawn()
        .map(Process)
        .map_err(|error| {
            format!(
                "there is no `redis-server` to start ({error}): install one, for example with \
                 `apt-get install redis-server`, or start one elsewhere and say where it is, \
                 `REDIS_URL=redis://127.0.0.1:6379 cargo run --example fleet`"
            )
        })?;
    let start = Instant::now();
    while TcpStream::connect(address).is_err() {
        if start.elapsed() > Duration::from_secs(10) {
            return Err("redis-server does not answer".into());
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok((format!("redis://{address}"), Some(server)))
}

/// The dependency: answers while it is up, and hangs up while it is not.
struct Dependency {
    address: SocketAddr,
    is_down: Arc<AtomicBool>,
    /// Calls that reached it.
    calls: Arc<AtomicU64>,
}

impl Dependency {
    fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let dependency = Self {
            address: listener.local_addr()?,
            is_down: Arc::default(),
            calls: Arc::default(),
        };
        let (is_down, calls) = (dependency.is_down.clone(), dependency.calls.clone());
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                calls.fetch_add(1, Relaxed);
                if !is_down.load(Relaxed) {
                    // A caller that has gone is not missed.
                    let _ = stream.write_all(b"ok");
                }
            }
        });
        Ok(dependency)
    }
}

/// Calls the dependency.
fn pay(dependency: SocketAddr) -> io::Result<()> {
    let mut answer = [0; 2];
    TcpStream::connect(dependency)?.read_exact(&mut answer)
}

/// What the process of an instance does, until its standard input ends.
fn serve(name: &str, redis: &str, dependency: &str, rest: u64) -> Result<(), Box<dyn Error>> {
    let dependency: SocketAddr = dependency.parse()?;
    let shown = name.to_owned();
    let breaker = CircuitBreaker::builder("payments")
        // Alone it opens after five failures in a row, and suspects after two.
        .tripper(FailureStreak::new(5))
        .fleet(Member::new().suspect(FailureStreak::new(2)))
        .retry(Cooldown::new(Duration::from_secs(3)))
        .permit(All)
        .listener(move |signal: &Signal| match &signal.reason {
            Some(reason) => println!("{shown:>8}: {}: {reason}", signal.new_state),
            None => println!("{shown:>8}: {}", signal.new_state),
        })
        .build()?;
    let fleet = Fleet::builder("example/shop")
        .redis(redis)
        .breakers([breaker.clone()])
        .join_blocking()?;

    let is_over = Arc::new(AtomicBool::new(false));
    let told = is_over.clone();
    thread::spawn(move || {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        told.store(true, Relaxed);
    });
    let (mut answered, mut failed, mut rejected) = (0, 0, 0);
    while !is_over.load(Relaxed) {
        match breaker.try_call(|| pay(dependency)) {
            Ok(()) => answered += 1,
            Err(CallError::Failed(_)) => failed += 1,
            Err(CallError::Rejected(_)) => rejected += 1,
        }
        thread::sleep(Duration::from_millis(rest));
    }
    println!(
        "| {name:<6} | {answered:>8} | {failed:>6} | {rejected:>8} | {:?} |",
        breaker.state()
    );
    fleet.leave();
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().collect();
    if let [_, name, redis, dependency, rest] = arguments.as_slice() {
        return serve(name, redis, dependency, rest.parse()?);
    }

    let (redis, _server) = redis()?;
    let dependency = Dependency::start()?;
    let mut instances = Vec::new();
    for (name, rest) in INSTANCES {
        let process = Command::new(env::current_exe()?)
            .args([name, &redis, &dependency.address.to_string()])
            .arg(rest.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        instances.push(Process(process));
    }
    let mut tables = Vec::new();
    for instance in &mut instances {
        let told = instance.0.stdout.take().ok_or("no output")?;
        tables.push(thread::spawn(move || {
            let mut table = String::new();
            for line in BufReader::new(told).lines().map_while(Result::ok) {
                if line.starts_with('|') {
                    table = line;
                } else {
                    println!("{line}");
                }
            }
            table
        }));
    }

    println!("three instances join; a circuit's members need 15 s until they can be a quorum");
    thread::sleep(Duration::from_secs(16));
    println!("the dependency breaks");
    dependency.is_down.store(true, Relaxed);
    let before = dependency.calls.load(Relaxed);
    thread::sleep(Duration::from_secs(5));
    let paid = dependency.calls.load(Relaxed) - before;
    println!("in 5 s, {paid} calls reached it; it is back");
    dependency.is_down.store(false, Relaxed);
    // A probe failed, so the present wait is 6 s; and closings are spread over as long.
    thread::sleep(Duration::from_secs(15));

    println!("\n| who    | answered | failed | rejected | in the end |");
    println!("|--------|----------|--------|----------|------------|");
    for instance in &mut instances {
        // The end of its input is the end of its work.
        drop(instance.0.stdin.take());
    }
    for table in tables {
        println!("{}", table.join().map_err(|_| "no table")?);
    }
    Ok(())
}
