//! A TCP proxy between the fleet and the server, for networks that are bad and servers
//! that change.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    runtime::Runtime,
    sync::{mpsc, watch},
    time::{Instant, sleep_until},
};

pub(crate) struct Proxy {
    pub(crate) port: u16,
    shared: Arc<Shared>,
    cut: watch::Sender<u32>,
    _runtime: Runtime,
}

struct Shared {
    /// The port behind it.
    target: AtomicU32,
    /// Milliseconds that each piece waits, either way.
    latency: AtomicU64,
}

impl Proxy {
    pub(crate) fn start(target: u16) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let shared = Arc::new(Shared {
            target: AtomicU32::new(target.into()),
            latency: AtomicU64::new(0),
        });
        let (cut, end) = watch::channel(0);
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let port = listener.local_addr().unwrap().port();
        runtime.spawn(accept(listener, shared.clone(), end));
        Self {
            port,
            shared,
            cut,
            _runtime: runtime,
        }
    }

    /// Connections to come go there; those there are end, as when a name moves.
    pub(crate) fn redirect(&self, target: u16) {
        self.shared.target.store(target.into(), Relaxed);
        self.cut();
    }

    pub(crate) fn cut(&self) {
        self.cut.send_modify(|times| *times += 1);
    }

    pub(crate) fn latency(&self, latency: Duration) {
        let millis = u64::try_from(latency.as_millis()).unwrap();
        self.shared.latency.store(millis, Relaxed);
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, end: watch::Receiver<u32>) {
    while let Ok((client, _)) = listener.accept().await {
        let (shared, mut end) = (shared.clone(), end.clone());
        tokio::spawn(async move {
            end.mark_unchanged();
            let port = u16::try_from(shared.target.load(Relaxed)).unwrap();
            let target = SocketAddr::from(([127, 0, 0, 1], port));
            let Ok(server) = TcpStream::connect(target).await else {
                return;
            };
            let _ = (client.set_nodelay(true), server.set_nodelay(true));
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = server.into_split();
            tokio::select! {
                () = carry(from_client, to_server, shared.clone()) => {}
                () = carry(from_server, to_client, shared) => {}
                _ = end.changed() => {}
            }
        });
    }
}

/// Hands on what comes, each piece after the latency, in order.
async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, shared: Arc<Shared>) {
    let (queue, mut pieces) = mpsc::channel::<(Instant, Vec<u8>)>(1024);
    let read = async move {
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(length @ 1..) = from.read(&mut buffer).await {
            let latency = Duration::from_millis(shared.latency.load(Relaxed));
            let piece = (Instant::now() + latency, buffer[..length].to_vec());
            if queue.send(piece).await.is_err() {
                return;
            }
        }
    };
    let write = async move {
        while let Some((due, piece)) = pieces.recv().await {
            sleep_until(due).await;
            if to.write_all(&piece).await.is_err() {
                return;
            }
        }
    };
    tokio::join!(read, write);
}
