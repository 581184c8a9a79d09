//! Three backends in order of preference, each a process of its own. The first is
//! killed and comes back, the second is stopped, the third answers nothing but 404,
//! which proves that it is alive. The terminal shows who answered what.
//!
//! ```sh
//! cargo run --example failover
//! ```

use std::{
    collections::HashMap,
    env,
    error::Error,
    fmt,
    io::{self, BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

use axum::{Router, routing::get};
use fluxgate::{
    Outcome, State, choose::AllOpen, http::outcome_of_status, keyed::CircuitBreakers, permit::All,
    retry::Cooldown, tripper::FailureStreak,
};
use reqwest::{Client, StatusCode};
use tokio::{net::TcpListener, time::sleep};

/// How long an open circuit waits.
const WAIT: Duration = Duration::from_millis(500);
/// How long a backend may take to answer.
const TIMEOUT: Duration = Duration::from_secs(2);
const ORDER: [&str; 3] = ["first", "second", "third"];

#[derive(Debug)]
enum AskError {
    Status(StatusCode),
    NoAnswer(reqwest::Error),
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "it answers {status}"),
            Self::NoAnswer(error) => write!(f, "no answer: {error}"),
        }
    }
}

impl From<reqwest::Error> for AskError {
    fn from(error: reqwest::Error) -> Self {
        Self::NoAnswer(error)
    }
}

/// What an answer says of the backend: a 404 that it is alive, a 503 that it is not.
fn outcome(result: &Result<String, AskError>) -> Outcome {
    match result {
        Ok(_) => Outcome::Success,
        Err(AskError::Status(StatusCode::NOT_FOUND)) => Outcome::Alive,
        Err(AskError::Status(status)) => outcome_of_status(*status),
        Err(AskError::NoAnswer(_)) => Outcome::Failure,
    }
}

async fn ask(client: &Client, url: &str) -> Result<String, AskError> {
    let response = client.get(url).send().await?;
    match response.status() {
        StatusCode::OK => Ok(response.text().await?),
        status => Err(AskError::Status(status)),
    }
}

/// A backend in a process of its own, which ends with this value.
struct Backend {
    process: Child,
    url: String,
}

impl Backend {
    fn start(name: &str) -> io::Result<Self> {
        let mut process = Command::new(env::current_exe()?)
            .args(["--serve", name])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut url = String::new();
        if let Some(said) = process.stdout.take() {
            BufReader::new(said).read_line(&mut url)?;
        }
        let url = url.trim_end().to_owned();
        Ok(Self { process, url })
    }

    /// Sends a signal: `STOP`, after which it says nothing, or `CONT`.
    fn signal(&self, signal: &str) -> io::Result<()> {
        let process = self.process.id().to_string();
        let sent = Command::new("kill")
            .args([&format!("-{signal}"), &process])
            .status()?;
        assert!(sent.success(), "no process {process}");
        Ok(())
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What the process of a backend does, until its standard input ends.
async fn serve(name: &'static str) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}/item", listener.local_addr()?);
    let app = match name {
        "third" => Router::new(),
        _ => Router::new().route("/item", get(move || async move { name })),
    };
    std::thread::spawn(|| {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        std::process::exit(0);
    });
    axum::serve(listener, app).await?;
    Ok(())
}

struct Shop {
    backends: HashMap<&'static str, Backend>,
    breakers: CircuitBreakers<String>,
    client: Client,
}

impl Shop {
    /// Asks for an item, and says who answered what.
    async fn ask(&self) -> String {
        let answered = self
            .breakers
            .failover(ORDER)
            .idempotent(true)
            .when_all_open(AllOpen::LeastWait)
            .with_classifier(outcome)
            .call_async(|name| ask(&self.client, &self.backends[name].url))
            .await;
        match answered {
            Ok(answer) => {
                println!("{} answers", answer.key);
                for passed in &answer.passed_over {
                    println!("    passed over {passed}");
                }
                answer.value
            }
            Err(error) => {
                println!("{error}");
                match error.into_error() {
                    Some(AskError::Status(status)) => status.as_str().to_owned(),
                    _ => String::from("nothing"),
                }
            }
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().collect();
    if let [_, command, name] = arguments.as_slice()
        && command == "--serve"
    {
        return serve(String::leak(name.clone())).await;
    }
    if cfg!(not(unix)) {
        println!("there is no way to stop a process here");
        return Ok(());
    }

    let breakers = CircuitBreakers::<String>::builder("shop")
        .settings(|breaker| {
            breaker
                .tripper(FailureStreak::new(2))
                .retry(Cooldown::new(WAIT))
                .permit(All)
        })
        .build()?;
    let mut shop = Shop {
        backends: HashMap::new(),
        breakers,
        client: Client::builder().timeout(TIMEOUT).build()?,
    };
    for name in ORDER {
        shop.backends.insert(name, Backend::start(name)?);
    }
    for _ in 0..3 {
        assert_eq!(shop.ask().await, "first");
    }

    println!("\n(the first is killed)");
    shop.backends
        .get_mut("first")
        .expect("it runs")
        .process
        .kill()?;
    for _ in 0..4 {
        assert_eq!(shop.ask().await, "second");
    }
    assert_eq!(shop.breakers.get("first").state(), State::Open);

    println!("\n(the second is stopped)");
    shop.backends["second"].signal("STOP")?;
    for _ in 0..4 {
        assert_eq!(shop.ask().await, "404");
    }
    let third = shop.breakers.get("third").info();
    assert_eq!((third.state, third.failed), (State::Closed, 0));
    assert!(third.alive >= 4, "a 404 proves that it is alive");
    assert_eq!(shop.breakers.get("second").state(), State::Open);

    println!("\n(the first is back, and its wait ends)");
    shop.backends.insert("first", Backend::start("first")?);
    sleep(WAIT).await;
    for _ in 0..3 {
        assert_eq!(shop.ask().await, "first");
    }
    assert_eq!(shop.breakers.get("first").state(), State::Closed);

    println!("\n(the second goes on, and the first is killed again)");
    shop.backends["second"].signal("CONT")?;
    shop.backends
        .get_mut("first")
        .expect("it runs")
        .process
        .kill()?;
    sleep(WAIT).await;
    for _ in 0..3 {
        assert_eq!(shop.ask().await, "second");
    }
    Ok(())
}
