//! A client of one's own on a TCP connection, without HTTP: a key-value store
//! with a protocol of lines. The timeout is inside the breaker, a connection that
//! failed is not used again, and a store that is busy says for how long.
//!
//! ```sh
//! cargo run --example raw_tokio_client
//! ```

use std::{
    fmt, io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use fluxgate::{CallNotPermitted, Outcome, State, circuit_breaker};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::watch,
    time::{sleep, timeout},
};

#[derive(Debug)]
enum Error {
    Io(io::Error),
    /// The store asks to be left alone for so long.
    Busy(Duration),
    Rejected(CallNotPermitted),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "no answer: {error}"),
            Self::Busy(wait) => write!(f, "the store is busy for {wait:?}"),
            Self::Rejected(rejection) => rejection.fmt(f),
        }
    }
}

impl std::error::Error for Error {}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<CallNotPermitted> for Error {
    fn from(rejection: CallNotPermitted) -> Self {
        Self::Rejected(rejection)
    }
}

type Answer = Result<Option<String>, Error>;

fn outcome(answer: &Answer) -> Outcome {
    match answer {
        Ok(_) => Outcome::Success,
        Err(Error::Busy(wait)) => Outcome::UnavailableFor(*wait),
        Err(_) => Outcome::Failure,
    }
}

struct Client {
    store: SocketAddr,
    /// Taken for the time of a request. What fails, or is dropped in between,
    /// leaves none behind: half an answer must not be read as the next one.
    connection: Option<BufReader<TcpStream>>,
}

impl Client {
    /// The value of a key.
    #[circuit_breaker(
        name = "store",
        classify = outcome,
        tripper = FailureStreak(3),
        retry = Cooldown(100ms),
        permit = All,
        reopen_after = 1,
        on_cancel = FailAfter(200ms),
        handle = breaker,
    )]
    async fn get(&mut self, key: &str) -> Answer {
        timeout(Duration::from_millis(250), self.ask(key))
            .await
            .map_err(io::Error::from)?
    }

    async fn ask(&mut self, key: &str) -> Answer {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => BufReader::new(TcpStream::connect(self.store).await?),
        };
        let request = format!("GET {key}\n");
        connection.get_mut().write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        if connection.read_line(&mut answer).await? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        let answer = match answer.trim_end().split_once(' ') {
            Some(("VALUE", value)) => Ok(Some(value.to_owned())),
            Some(("BUSY", millis)) => {
                let millis = millis.parse().map_err(io::Error::other)?;
                Err(Error::Busy(Duration::from_millis(millis)))
            }
            None if answer == "NONE\n" => Ok(None),
            _ => return Err(io::Error::other(format!("not an answer: {answer:?}")).into()),
        };
        self.connection = Some(connection);
        answer
    }
}

#[derive(Clone, Copy)]
enum Mood {
    Works,
    Hangs,
    Busy,
}

/// The store, on a port of its own on loopback. How it feels, and how many
/// requests it has seen.
async fn store() -> io::Result<(SocketAddr, watch::Sender<Mood>, Arc<AtomicUsize>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (mood, feels) = watch::channel(Mood::Works);
    let requests = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&requests);
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(serve(connection, feels.clone(), Arc::clone(&seen)));
        }
    });
    Ok((address, mood, requests))
}

async fn serve(
    connection: TcpStream,
    mood: watch::Receiver<Mood>,
    seen: Arc<AtomicUsize>,
) -> io::Result<()> {
    let mut connection = BufReader::new(connection);
    let mut request = String::new();
    while connection.read_line(&mut request).await? > 0 {
        seen.fetch_add(1, Ordering::Relaxed);
        let mood = *mood.borrow();
        let answer = match (mood, request.trim_end()) {
            (Mood::Works, "GET price") => "VALUE 42.17\n",
            (Mood::Works, _) => "NONE\n",
            (Mood::Busy, _) => "BUSY 1000\n",
            (Mood::Hangs, _) => "",
        };
        connection.get_mut().write_all(answer.as_bytes()).await?;
        request.clear();
    }
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let (address, mood, requests) = store().await?;
    let mut client = Client {
        store: address,
        connection: None,
    };
    let breaker = Client::breaker();

    println!("price: {:?}", client.get("price").await?);
    assert_eq!(client.get("colour").await?, None);

    // It hangs: three timeouts, and no call reaches it any more.
    mood.send_replace(Mood::Hangs);
    for _ in 0..3 {
        println!("{}", client.get("price").await.unwrap_err());
    }
    let before = requests.load(Ordering::Relaxed);
    let Err(Error::Rejected(rejection)) = client.get("price").await else {
        panic!("three failures in a row should have opened the circuit");
    };
    println!("{rejection}");
    assert_eq!(requests.load(Ordering::Relaxed), before);

    // The probe finds it busy. What it asks for is longer than the cooldown.
    mood.send_replace(Mood::Busy);
    sleep(rejection.retry_after().expect("it is open")).await;
    println!("{}", client.get("price").await.unwrap_err());
    let wait = breaker.info().retry_after.expect("it is open again");
    assert!(wait > Duration::from_millis(500), "{wait:?}");

    // The next one finds it well.
    mood.send_replace(Mood::Works);
    sleep(wait).await;
    println!("price: {:?}", client.get("price").await?);
    assert_eq!(breaker.state(), State::Closed);
    Ok(())
}
