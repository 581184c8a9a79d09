//! Joining a fleet: the agent's thread, and the handle to it.

use std::{
    collections::HashMap,
    fmt,
    future::Future,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError, SyncSender},
    },
    thread,
    time::{Duration, Instant},
};

use super::{
    MemoryStore, Quorum,
    agent::{Agent, Identity, Outgoing, Report},
    circuit_id::{self, encoded},
    store::{Delivery, Mailbox, Store, TIMEOUT},
};
use crate::{
    CircuitBreaker, Command, Fault, diagnostics,
    engine::{Core, fleet::Outlet},
    random::Seeded,
    registry,
    util::panic::catch_panic,
};

/// How many messages wait for an agent. One too many is as lost as on the network.
const WAITING: usize = 4096;
/// How many messages are taken before what is due is looked at.
const TURN: usize = 256;
/// How long leaving may take.
const FAREWELL: Duration = Duration::from_millis(500);

/// The variable that keeps a program out of its fleet.
const VARIABLE: &str = "FLUXGATE__FLEET";

/// Makes the store, given where it delivers.
pub(crate) type Connect = Box<dyn FnOnce(Mailbox) -> Result<Box<dyn Store>, String> + Send>;

/// This program's membership in a fleet; see the [module](super).
///
/// Clones share one membership, which ends when the last of them is dropped: keep one for
/// as long as the program runs.
#[derive(Clone)]
#[must_use = "the program leaves the fleet when this is dropped"]
pub struct Fleet {
    membership: Option<Arc<Membership>>,
}

/// The end of the last handle.
struct Membership {
    messages: SyncSender<Message>,
    name: String,
}

/// What the agent's thread is told.
enum Message {
    Delivery(Delivery),
    Noted(usize),
    Join(Weak<Core>),
    Command {
        breaker: String,
        command: Option<Command>,
        by: String,
        done: mpsc::Sender<Result<(), String>>,
    },
    Leave(mpsc::Sender<()>),
}

/// Where breakers go that are built after their program joined.
static PRESENT: Mutex<Option<Weak<Membership>>> = Mutex::new(None);

/// The settings of a membership to be; see [`Fleet::builder`].
#[must_use = "a builder does nothing until `join`"]
pub struct FleetBuilder {
    name: String,
    zone: Option<String>,
    quorum: Quorum,
    breakers: Option<Vec<CircuitBreaker>>,
    connect: Option<Connect>,
}

/// A fleet could not be joined, or a command did not reach it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetError {
    name: String,
    faults: Vec<Fault>,
}

impl FleetError {
    fn new(name: &str, fault: impl Into<String>) -> Self {
        Self {
            name: name.chars().take(100).collect(),
            faults: vec![Fault::new(fault)],
        }
    }

    /// Returns what is wrong, each in words.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }
}

impl fmt::Display for FleetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fleet {:?}: ", self.name)?;
        for (i, fault) in self.faults.iter().enumerate() {
            let separator = if i == 0 { "" } else { "; " };
            write!(f, "{separator}{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for FleetError {}

impl Fleet {
    /// Starts with the name of the fleet, `environment/service`: instances of one name
    /// share their openings. The quorum is 5 % of them, at least 2, within 5 s; a store has
    /// to be chosen.
    pub fn builder(name: impl Into<String>) -> FleetBuilder {
        FleetBuilder {
            name: name.into(),
            zone: None,
            quorum: Quorum::default(),
            breakers: None,
            connect: None,
        }
    }

    /// Returns whether this program takes part. The environment variable
    /// `FLUXGATE__FLEET=off` keeps it out.
    #[must_use]
    pub fn is_joined(&self) -> bool {
        self.membership.is_some()
    }

    /// Commands the breakers of this name in all instances and zones, those that start
    /// later too, until another command. Waits for the store, for 2 s at most: in async
    /// code call it where blocking is allowed.
    ///
    /// Below a local command, above the environment's.
    ///
    /// # Errors
    ///
    /// If no breaker of this name takes part here, the command is one that the breaker
    /// leaves by itself (`Open`, `HalfOpen`), or the store did not confirm it in time;
    /// then it may hold or not.
    pub fn command(&self, breaker: &str, command: Command) -> Result<(), FleetError> {
        self.command_by(breaker, Some(command), "")
    }

    /// Withdraws what was commanded: the instances go on in what is below.
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub fn withdraw(&self, breaker: &str) -> Result<(), FleetError> {
        self.command_by(breaker, None, "")
    }

    /// Commands as [`command`](Self::command) and [`withdraw`](Self::withdraw) do, and says
    /// who does: at most 128 bytes of it are kept.
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub fn command_by(
        &self,
        breaker: &str,
        command: Option<Command>,
        by: &str,
    ) -> Result<(), FleetError> {
        let Some(membership) = &self.membership else {
            return Err(FleetError::new(
                breaker,
                format!("this program is kept out of its fleet by `{VARIABLE}`"),
            ));
        };
        let error = |fault: String| FleetError::new(&membership.name, fault);
        if let Some(command) = command.filter(|command| !command.lasts()) {
            return Err(error(format!(
                "`{command}` can't be commanded to a fleet, since breakers leave that state by \
                 themselves; `force_open`, `disable`, `metrics_only` and `reset` can"
            )));
        }
        let (done, result) = mpsc::channel();
        let message = Message::Command {
            breaker: breaker.to_owned(),
            command,
            by: crate::flight::author(by).to_string(),
            done,
        };
        let busy = |_| error("its agent is busy or gone; try again".to_owned());
        membership.messages.try_send(message).map_err(busy)?;
        let timeout = Duration::from_millis(TIMEOUT + TIMEOUT / 4);
        match result.recv_timeout(timeout) {
            Ok(result) => result.map_err(error),
            Err(_) => Err(error(
                "the store did not confirm the command in time".to_owned(),
            )),
        }
    }
}

impl fmt::Debug for Fleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.membership.as_ref().map(|membership| &*membership.name);
        f.debug_struct("Fleet").field("name", &name).finish()
    }
}

impl FleetBuilder {
    /// Sets the zone, or whatever fails together. Votes, openings and probes are of one zone;
    /// commands are of all. Default: none.
    pub fn zone(mut self, zone: impl Into<String>) -> Self {
        self.zone = Some(zone.into());
        self
    }

    /// Sets how many instances must agree. Default: 5 %, at least 2, within 5 s.
    pub fn quorum(mut self, quorum: Quorum) -> Self {
        self.quorum = quorum;
        self
    }

    /// Lets these breakers take part alone, in place of every one of the program that says
    /// `fleet`: for programs in more than one fleet, and for tests.
    pub fn breakers(mut self, breakers: impl IntoIterator<Item = CircuitBreaker>) -> Self {
        self.breakers = Some(breakers.into_iter().collect());
        self
    }

    /// Meets in memory, within this process: for tests.
    pub fn memory(self, store: &MemoryStore) -> Self {
        let store = store.clone();
        self.connect(Box::new(move |mailbox| {
            Ok(Box::new(store.connect(mailbox)))
        }))
    }

    pub(crate) fn connect(mut self, connect: Connect) -> Self {
        self.connect = Some(connect);
        self
    }

    /// Joins the fleet, with every breaker that says `fleet`, present and to come. It waits
    /// for nothing: without a connection breakers go on by their local rules, and take part
    /// when there is one.
    ///
    /// # Errors
    ///
    /// [`FleetError`] with every setting that is out of range. A store that can't be reached
    /// is none.
    pub fn join(self) -> impl Future<Output = Result<Fleet, FleetError>> + Send {
        let joined = self.join_blocking();
        async { joined }
    }

    /// Joins the fleet as [`join`](Self::join) does, for sync programs.
    ///
    /// # Errors
    ///
    /// As [`join`](Self::join).
    pub fn join_blocking(mut self) -> Result<Fleet, FleetError> {
        let connect = self.connect.take();
        let identity = self.check(connect.is_some())?;
        let error = |fault: String| FleetError::new(&self.name, fault);
        if is_off() {
            diagnostics::fleet_off(&self.name, VARIABLE);
            return Ok(Fleet { membership: None });
        }
        let (messages, receiver) = mpsc::sync_channel(WAITING);
        let sender = messages.clone();
        let mailbox: Mailbox = Box::new(move |delivery| {
            // What finds no room is as lost as on the network.
            let _ = sender.try_send(Message::Delivery(delivery));
        });
        let Some(connect) = connect else {
            return Err(error(NO_STORE.to_owned()));
        };
        let driver = Driver {
            agent: Agent::new(identity, Seeded::new(draw()), 0),
            store: connect(mailbox).map_err(error)?,
            name: self.name.clone(),
            began: Instant::now(),
            messages: messages.clone(),
            flags: Vec::new(),
            waiting: HashMap::new(),
        };
        let membership = Arc::new(Membership {
            messages,
            name: self.name.clone(),
        });
        let breakers = self.breakers.take().unwrap_or_else(|| {
            // First those to come: what comes twice joins once.
            if !registry::is_isolated() {
                *present() = Some(Arc::downgrade(&membership));
            }
            registry::all()
        });
        let members = breakers
            .iter()
            .filter(|breaker| breaker.core.fleet().is_some());
        let members: Vec<_> = members
            .map(|breaker| Arc::downgrade(&breaker.core))
            .collect();
        thread::Builder::new()
            .name("fluxgate-fleet".to_owned())
            .spawn(move || driver.run(&receiver, members))
            .map_err(|fault| error(format!("its thread can't be started: {fault}")))?;
        Ok(Fleet {
            membership: Some(membership),
        })
    }

    /// Returns who the agent is, or everything that is wrong.
    fn check(&self, has_store: bool) -> Result<Identity, FleetError> {
        let mut faults = self.quorum.check();
        let fleet = circuit_id::fleet(&self.name);
        if let Err(fault) = &fleet {
            faults.push(Fault::new(fault.clone()));
        }
        if let Some(zone) = &self.zone
            && (zone.is_empty() || encoded(zone).is_none())
        {
            faults.push(Fault::new(format!(
                "the name of a zone must have from 1 to {} bytes when percent-encoded, but is {:?}",
                circuit_id::LONGEST_NAME,
                zone.chars().take(100).collect::<String>()
            )));
        }
        if !has_store {
            faults.push(Fault::new(NO_STORE));
        }
        match fleet {
            Ok(fleet) if faults.is_empty() => Ok(Identity {
                fleet: fleet.into(),
                zone: self.zone.as_deref().map(Into::into),
                instance: format!("{:016x}", draw()).into(),
                quorum: self.quorum,
            }),
            _ => Err(FleetError {
                name: self.name.chars().take(100).collect(),
                faults,
            }),
        }
    }
}

impl fmt::Debug for FleetBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FleetBuilder")
            .field("name", &self.name)
            .field("zone", &self.zone)
            .field("quorum", &self.quorum)
            .finish_non_exhaustive()
    }
}

/// What to say where no store was chosen.
const NO_STORE: &str = "it has no store to meet in; add `.redis(…)`, or `.memory(…)` in tests";

impl Fleet {
    /// Leaves the fleet, for a clean shutdown: the other instances no longer count this one.
    /// Waits until the store knows, for half a second at most. Clones are of no more use;
    /// breakers go on by their local rules.
    pub fn leave(self) {
        if let Some(membership) = &self.membership {
            let (done, left) = mpsc::channel();
            if membership.messages.try_send(Message::Leave(done)).is_ok() {
                let _ = left.recv_timeout(FAREWELL);
            }
        }
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        let (done, _) = mpsc::channel();
        let _ = self.messages.try_send(Message::Leave(done));
    }
}

/// Returns 64 bits that differ between processes and between calls.
fn draw() -> u64 {
    use std::hash::{BuildHasher, RandomState};

    RandomState::new().hash_one(0_u8)
}

/// Returns whether the environment keeps this program out.
fn is_off() -> bool {
    let value = std::env::var_os(VARIABLE);
    let value = value.as_deref().map(std::ffi::OsStr::to_string_lossy);
    match value.as_deref().map(str::trim) {
        None | Some("" | "on") => false,
        Some("off") => true,
        Some(other) => {
            diagnostics::bad_fleet_variable(VARIABLE, other);
            false
        }
    }
}

fn present() -> std::sync::MutexGuard<'static, Option<Weak<Membership>>> {
    PRESENT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Lets a breaker join that was just built, if its program did.
pub(crate) fn newcomer(core: &Arc<Core>) {
    if core.fleet().is_none() || registry::is_isolated() {
        return;
    }
    let membership = present().as_ref().and_then(Weak::upgrade);
    if let Some(membership) = membership {
        let _ = membership
            .messages
            .try_send(Message::Join(Arc::downgrade(core)));
    }
}

/// What runs on the agent's thread.
struct Driver {
    agent: Agent<Weak<Core>>,
    store: Box<dyn Store>,
    name: String,
    began: Instant,
    messages: SyncSender<Message>,
    /// Of each breaker: whether it is in the queue that it left notes.
    flags: Vec<Arc<AtomicBool>>,
    /// Who waits for the store to confirm a command, by the request's number.
    waiting: HashMap<u64, mpsc::Sender<Result<(), String>>>,
}

impl Driver {
    fn run(mut self, messages: &Receiver<Message>, members: Vec<Weak<Core>>) {
        let name = self.name.clone();
        let ended = catch_panic(move || {
            for core in members {
                self.join(&core);
            }
            self.go(messages);
        });
        if ended.is_none() {
            diagnostics::fleet_panicked(&name);
        }
    }

    fn go(&mut self, messages: &Receiver<Message>) {
        loop {
            let now = self.now();
            self.agent.tick(now);
            self.send();
            let wait = self.agent.next().saturating_sub(self.now()).max(1);
            let first = match messages.recv_timeout(Duration::from_millis(wait)) {
                Ok(first) => first,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            let rest: Vec<_> = messages.try_iter().take(TURN).collect();
            for message in std::iter::once(first).chain(rest) {
                if let Message::Leave(done) = message {
                    self.leave(messages);
                    let _ = done.send(());
                    return;
                }
                self.take(message);
                self.send();
            }
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn take(&mut self, message: Message) {
        let now = self.now();
        match message {
            Message::Delivery(delivery) => {
                if let Delivery::Answer(number, answer) = &delivery
                    && let Some(done) = self.waiting.remove(number)
                {
                    let answer = answer.as_ref();
                    let result = answer.map(|_| ()).map_err(ToString::to_string);
                    let _ = done.send(result);
                }
                self.agent.deliver(delivery, now);
            }
            Message::Noted(index) => {
                if let Some(flag) = self.flags.get(index) {
                    // Before the notes are taken: what comes after is told again.
                    flag.store(false, Ordering::Release);
                }
                self.agent.noted(index, now);
            }
            Message::Join(core) => self.join(&core),
            Message::Command {
                breaker,
                command,
                by,
                done,
            } => match self.agent.command(&breaker, command, &by, now) {
                Some(number) => {
                    // A caller that waited too long is gone.
                    if self.waiting.len() >= TURN {
                        self.waiting.clear();
                    }
                    self.waiting.insert(number, done);
                }
                None => {
                    let _ = done.send(Err(format!(
                        "no circuit breaker {breaker:?} of this program takes part"
                    )));
                }
            },
            Message::Leave(_) => {}
        }
    }

    /// Lets a breaker take part, unless it does already.
    fn join(&mut self, core: &Weak<Core>) {
        let Some(core) = core.upgrade() else { return };
        let Some(fleet) = core.fleet() else { return };
        let now = self.now();
        let terms = fleet.terms;
        let Some(index) = self
            .agent
            .add(Arc::downgrade(&core), &core.name, terms, now)
        else {
            return;
        };
        let flag = Arc::new(AtomicBool::new(false));
        self.flags.push(Arc::clone(&flag));
        let messages = self.messages.clone();
        let outlet = Outlet {
            wake: Box::new(move || {
                if !flag.swap(true, Ordering::AcqRel)
                    && messages.try_send(Message::Noted(index)).is_err()
                {
                    flag.store(false, Ordering::Release);
                }
            }),
            // Listeners may take their time, which the agent has not.
            turn: 0,
        };
        if fleet.adopt(outlet) {
            // What it noted before.
            self.agent.noted(index, now);
        } else {
            self.agent.forget(index);
        }
    }

    fn send(&mut self) {
        for outgoing in self.agent.take_outgoing() {
            match outgoing {
                Outgoing::Send(number, request) => self.store.send(number, request),
                Outgoing::Subscribe(circuit) => self.store.subscribe(&circuit),
                Outgoing::Report(report) => match report {
                    Report::Degraded => diagnostics::fleet_degraded(&self.name),
                    Report::Recovered => diagnostics::fleet_recovered(&self.name),
                    Report::OtherSettings(breaker) => {
                        diagnostics::fleet_differs(&self.name, &breaker);
                    }
                },
            }
        }
    }

    /// Says farewell, and waits a little until the store has heard it.
    fn leave(&mut self, messages: &Receiver<Message>) {
        let now = self.now();
        self.agent.leave(now);
        self.send();
        let until = Instant::now() + FAREWELL / 2;
        while self.agent.is_waiting() {
            let left = until.saturating_duration_since(Instant::now());
            match messages.recv_timeout(left) {
                Ok(Message::Delivery(delivery)) => {
                    let now = self.now();
                    self.agent.deliver(delivery, now);
                }
                Ok(_) => {}
                Err(_) => break,
            }
        }
    }
}
