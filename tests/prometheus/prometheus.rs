//! A Prometheus server that scrapes the service every second.

use std::{
    collections::BTreeMap,
    env, fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::Value;

use crate::{http, process::Process, queries, until};

pub(crate) struct Prometheus {
    _process: Process,
    address: String,
    folder: PathBuf,
    started: u64,
}

/// One series and its value.
#[derive(Debug)]
pub(crate) struct Sample {
    labels: BTreeMap<String, String>,
    pub(crate) value: f64,
}

impl Sample {
    pub(crate) fn label(&self, name: &str) -> String {
        self.labels.get(name).cloned().unwrap_or_default()
    }

    /// As the service wrote it.
    pub(crate) fn line(&self, series: &str) -> String {
        let labels = self
            .labels
            .iter()
            .filter(|(name, _)| !["__name__", "instance", "job"].contains(&name.as_str()));
        let labels: Vec<_> = labels
            .map(|(name, value)| format!("{name}=\"{value}\""))
            .collect();
        format!("{series}{{{}}} {}", labels.join(","), self.value)
    }
}

impl Prometheus {
    pub(crate) fn start(service: &str) -> Self {
        let folder = env::temp_dir().join(format!("fluxgate-prometheus-{}", process::id()));
        fs::create_dir_all(&folder).unwrap();
        let alerts =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/prometheus/alerts.yml");
        let alerts = alerts.canonicalize().unwrap();
        let config = format!(
            "global:\n  scrape_interval: 1s\n  evaluation_interval: 1s\n\
             rule_files:\n  - {}\n\
             scrape_configs:\n  - job_name: service\n    static_configs:\n      - targets: [\"{service}\"]\n",
            alerts.display()
        );
        fs::write(folder.join("prometheus.yml"), config).unwrap();
        // Free a moment ago; it has no way to say which one it took.
        let address = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let address = address.to_string();
        let log = fs::File::create(folder.join("log")).unwrap();
        let process = Process::start(
            Command::new("prometheus")
                .arg(format!(
                    "--config.file={}",
                    folder.join("prometheus.yml").display()
                ))
                .arg(format!(
                    "--storage.tsdb.path={}",
                    folder.join("data").display()
                ))
                .arg(format!("--web.listen-address={address}"))
                .stdout(Stdio::null())
                .stderr(log),
        );
        let started = now();
        until("Prometheus is ready", || {
            let ready = http::request(&address, "GET", "-/ready");
            ready.is_some_and(|(status, _)| status == 200)
        });
        Self {
            _process: process,
            address,
            folder,
            started,
        }
    }

    /// The answer to a query, now.
    pub(crate) fn ask(&self, query: &str) -> Vec<Sample> {
        let answer = self.api(&format!("query?query={}", http::encode(query)));
        let result = answer["result"].as_array().expect("a vector").clone();
        let sample = |series: Value| Sample {
            labels: serde_json::from_value(series["metric"].clone()).unwrap(),
            value: series["value"][1].as_str().unwrap().parse().unwrap(),
        };
        result.into_iter().map(sample).collect()
    }

    /// How many samples a query finds at all seconds since the start.
    pub(crate) fn ask_all_along(&self, query: &str) -> usize {
        let (query, start, end) = (http::encode(query), self.started, now());
        let range = format!("query_range?query={query}&start={start}&end={end}&step=1");
        let series = self.api(&range)["result"]
            .as_array()
            .expect("a matrix")
            .clone();
        let values = series
            .iter()
            .filter_map(|series| series["values"].as_array());
        let numbers = values.flatten().filter(|value| value[1] != "NaN");
        numbers.count()
    }

    /// Waits until an alert is pending or firing, and can be seen to have been.
    pub(crate) fn until_alert(&self, name: &str) {
        let alert = format!("ALERTS{{alertname=\"{name}\"}}");
        let rule = queries::rule(name);
        until(&format!("the alert {name}"), || {
            self.ask_all_along(&alert) > 0 && self.ask_all_along(&rule) > 0
        });
    }

    /// The values of a label, sorted.
    pub(crate) fn label_values(&self, metric: &str, label: &str) -> Vec<String> {
        let values = self.api(&format!("label/{label}/values?match[]={metric}"));
        serde_json::from_value(values).unwrap()
    }

    /// The rules it evaluates, in order.
    pub(crate) fn rules(&self) -> Vec<Value> {
        let answer = self.api("rules");
        let groups = answer["groups"].as_array().expect("groups").iter();
        let rules = groups.filter_map(|group| group["rules"].as_array());
        rules.flatten().cloned().collect()
    }

    fn api(&self, target: &str) -> Value {
        let target = format!("api/v1/{target}");
        let (_, body) = http::request(&self.address, "GET", &target).expect("an answer");
        let mut answer: Value = serde_json::from_str(&body).expect(&body);
        assert_eq!(answer["status"], "success", "{target}: {answer}");
        answer["data"].take()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // Only scratch; the system clears it away otherwise.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// In whole seconds since the epoch.
fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}
