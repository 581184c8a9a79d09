//! What several examples share: an HTTP service that can have an outage.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::watch,
    time::sleep,
};

/// How a [`Service`] answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// With 200, at once.
    Works,
    /// With 503, at once.
    Fails,
    /// With 200, after two seconds.
    IsSlow,
}

/// A small HTTP service on a port of its own on loopback.
#[derive(Debug)]
pub struct Service {
    url: String,
    mood: watch::Sender<Mood>,
}

impl Service {
    /// Starts the service; it works.
    ///
    /// # Errors
    ///
    /// Those of the socket.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/", listener.local_addr()?);
        let (mood, seen) = watch::channel(Mood::Works);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let mood = *seen.borrow();
                // A client that went away is no concern of the service.
                tokio::spawn(async move { answer(stream, mood).await.ok() });
            }
        });
        Ok(Self { url, mood })
    }

    /// Where to send requests.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// From now on the service answers like this.
    pub fn set(&self, mood: Mood) {
        self.mood.send_replace(mood);
    }
}

/// Answers one request, whatever it asks for.
async fn answer(mut stream: TcpStream, mood: Mood) -> io::Result<()> {
    let mut head = BufReader::new(&mut stream).lines();
    while head.next_line().await?.is_some_and(|line| !line.is_empty()) {}
    if mood == Mood::IsSlow {
        sleep(Duration::from_secs(2)).await;
    }
    let (status, body) = match mood {
        Mood::Works | Mood::IsSlow => ("200 OK", "42.17"),
        Mood::Fails => ("503 Service Unavailable", ""),
    };
    let length = body.len();
    let answer =
        format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
    stream.write_all(answer.as_bytes()).await
}
