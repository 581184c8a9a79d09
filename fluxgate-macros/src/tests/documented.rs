//! What the documentation's tables show as attributes is accepted.

use std::{fs, path::Path};

use super::accepted;

/// The pages whose tables show keys of the attribute.
const PAGES: &[&str] = &[
    "fluxgate-macros/src/docs/circuit_breaker.md",
    "fluxgate/src/guide/async_and_cancellation.md",
    "fluxgate/src/guide/choosing_a_policy.md",
    "fluxgate/src/guide/from_others.md",
    "fluxgate/src/guide/from_python.md",
    "fluxgate/src/guide/keys.md",
    "fluxgate/src/guide/recovery.md",
];

const KEYS: &[&str] = &[
    "name",
    "window",
    "tripper",
    "retry",
    "permit",
    "max_half_open_calls",
    "close_after",
    "reopen_after",
    "probe_lease",
    "on_cancel",
    "durations",
    "listeners",
    "tracker",
    "failure_if",
    "fallback",
    "handle",
];

/// The code spans in the rows of tables.
fn spans(text: &str) -> impl Iterator<Item = String> {
    let rows = text.lines().filter(|line| line.starts_with('|'));
    rows.flat_map(|row| row.split('`').skip(1).step_by(2))
        .map(|span| span.replace("\\|", "|"))
}

/// Whether it is a list of settings with nothing left out.
fn is_settings(span: &str) -> bool {
    let key = span.split_once(" = ").map(|(key, _)| key);
    key.is_some_and(|key| KEYS.contains(&key)) && !span.contains('…')
}

#[test]
fn settings_in_tables_are_accepted() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut tried = 0;
    for page in PAGES {
        let text = fs::read_to_string(root.join(page)).unwrap();
        for span in spans(&text).filter(|span| is_settings(span)) {
            println!("{page}: {span}");
            accepted(&span);
            tried += 1;
        }
    }
    assert!(tried >= 25, "{tried}");
}

#[test]
fn examples_in_the_table_of_keys_are_accepted() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("src/docs/circuit_breaker.md")).unwrap();
    let mut tried = 0;
    for row in text.lines().filter(|line| line.starts_with("| `")) {
        let row = row.replace("\\|", "\u{1}");
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let [_, key, examples, _, _, _] = &cells[..] else {
            continue;
        };
        let key = key.trim_matches('`');
        if !KEYS.contains(&key) {
            continue;
        }
        for example in examples.split('`').skip(1).step_by(2) {
            let example = example.replace('\u{1}', "|").replace('…', "drop(signal)");
            accepted(&format!("{key} = {example}"));
            tried += 1;
        }
    }
    assert!(tried >= 14, "{tried}");
}
