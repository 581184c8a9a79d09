//! The store: a thread that speaks to the server.

use std::{
    collections::HashMap,
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use tokio::{runtime, sync::mpsc};

use super::{
    RedisAddress, RedisError,
    connection::{Connection, Incoming},
    scripts::{self, Scripts},
};
use crate::fleet::{
    circuit_id::CircuitId,
    store::{Delivery, Mailbox, Request, Store, StoreError},
};

/// Requests that are under way at a time.
const MOST_REQUESTS: usize = 1024;

/// A store on a Redis or Valkey server.
///
/// Its thread has a runtime of its own, so that programs on any runtime, or on none, can
/// have a fleet, and ends with it.
pub(crate) struct RedisStore {
    orders: mpsc::UnboundedSender<Order>,
    shared: Arc<Shared>,
}

struct Shared {
    mailbox: Mailbox,
    /// Requests that were sent and are not answered yet: bounds what waits in `orders`.
    under_way: AtomicUsize,
    /// By channel.
    circuits: Mutex<HashMap<String, CircuitId>>,
    scripts: Scripts,
}

enum Order {
    Request(u64, Request),
    Subscribe(String),
}

impl RedisStore {
    /// Starts connecting. What the store delivers goes into the mailbox.
    ///
    /// # Errors
    ///
    /// The certificates of the address can't be used, or the thread can't be started. A
    /// server that is not there is no error: it may come.
    pub(crate) fn connect(address: RedisAddress, mailbox: Mailbox) -> Result<Self, RedisError> {
        Self::with_scripts(address, mailbox, Scripts::new())
    }

    pub(super) fn with_scripts(
        address: RedisAddress,
        mailbox: Mailbox,
        scripts: Scripts,
    ) -> Result<Self, RedisError> {
        let not_started = |error: io::Error| RedisError::NotStarted(error.kind().to_string());
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(not_started)?;
        let (orders, receiver) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            mailbox,
            under_way: AtomicUsize::new(0),
            circuits: Mutex::default(),
            scripts,
        });
        let (connection, incoming) = {
            let _inside = runtime.enter();
            Connection::start(address)?
        };
        let work = work(shared.clone(), Arc::new(connection), receiver, incoming);
        thread::Builder::new()
            .name("fluxgate-redis".into())
            .spawn(move || {
                runtime.block_on(work);
                // Not to wait for a name lookup that hangs.
                runtime.shutdown_background();
            })
            .map_err(not_started)?;
        Ok(Self { orders, shared })
    }
}

impl Store for RedisStore {
    fn send(&mut self, number: u64, request: Request) {
        let refused = if self.shared.under_way.load(Ordering::Relaxed) >= MOST_REQUESTS {
            "too many requests are under way"
        } else {
            // Sent by one thread alone, so that the bound is exact.
            self.shared.under_way.fetch_add(1, Ordering::Relaxed);
            if self.orders.send(Order::Request(number, request)).is_ok() {
                return;
            }
            self.shared.under_way.fetch_sub(1, Ordering::Relaxed);
            "its thread has ended"
        };
        (self.shared.mailbox)(Delivery::Answer(number, Err(StoreError(refused.into()))));
    }

    fn subscribe(&mut self, circuit: &CircuitId) {
        let channel = scripts::channel(circuit);
        let is_new = self
            .shared
            .circuits
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(channel.clone(), circuit.clone())
            .is_none();
        if is_new {
            // Without the thread there is nothing to hear.
            let _ = self.orders.send(Order::Subscribe(channel));
        }
    }
}

/// Serves the store until it is dropped.
async fn work(
    shared: Arc<Shared>,
    connection: Arc<Connection>,
    mut orders: mpsc::UnboundedReceiver<Order>,
    mut incoming: mpsc::Receiver<Incoming>,
) {
    loop {
        tokio::select! {
            order = orders.recv() => match order {
                None => return,
                Some(Order::Request(number, request)) => {
                    tokio::spawn(ask(shared.clone(), connection.clone(), number, request));
                }
                Some(Order::Subscribe(first)) => {
                    // Those of a program's start go together.
                    let mut channels = vec![first];
                    let mut requests = Vec::new();
                    while let Ok(order) = orders.try_recv() {
                        match order {
                            Order::Subscribe(channel) => channels.push(channel),
                            Order::Request(number, request) => requests.push((number, request)),
                        }
                    }
                    let subscribing = connection.clone();
                    tokio::spawn(async move {
                        // If it fails, the next connection begins with them.
                        let _ = subscribing.subscribe(channels).await;
                    });
                    for (number, request) in requests {
                        tokio::spawn(ask(shared.clone(), connection.clone(), number, request));
                    }
                }
            },
            Some(incoming) = incoming.recv() => {
                shared.deliver(incoming);
                if connection.has_missed() {
                    (shared.mailbox)(Delivery::Resubscribed);
                }
            }
        }
    }
}

async fn ask(shared: Arc<Shared>, connection: Arc<Connection>, number: u64, request: Request) {
    let invocation = shared.scripts.invocation(&request);
    let answer = connection
        .run(invocation.script, &invocation.keys, &invocation.arguments)
        .await
        .and_then(|value| scripts::reply(&request, value))
        .map_err(|error| StoreError(error.to_string()));
    shared.under_way.fetch_sub(1, Ordering::Relaxed);
    (shared.mailbox)(Delivery::Answer(number, answer));
}

impl Shared {
    fn deliver(&self, incoming: Incoming) {
        match incoming {
            Incoming::Connected => (self.mailbox)(Delivery::Resubscribed),
            Incoming::Message { channel, text } => {
                let circuit = self
                    .circuits
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .get(&channel)
                    .cloned();
                if let Some(notice) = circuit.and_then(|circuit| scripts::notice(circuit, &text)) {
                    (self.mailbox)(Delivery::Notice(notice));
                }
            }
        }
    }
}
