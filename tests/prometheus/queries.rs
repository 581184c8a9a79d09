//! The queries that come with the project.

use serde_json::Value;

const DASHBOARD: &str = include_str!("../../examples/grafana/fluxgate.json");
const ALERTS: &str = include_str!("../../examples/prometheus/alerts.yml");

pub(crate) struct Query {
    pub(crate) origin: String,
    pub(crate) text: String,
}

/// Every query of the dashboard and of the alerts.
pub(crate) fn all() -> Vec<Query> {
    let dashboard: Value = serde_json::from_str(DASHBOARD).expect("the dashboard");
    let mut queries = Vec::new();
    let annotations = dashboard["annotations"]["list"].as_array().into_iter();
    for annotation in annotations.flatten() {
        queries.push(query(
            "annotation",
            &annotation["name"],
            &annotation["expr"],
        ));
    }
    let panels = dashboard["panels"].as_array().expect("panels");
    for panel in panels.iter().filter(|panel| panel["type"] != "row") {
        let targets = panel["targets"].as_array().expect("targets");
        assert!(!targets.is_empty(), "{}", panel["title"]);
        for target in targets {
            queries.push(query("panel", &panel["title"], &target["expr"]));
        }
    }
    for (name, text) in rules() {
        let origin = format!("alert '{name}'");
        queries.push(Query { origin, text });
    }
    queries
}

/// The expression of an alert.
pub(crate) fn rule(alert: &str) -> String {
    let rule = rules().into_iter().find(|(name, _)| name == alert);
    rule.expect(alert).1
}

/// The names of the alerts, in order.
pub(crate) fn alerts() -> Vec<String> {
    rules().into_iter().map(|(name, _)| name).collect()
}

/// As Grafana would ask it for all circuits.
fn query(kind: &str, name: &Value, text: &Value) -> Query {
    let text = text.as_str().expect("a query");
    let text = text
        .replace("$__rate_interval", "5s")
        .replace("$__interval", "5s")
        .replace("$circuit", ".*");
    assert!(!text.contains('$'), "an unknown variable: {text}");
    let origin = format!("{kind} '{}'", name.as_str().expect("a name"));
    Query { origin, text }
}

/// Name and expression of each alert. Reads no more of YAML than the file uses.
fn rules() -> Vec<(String, String)> {
    let mut rules = Vec::new();
    let mut lines = ALERTS.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(name) = line.strip_prefix("      - alert: ") {
            rules.push((name.to_owned(), String::new()));
        } else if let Some(text) = line.strip_prefix("        expr: ") {
            let (_, rule) = rules.last_mut().expect("an alert before its expression");
            if text == "|" {
                while let Some(more) = lines.next_if(|line| line.starts_with("          ")) {
                    rule.push_str(more.trim());
                    rule.push(' ');
                }
            } else {
                rule.push_str(text);
            }
        }
    }
    assert_eq!(rules.len(), ALERTS.matches("alert:").count());
    assert!(rules.iter().all(|(_, text)| !text.is_empty()));
    rules
}
