//! The places in the crate's source that report or log, read from it: a new one that no
//! scenario provokes is noticed.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A place that reports: what it is called, and the parts of its message that never
/// change, in their order.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    pub(crate) name: String,
    parts: Vec<String>,
}

impl Site {
    fn new(name: impl Into<String>, template: &str) -> Self {
        let mut parts = Vec::new();
        for piece in template.split('}') {
            let part = piece.split('{').next().unwrap_or_default();
            if !part.trim().is_empty() {
                parts.push(part.to_owned());
            }
        }
        assert!(!parts.is_empty(), "{template:?} tells nothing");
        Self {
            name: name.into(),
            parts,
        }
    }

    /// Returns whether the message is this site's.
    pub(crate) fn wrote(&self, message: &str) -> bool {
        let mut rest = message;
        self.parts.iter().all(|part| {
            let found = rest.find(part.as_str());
            rest = found.map_or("", |at| &rest[at + part.len()..]);
            found.is_some()
        })
    }
}

/// Messages whose words are all in what they show.
const WORDS_ELSEWHERE: [(&str, &str); 3] = [
    ("bad_variable", "but may only be `disabled`"),
    ("stray_variable", "fits no circuit breaker"),
    ("refused", "can't be built: {}; the defaults stand in"),
];

/// Transitions that are logged in one place.
const TRANSITIONS: [(&str, &str); 9] = [
    ("closed", "open"),
    ("open", "half_open"),
    ("half_open", "closed"),
    ("half_open", "open"),
    ("closed", "forced_open"),
    ("forced_open", "metrics_only"),
    ("metrics_only", "disabled"),
    ("disabled", "closed"),
    ("disabled", "forced_open"),
];

/// Returns every site.
pub(crate) fn all() -> Vec<Site> {
    let mut sites = diagnostics();
    sites.extend(policies());
    let slack = read("slack/report.rs");
    let said = slack.split("say!(").skip(1).map(literal);
    sites.extend(said.map(|text| Site::new(format!("slack: {text}"), &text)));
    let log = read("listener/log.rs");
    let code = log
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let messages = code.filter(|line| line.contains("\"Circuit Breaker"));
    let logged: Vec<_> = messages.map(literal).collect();
    assert!(logged.len() >= 2, "{logged:?}");
    for text in logged {
        let states = [("{old_state}", "{new_state}")].into_iter();
        let is_transition = { states }.all(|(old, new)| text.contains(old) && text.contains(new));
        let transitions = if is_transition {
            &TRANSITIONS[..]
        } else {
            &[("", "")]
        };
        for (old, new) in transitions {
            let text = text.replace("{old_state}", old).replace("{new_state}", new);
            sites.push(Site::new(format!("LogListener: {text}"), &text));
        }
    }
    sites
}

/// The functions of `diagnostics.rs`, each with its message.
fn diagnostics() -> Vec<Site> {
    let source = read("diagnostics.rs");
    let functions = source.split("pub(crate) fn ").skip(1);
    let site = |function: &str| {
        let name = function.split('(').next().unwrap_or_default();
        let elsewhere = WORDS_ELSEWHERE.iter().find(|(known, _)| *known == name);
        let written = || literal(function.split("format_args!(").nth(1).unwrap_or_default());
        let template = elsewhere.map_or_else(written, |(_, words)| (*words).to_owned());
        Site::new(name, &template)
    };
    let sites: Vec<_> = functions.map(site).collect();
    assert!(sites.len() > 20, "{sites:?}");
    sites
}

/// Every kind of policy whose panic is reported.
fn policies() -> Vec<Site> {
    let mut kinds = Vec::new();
    for (_, source) in sources() {
        for call in source.split("policy_panicked(\"").skip(1) {
            let kind = call.split('"').next().unwrap_or_default().to_owned();
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
    }
    assert!(kinds.len() > 8, "{kinds:?}");
    let site = |kind: &String| {
        let template = format!("a custom {kind} of a circuit breaker panicked");
        Site::new(format!("policy_panicked: {kind}"), &template)
    };
    kinds.iter().map(site).collect()
}

/// Returns the first string literal of a text.
fn literal(text: &str) -> String {
    let mut found = String::new();
    let mut characters = text.split_once('"').expect("a literal").1.chars();
    loop {
        match characters.next().expect("it ends") {
            '"' => return found,
            '\\' => match characters.next() {
                // The line goes on.
                Some('\n') => {
                    let rest = characters.as_str().trim_start();
                    characters = rest.chars();
                }
                escaped => found.extend(escaped),
            },
            character => found.push(character),
        }
    }
}

/// Returns where the crate writes to a log or to stderr beside the places that `all`
/// reads.
pub(crate) fn unknown() -> Vec<String> {
    const KNOWN: [&str; 3] = ["diagnostics.rs", "slack/report.rs", "listener/log.rs"];
    const WRITES: [&str; 12] = [
        "tracing::event!",
        "tracing::error!",
        "tracing::warn!",
        "tracing::info!",
        "tracing::debug!",
        "tracing::trace!",
        "eprint!",
        "eprintln!",
        "println!",
        "log::error!",
        "log::warn!",
        "log::info!",
    ];
    let mut unknown = Vec::new();
    for (path, source) in sources() {
        let is_test = path.iter().any(|folder| folder == "tests");
        if is_test || KNOWN.iter().any(|known| path.ends_with(known)) {
            continue;
        }
        // Tests, and examples in documentation, may.
        let code = source.split("#[cfg(test)]").next().unwrap_or_default();
        let lines = code.lines().map(str::trim_start);
        for line in lines.filter(|line| !line.starts_with("//")) {
            if WRITES.iter().any(|writes| line.contains(writes)) {
                unknown.push(format!("{}: {line}", path.display()));
            }
        }
    }
    unknown
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fluxgate/src")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).expect("the crate's source")
}

fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("the crate's source") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let source = fs::read_to_string(&path).expect("readable");
                found.push((path, source));
            }
        }
    }
    found
}
