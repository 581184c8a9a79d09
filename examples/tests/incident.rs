//! An outage of the example service, recorded and replayed.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use fluxgate::{
    Builder, State,
    retry::Cooldown,
    sim::{Ended, Trace},
    tripper::{FailureRate, FailureStreak, MinRequests, SlowRate},
    window::CountWindow,
};
use reqwest::{Client, StatusCode};

use crate::{Process, example};

/// The example service as a process.
pub(crate) struct Service {
    client: Client,
    url: String,
    pub(crate) process: Process,
}

impl Service {
    fn start() -> Self {
        Self::start_with(|command| {
            command
                .env("QUOTES_RECORDING", "10000")
                .env_remove("SERVICE_SETTINGS");
        })
    }

    pub(crate) fn start_with(prepare: impl FnOnce(&mut Command)) -> Self {
        let mut command = example("service");
        command
            .arg("0")
            .env_remove("QUOTES_WEBHOOK")
            .env_remove("FLUXGATE_QUOTES")
            .env_remove("FLUXGATE_ALL")
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        prepare(&mut command);
        let mut child = command.spawn().expect("the service starts");
        let stdout = child.stdout.take().expect("a pipe");
        let process = Process(child);
        let line = BufReader::new(stdout).lines().next().expect("a line");
        let line = line.expect("text");
        let url = line.strip_prefix("listening on ").expect("its address");
        Self {
            client: Client::builder().no_proxy().build().expect("a client"),
            url: url.to_owned(),
            process,
        }
    }

    async fn quote(&self) -> StatusCode {
        self.status("quote").await
    }

    pub(crate) async fn status(&self, path: &str) -> StatusCode {
        let url = format!("{}/{path}", self.url);
        let response = self.client.get(url).send().await;
        response.expect("the service answers").status()
    }

    pub(crate) async fn post(&self, path: &str) -> String {
        let (status, text) = self.try_post(path).await;
        assert!(status.is_success(), "{status}: {text}");
        text
    }

    pub(crate) async fn try_post(&self, path: &str) -> (StatusCode, String) {
        let url = format!("{}/{path}", self.url);
        let request = self.client.post(url).header("x-operator", "test");
        let response = request.send().await.expect("the service answers");
        (response.status(), response.text().await.expect("text"))
    }

    pub(crate) async fn get(&self, path: &str) -> serde_json::Value {
        let url = format!("{}/{path}", self.url);
        let response = self.client.get(url).send().await;
        let text = response.expect("the service answers").text().await;
        serde_json::from_str(&text.expect("text")).expect("JSON")
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.0.id()
    }
}

/// The settings of the example's quotes.
fn quotes(breaker: Builder) -> Builder {
    let slow = SlowRate::new(0.5, Duration::from_millis(500));
    breaker
        .window(CountWindow::new(20))
        .tripper(MinRequests::new(5) & (FailureRate::new(0.5) | slow))
        .retry(Cooldown::new(Duration::from_secs(2)))
        .permit(fluxgate::permit::All)
        .max_half_open_calls(2)
}

#[tokio::test]
async fn demo_shows_a_circuit_opening() {
    let service = Service::start_with(|command| {
        command.arg("demo").env_remove("SERVICE_SETTINGS");
    });
    let get = async |path: &str| {
        let url = format!("{}/{path}", service.url);
        let response = service.client.get(url).send().await;
        let response = response.expect("the service answers").error_for_status();
        response.expect("found").text().await.expect("text")
    };
    assert!(get("").await.contains("Switchboard"));
    assert!(get("breakers").await.contains("Circuit breakers"));
    let began = Instant::now();
    let opened = "\"new_state\":\"open\"";
    while !get("breakers/api/breakers/quotes").await.contains(opened) {
        assert!(began.elapsed() < Duration::from_secs(60), "it opens");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn outage_of_the_service_is_replayed() {
    let service = Service::start();
    let mut answers = Vec::new();
    for _ in 0..20 {
        answers.push(service.quote().await);
    }
    service.post("outage/quotes/fails").await;
    for _ in 0..40 {
        answers.push(service.quote().await);
    }
    service.post("outage/quotes/works").await;
    // The circuit closes when a probe after the cooldown is answered.
    let began = Instant::now();
    while answers.last() != Some(&StatusCode::OK) {
        assert!(began.elapsed() < Duration::from_secs(60), "it recovers");
        tokio::time::sleep(Duration::from_millis(100)).await;
        answers.push(service.quote().await);
    }
    let lines = service.post("recordings/quotes").await;
    assert!(service.post("recordings/quotes").await.is_empty());

    // The recording is what the client saw.
    let trace = Trace::from_jsonl(lines.as_bytes()).expect("a trace");
    let seen = |status| answers.iter().filter(|answer| **answer == status).count() as u64;
    let (answered, failed, refused) = (
        seen(StatusCode::OK),
        seen(StatusCode::BAD_GATEWAY),
        seen(StatusCode::SERVICE_UNAVAILABLE),
    );
    assert_eq!(answered + failed + refused, answers.len() as u64);
    assert!(answered >= 20 && failed >= 5 && refused > 0, "{answers:?}");
    let recorded = |ended: Option<Ended>| {
        let calls = trace.entries().iter();
        calls
            .filter(|entry| entry.ended.map(|(_, ended)| ended) == ended)
            .count() as u64
    };
    assert_eq!(recorded(Some(Ended::Success)), answered);
    assert_eq!(recorded(Some(Ended::Failure)), failed);
    assert_eq!(recorded(None), refused);

    // By its own settings it goes as it went, and nothing is guessed.
    let same = trace.run(quotes);
    assert_eq!(same.answered().value(), answered, "{same}");
    assert_eq!(same.failed().value(), failed, "{same}");
    assert_eq!(same.refused().value(), refused, "{same}");
    assert!(
        same.answered().share() + same.failed().share() <= 0.0,
        "{same}"
    );
    let states = same.run().changes().iter().map(|change| change.new_state);
    let states: Vec<State> = states.collect();
    assert_eq!(states.first(), Some(&State::Open));
    assert_eq!(states.last(), Some(&State::Closed));

    // A streak opens earlier. One that never opens lets through what was refused then,
    // and its failures are a range.
    let earlier = trace.run(|breaker: Builder| quotes(breaker).tripper(FailureStreak::new(3)));
    assert!(earlier.failed().range().1 < failed, "{earlier}");
    let never = trace.run(|breaker: Builder| quotes(breaker).tripper(FailureStreak::new(10_000)));
    assert_eq!(never.refused().value(), 0);
    assert_eq!(never.run().total().offered, answers.len() as u64);
    assert!(never.failed().range().1 >= failed + refused, "{never}");
    assert!(never.to_string().contains("% guessed)"), "{never}");

    // The program says the same of the file.
    let path = std::env::temp_dir().join(format!("incident-{}.jsonl", std::process::id()));
    fs::write(&path, &lines).expect("written");
    let shown = example("simulate").arg("--trace").arg(&path).output();
    fs::remove_file(&path).expect("removed");
    let shown = shown.expect("simulate runs");
    let text = String::from_utf8(shown.stdout).expect("text");
    assert!(
        shown.status.success() && text.contains("answered "),
        "{text}"
    );
}
