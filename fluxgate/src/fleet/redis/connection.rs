//! One connection for commands and subscriptions, made anew whenever it is lost.
//!
//! Nothing here waits for a connection: a command without one fails at once, and a command
//! that is not answered in [`ANSWER`] fails and gives the connection up. Connecting anew is
//! a task's, with a backoff of at most [`LONGEST_BACKOFF`].

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use redis::{
    AsyncConnectionConfig, ErrorKind, PushInfo, PushKind, Script, ServerErrorKind, Value,
    aio::MultiplexedConnection,
};
use tokio::{
    sync::{Notify, mpsc},
    task::{AbortHandle, JoinHandle},
    time::{Instant, sleep, timeout},
};

use super::{RedisAddress, RedisError, stream::Connector};
use crate::{
    diagnostics,
    fleet::store::TIMEOUT,
    random::{Random, Seeded},
};

/// How long a command waits for its answer.
const ANSWER: Duration = Duration::from_millis(TIMEOUT);
/// How long connecting may take, with TLS, login and subscriptions.
const CONNECT: Duration = Duration::from_secs(5);
const FIRST_BACKOFF: Duration = Duration::from_millis(100);
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);
/// A connection that lasted so long was a good one: the next failure begins a new backoff.
const LASTED: Duration = Duration::from_secs(10);
/// Channels in one command, so that its answers stay small.
const CHANNELS: usize = 256;
/// A message of ours is a line.
const LONGEST_MESSAGE: usize = 512;
/// Messages that wait for the agent. They are for speed alone: what does not fit comes
/// with the next beat.
const MESSAGES: usize = 1024;
/// Different errors that are reported before there was a good connection.
const MOST_REPORTS: usize = 8;

/// What comes without being asked for.
#[derive(Debug)]
pub(super) enum Incoming {
    /// Connected and subscribed. What was said before may have been missed.
    Connected,
    Message {
        channel: String,
        text: String,
    },
}

/// A handle; the connection ends with it.
pub(super) struct Connection {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    connector: Connector,
    /// The connection, or why there is none.
    live: Mutex<Result<MultiplexedConnection, RedisError>>,
    channels: Mutex<BTreeSet<String>>,
    /// Tells the task that the connection is of no use any more.
    give_up: Notify,
    incoming: mpsc::Sender<Incoming>,
    /// Whether a message found no room.
    missed: AtomicBool,
    /// What was reported since the last good connection.
    reported: Mutex<Vec<RedisError>>,
}

impl Connection {
    /// Starts connecting, on the runtime this is called in.
    pub(super) fn start(
        address: RedisAddress,
    ) -> Result<(Self, mpsc::Receiver<Incoming>), RedisError> {
        let (incoming, receiver) = mpsc::channel(MESSAGES);
        let shared = Arc::new(Shared {
            connector: Connector::new(address)?,
            live: Mutex::new(Err(not_yet())),
            channels: Mutex::default(),
            give_up: Notify::new(),
            incoming,
            missed: AtomicBool::new(false),
            reported: Mutex::default(),
        });
        let task = tokio::spawn(keep_connected(shared.clone()));
        Ok((Self { shared, task }, receiver))
    }

    /// Returns whether messages were lost since it was asked last, for want of room.
    pub(super) fn has_missed(&self) -> bool {
        self.shared.missed.swap(false, Ordering::Relaxed)
    }

    /// Runs a script, which is loaded if the server does not know it.
    pub(super) async fn run(
        &self,
        script: &Script,
        keys: &[String],
        arguments: &[String],
    ) -> Result<Value, RedisError> {
        let connection = self.shared.live()?;
        let run = run(connection, script, keys, arguments);
        match timeout(ANSWER, run).await {
            Ok(answer) => answer.map_err(|error| self.shared.failed(error.into())),
            Err(_) => Err(self.shared.failed(RedisError::TimedOut)),
        }
    }

    /// Hears what is said in the channels from now on, over every connection to come.
    pub(super) async fn subscribe(&self, channels: Vec<String>) -> Result<(), RedisError> {
        let new: Vec<String> = {
            let mut known = lock(&self.shared.channels);
            channels
                .into_iter()
                .filter(|channel| known.insert(channel.clone()))
                .collect()
        };
        // Without a connection, the next one begins with them.
        let Ok(mut connection) = self.shared.live() else {
            return Ok(());
        };
        subscribe(&mut connection, &new)
            .await
            .map_err(|error| self.shared.failed(error.into()))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
        *lock(&self.shared.live) = Err(not_yet());
    }
}

fn not_yet() -> RedisError {
    RedisError::Unreachable("there is no connection yet".into())
}

impl Shared {
    fn live(&self) -> Result<MultiplexedConnection, RedisError> {
        match &*lock(&self.live) {
            Ok(connection) => Ok(connection.clone()),
            Err(error) => Err(error.clone()),
        }
    }

    /// Gives the connection up if the error says that another could do better: a server
    /// that does not answer, or one that has become a replica behind the same address.
    fn failed(&self, error: RedisError) -> RedisError {
        if matches!(
            error,
            RedisError::TimedOut | RedisError::ReadOnly | RedisError::Unreachable(_)
        ) {
            self.give_up.notify_one();
        }
        self.report(&error);
        error
    }

    /// Says what is wrong, each thing once until there was a good connection.
    fn report(&self, error: &RedisError) {
        let mut reported = lock(&self.reported);
        if reported.contains(error) || reported.len() >= MOST_REPORTS {
            return;
        }
        reported.push(error.clone());
        drop(reported);
        diagnostics::fleet_store(self.connector.address(), error);
    }

    /// Hands over what must not get lost; the agent takes it in time, or is gone.
    async fn tell(&self, incoming: Incoming) {
        // An agent that is gone drops the connection, too.
        let _ = self.incoming.send(incoming).await;
    }

    fn pushed(&self, push: PushInfo) {
        match push.kind {
            PushKind::Message => {
                let Ok([channel, text]) = <[Value; 2]>::try_from(push.data) else {
                    return;
                };
                // One of another shape is none of ours.
                let (Some(channel), Some(text)) = (line(channel), line(text)) else {
                    return;
                };
                let message = Incoming::Message { channel, text };
                if self.incoming.try_send(message).is_err() {
                    self.missed.store(true, Ordering::Relaxed);
                }
            }
            PushKind::Disconnection => self.give_up.notify_one(),
            _ => {}
        }
    }
}

/// Returns a text of bounded length.
fn line(value: Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) if bytes.len() <= LONGEST_MESSAGE => String::from_utf8(bytes).ok(),
        Value::SimpleString(text) if text.len() <= LONGEST_MESSAGE => Some(text),
        _ => None,
    }
}

async fn keep_connected(shared: Arc<Shared>) {
    let mut backoff = Backoff::new();
    loop {
        let error = match timeout(CONNECT, open(&shared)).await {
            Err(_) => RedisError::TimedOut,
            Ok(Err(error)) => error,
            Ok(Ok(opened)) => {
                let since = Instant::now();
                let error = serve(&shared, opened).await;
                if since.elapsed() >= LASTED {
                    backoff = Backoff::new();
                    lock(&shared.reported).clear();
                }
                error
            }
        };
        shared.report(&error);
        *lock(&shared.live) = Err(error);
        sleep(backoff.next()).await;
    }
}

async fn run(
    mut connection: MultiplexedConnection,
    script: &Script,
    keys: &[String],
    arguments: &[String],
) -> redis::RedisResult<Value> {
    let mut command = redis::cmd("EVALSHA");
    command
        .arg(script.get_hash())
        .arg(keys.len())
        .arg(keys)
        .arg(arguments);
    match command.query_async(&mut connection).await {
        Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
            // After a restart, a flush of scripts or a failover.
            script.load_async(&mut connection).await?;
            command.query_async(&mut connection).await
        }
        answer => answer,
    }
}

/// Lets commands use the connection until it is of no use any more.
async fn serve(shared: &Shared, opened: Opened) -> RedisError {
    let Opened {
        mut connection,
        driver,
        channels,
    } = opened;
    *lock(&shared.live) = Ok(connection.clone());
    // Those that were added after the connection had begun, and before `subscribe` found
    // it there.
    let missed: Vec<String> = lock(&shared.channels)
        .difference(&channels)
        .cloned()
        .collect();
    let error = match subscribe(&mut connection, &missed).await {
        Ok(()) => {
            shared.tell(Incoming::Connected).await;
            shared.give_up.notified().await;
            RedisError::Unreachable("the connection was lost".into())
        }
        Err(error) => error.into(),
    };
    drop(driver);
    error
}

struct Opened {
    connection: MultiplexedConnection,
    driver: Driver,
    /// Those it is subscribed to.
    channels: BTreeSet<String>,
}

/// The task that moves a connection's bytes. It ends with this.
struct Driver(AbortHandle);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn open(shared: &Arc<Shared>) -> Result<Opened, RedisError> {
    let stream = shared
        .connector
        .connect()
        .await
        .map_err(|error| RedisError::from(&error))?;
    let config = {
        // Weak, since the connection is held by what it would hold.
        let shared = Arc::downgrade(shared);
        AsyncConnectionConfig::new()
            .set_response_timeout(Some(ANSWER))
            .set_push_sender(move |push| match shared.upgrade() {
                Some(shared) => {
                    shared.pushed(push);
                    Ok(())
                }
                None => Err(()),
            })
    };
    let login = &shared.connector.address().login;
    let (mut connection, driver) =
        MultiplexedConnection::new_with_config(login, stream, config).await?;
    let driver = Driver(tokio::spawn(driver).abort_handle());
    // Of an earlier connection: its end must not be taken for this one's.
    while timeout(Duration::ZERO, shared.give_up.notified())
        .await
        .is_ok()
    {}
    let channels = lock(&shared.channels).clone();
    let list: Vec<String> = channels.iter().cloned().collect();
    subscribe(&mut connection, &list).await?;
    Ok(Opened {
        connection,
        driver,
        channels,
    })
}

async fn subscribe(
    connection: &mut MultiplexedConnection,
    channels: &[String],
) -> redis::RedisResult<()> {
    for some in channels.chunks(CHANNELS) {
        connection.subscribe(some).await?;
    }
    Ok(())
}

/// Doubles, each wait drawn from its upper half, so that a thousand instances do not come
/// back at once.
struct Backoff {
    next: Duration,
    random: Seeded,
}

impl Backoff {
    fn new() -> Self {
        Self {
            next: FIRST_BACKOFF,
            random: Seeded::for_breaker(),
        }
    }

    fn next(&mut self) -> Duration {
        let wait = self.next;
        self.next = (wait * 2).min(LONGEST_BACKOFF);
        wait.mul_f64(0.5 + self.random.next_f64() / 2.0)
    }
}

/// Locks for a moment; nothing under it panics half-way.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
