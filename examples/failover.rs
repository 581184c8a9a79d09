//! Three local services in order of preference. The first dies and comes back, the
//! second hangs: the terminal shows who answered what. Ends by itself.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering::Relaxed},
    },
    time::Duration,
};

use fluxgate::{
    choose::AllOpen, keyed::CircuitBreakers, permit::All, retry::Cooldown, tripper::FailureStreak,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};

const WORKS: u8 = 0;
const DEAD: u8 = 1;
const HANGS: u8 = 2;

/// A service that answers with its name, hangs, or drops every connection.
async fn serve(name: &'static str) -> io::Result<(String, Arc<AtomicU8>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    let mode = Arc::new(AtomicU8::new(WORKS));
    let state = Arc::clone(&mode);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            match state.load(Relaxed) {
                WORKS => drop(socket.write_all(name.as_bytes()).await),
                HANGS => drop(tokio::spawn(async move {
                    sleep(Duration::from_secs(5)).await;
                    drop(socket);
                })),
                _ => drop(socket),
            }
        }
    });
    Ok((address, mode))
}

async fn ask(address: &str) -> io::Result<String> {
    let answer = async {
        let mut answer = String::new();
        let mut socket = TcpStream::connect(address).await?;
        socket.read_to_string(&mut answer).await?;
        match answer.as_str() {
            "" => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(answer),
        }
    };
    timeout(Duration::from_millis(200), answer).await?
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let services = CircuitBreakers::<String>::builder("services")
        .settings(|breaker| {
            breaker
                .tripper(FailureStreak::new(2))
                .retry(Cooldown::new(Duration::from_millis(300)))
                .permit(All)
        })
        .build()?;
    let (first, first_mode) = serve("first").await?;
    let (second, second_mode) = serve("second").await?;
    let (third, _) = serve("third").await?;
    let order = [first, second, third];

    let mut answers = Vec::new();
    for call in 1..=12 {
        match call {
            3 => first_mode.store(DEAD, Relaxed),
            5 => second_mode.store(HANGS, Relaxed),
            10 => {
                println!("(the first comes back, and its wait ends)");
                first_mode.store(WORKS, Relaxed);
                sleep(Duration::from_millis(350)).await;
            }
            _ => {}
        }
        let answer = services
            .failover(&order)
            .idempotent(true)
            .when_all_open(AllOpen::LeastWait)
            .call_async(|address| ask(address))
            .await
            // The error borrows the list of keys.
            .map_err(|error| error.to_string())?;
        println!(
            "call {call:2}: {} answered, {} passed over",
            answer.value,
            answer.passed_over.len()
        );
        for passed in &answer.passed_over {
            println!("         {passed}");
        }
        answers.push(answer.value);
    }
    for expected in ["first", "second", "third"] {
        assert!(
            answers.iter().any(|answer| answer == expected),
            "{expected} never answered"
        );
    }
    assert_eq!(answers.last().map(String::as_str), Some("first"));
    Ok(())
}
