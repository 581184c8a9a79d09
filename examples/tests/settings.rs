//! The settings of the example service: read, read again, refused.

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{Process, incident::Service};

/// A file that is removed in the end.
struct File(PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("{}-{name}", std::process::id()));
        fs::write(&path, text).expect("a file");
        Self(path)
    }

    fn write(&self, text: &str) {
        fs::write(&self.0, text).expect("a file");
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // It may be gone.
        let _ = fs::remove_file(&self.0);
    }
}

fn start(settings: &Path) -> Service {
    Service::start_with(|command| {
        command.env("SERVICE_SETTINGS", settings);
    })
}

/// The retry policy of the quotes, and where it is from.
async fn retry(service: &Service) -> (String, Option<String>) {
    let detail: Value = service.get("breakers/api/breakers/quotes").await;
    let settings = &detail["breakers"][0]["info"]["settings"];
    let from = settings["from"]["retry"].as_str();
    (
        settings["retry"].as_str().expect("text").to_owned(),
        from.map(ToOwned::to_owned),
    )
}

#[tokio::test]
async fn settings_are_read_again_when_told() {
    let file = File::new("service.toml", "[breaker.quotes]\nretry = 'Cooldown(7s)'");
    let service = start(&file.0);
    let from_file = Some("[breaker.\"quotes\"]".to_owned());
    assert_eq!(
        retry(&service).await,
        ("Cooldown(7s)".into(), from_file.clone())
    );

    // An endpoint: what changed, and what is wrong.
    file.write("[breaker.quotes]\nretry = 'Cooldown(8s)'");
    assert_eq!(service.post("settings/reload").await, "quotes\n");
    assert_eq!(
        retry(&service).await,
        ("Cooldown(8s)".into(), from_file.clone())
    );
    file.write("[breaker.quotes]\nretry = 'Cooldown(8 s)'\ntreshold = 1");
    let (status, error) = service.try_post("settings/reload").await;
    assert_eq!(status, 400);
    assert!(error.contains("unknown key `treshold`"), "{error}");
    assert_eq!(retry(&service).await, ("Cooldown(8s)".into(), from_file));

    // A signal, and what is left when the line is gone.
    file.write("");
    let hangup = Command::new("kill")
        .args(["-HUP", &service.pid().to_string()])
        .status();
    assert!(hangup.expect("it runs").success());
    let began = Instant::now();
    while retry(&service).await != ("Cooldown(2s)".into(), None) {
        assert!(began.elapsed() < Duration::from_secs(60), "it is read");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn service_starts_with_no_wrong_settings() {
    let file = File::new("wrong.toml", "[all]\ntripper = 'MinRequests(5)'");
    let mut service = crate::example("service");
    service
        .arg("0")
        .env("SERVICE_SETTINGS", &file.0)
        .stderr(Stdio::piped());
    let mut service = Process(service.spawn().expect("it runs"));
    assert!(!end_of(&mut service).await.success());
    let mut error = String::new();
    let stderr = service.0.stderr.as_mut().expect("a pipe");
    stderr.read_to_string(&mut error).expect("text");
    assert!(error.contains("looks at no outcome"), "{error}");
}

/// Waits until a process ends by itself.
async fn end_of(process: &mut Process) -> ExitStatus {
    let began = Instant::now();
    loop {
        if let Some(status) = process.0.try_wait().expect("a process") {
            return status;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "it ends");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The state of the payments.
async fn state(service: &Service) -> String {
    let detail: Value = service.get("breakers/api/breakers/payments").await;
    let state = detail["breakers"][0]["info"]["state"].as_str();
    state.unwrap_or_else(|| panic!("{detail}")).to_owned()
}

#[tokio::test]
async fn open_circuits_outlive_the_process() {
    // A wait that is long beside a slow machine.
    let settings = File::new("state.toml", "[breaker.payments]\nretry = 'Cooldown(300s)'");
    let saved = File::new("state.json", "");
    fs::remove_file(&saved.0).expect("it is there");
    let start = || {
        Service::start_with(|command| {
            command
                .env("SERVICE_SETTINGS", &settings.0)
                .env("SERVICE_STATE", &saved.0);
        })
    };
    let mut first = start();
    assert_eq!(state(&first).await, "closed");
    first.post("outage/payments/fails").await;
    for _ in 0..3 {
        // The answer is a failure.
        let _ = first.status("charge").await;
    }
    assert_eq!(state(&first).await, "open");
    let terminated = Command::new("kill").arg(first.pid().to_string()).status();
    assert!(terminated.expect("it runs").success());
    assert!(end_of(&mut first.process).await.success());

    let second = start();
    assert_eq!(state(&second).await, "open", "before its first call");
    assert_eq!(second.status("charge").await, 503);
}
