//! The settings of the example service: read, read again, refused.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::incident::Service;

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
    let settings = &detail[0]["info"]["settings"];
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
    let output = crate::example("service")
        .arg("0")
        .env("SERVICE_SETTINGS", &file.0)
        .output();
    let output = output.expect("it runs");
    assert!(!output.status.success());
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.contains("looks at no outcome"), "{error}");
}
