//! The example service.

use std::{
    env,
    io::{BufRead as _, BufReader, Write as _},
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::{http, process::Process};

pub(crate) struct Service {
    _process: Process,
    pub(crate) address: String,
}

impl Service {
    pub(crate) fn start(variables: &[(&str, &str)]) -> Self {
        // Beside the folder of this test.
        let test = env::current_exe().unwrap();
        let service = test.ancestors().nth(2).unwrap().join("examples/service");
        let mut process = Process::start(
            Command::new(service)
                .arg("0")
                .envs(variables.iter().copied())
                .env_remove("WAREHOUSE_WEBHOOK")
                .stdout(Stdio::piped())
                .stderr(Stdio::null()),
        );
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = lines.next().expect("a line of the service").unwrap();
        let address = line.strip_prefix("listening on http://").expect(&line);
        Self {
            address: address.to_owned(),
            _process: process,
        }
    }

    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        http::request(&self.address, "GET", path).expect("an answer of the service")
    }

    pub(crate) fn post(&self, path: &str) -> (u16, String) {
        http::request(&self.address, "POST", path).expect("an answer of the service")
    }

    pub(crate) fn outage(&self, dependency: &str, mood: &str) {
        let (status, _) = self.post(&format!("outage/{dependency}/{mood}"));
        assert_eq!(status, 200);
    }

    pub(crate) fn breaker(&self, name: &str) -> Value {
        let (_, body) = self.get(&format!("breakers/api/breakers/{name}"));
        let found: Value = serde_json::from_str(&body).expect(&body);
        found["breakers"][0]["info"].clone()
    }

    pub(crate) fn state(&self, name: &str) -> String {
        let breaker = self.breaker(name);
        breaker["state"].as_str().expect("a state").to_owned()
    }

    pub(crate) fn metrics(&self) -> String {
        self.get("metrics").1
    }

    /// What `promtool` thinks of the page.
    pub(crate) fn check_metrics(&self) {
        let mut promtool = Process::start(
            Command::new("promtool")
                .args(["check", "metrics"])
                .stdin(Stdio::piped()),
        );
        let mut stdin = promtool.stdin.take().unwrap();
        stdin.write_all(self.metrics().as_bytes()).unwrap();
        drop(stdin);
        let verdict = promtool.wait().unwrap();
        assert!(verdict.success(), "promtool check metrics: {verdict}");
    }
}
