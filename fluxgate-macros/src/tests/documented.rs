//! What the documentation's tables show as attributes is accepted.

use std::{fs, path::Path};

use super::{accepted, faults_on};
use crate::settings::table::{self, SETTINGS};

/// The pages whose tables show keys of the attribute.
const PAGES: &[&str] = &[
    "fluxgate-macros/src/docs/circuit_breaker.md",
    "fluxgate/src/guide/async_and_cancellation.md",
    "fluxgate/src/guide/choosing_a_policy.md",
    "fluxgate/src/guide/from_others.md",
    "fluxgate/src/guide/from_python.md",
    "fluxgate/src/guide/keys.md",
    "fluxgate/src/guide/overload.md",
    "fluxgate/src/guide/recovery.md",
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
    key.is_some_and(|key| table::find(key).is_some()) && !span.contains('…')
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
fn manual_examples_are_accepted() {
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
        if table::find(key).is_none() {
            continue;
        }
        for example in examples.split('`').skip(1).step_by(2) {
            let example = example.replace('\u{1}', "|").replace('…', "drop(signal)");
            let item = "fn quote(tenant: &str, request: &Request) -> Result<u32, Error> { body() }";
            assert_eq!(faults_on(&with_others(key, &example), item), []);
            tried += 1;
        }
    }
    assert!(tried >= 14, "{tried}");
}

/// The setting with the others that it needs.
fn with_others(name: &str, example: &str) -> String {
    let others = match name {
        "key" => ", key_type = String",
        "slow_probes" => ", tripper = SlowRate(0.3, 1s)",
        "key_type" | "max_keys" | "max_labels" => ", key = tenant",
        // A key without a value of its own.
        "fleet" => return example.to_owned(),
        _ => "",
    };
    format!("{name} = {example}{others}")
}

/// The summary of a macro in `lib.rs`, which editors show on hover.
fn hover(function: &str) -> String {
    let text =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let (before, _) = text.split_once(&format!("pub fn {function}(")).unwrap();
    let lines = before.lines().rev();
    let lines = lines.take_while(|line| line.starts_with("///") || line.starts_with("#["));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn hover_text_names_every_setting() {
    let text = hover("circuit_breaker");
    for setting in SETTINGS {
        let name = format!("`{}`", setting.name);
        assert!(text.contains(&name), "{name} is missing:\n{text}");
    }
}

#[test]
fn manual_lists_every_setting() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("src/docs/circuit_breaker.md")).unwrap();
    for setting in SETTINGS {
        let row = format!("| `{}`", setting.name);
        assert!(
            text.lines().any(|line| line.starts_with(&row)),
            "{row} is missing"
        );
    }
}
