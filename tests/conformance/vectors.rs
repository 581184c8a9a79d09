//! Finds the recordings.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use serde::de::DeserializeOwned;
use serde_json::Value;

/// What a file holds, by the beginning of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Scenarios,
    Log,
    Validation,
    Prometheus,
    /// Replayed beside the delivery engine, by the test `slack`.
    Slack,
}

impl Kind {
    fn of(file: &str) -> Self {
        let begins = |with| file.starts_with(with);
        if begins("log") {
            Self::Log
        } else if begins("prometheus") {
            Self::Prometheus
        } else if begins("validation") {
            Self::Validation
        } else if begins("slack") {
            Self::Slack
        } else {
            Self::Scenarios
        }
    }

    /// What every line has that is of this kind.
    fn members(self) -> [&'static str; 2] {
        match self {
            Self::Scenarios => ["config", "steps"],
            Self::Log => ["name", "steps"],
            Self::Validation => ["ctor", "result"],
            Self::Prometheus => ["registry", "names"],
            Self::Slack => ["channel", "steps"],
        }
    }
}

/// One file and its lines, each with its number.
pub(crate) struct File<T> {
    pub(crate) name: String,
    pub(crate) lines: Vec<(usize, T)>,
}

/// Whether the recordings are the ones that come with the tests.
pub(crate) fn are_our_own() -> bool {
    given().is_none()
}

/// Reads all files of one kind. There may be none in a folder that was given, as
/// long as it holds recordings of another kind.
pub(crate) fn read<T: DeserializeOwned>(kind: Kind) -> Vec<File<T>> {
    let folder = given().unwrap_or_else(|| here().join("vectors/fluxgate"));
    let files = shaped(&folder);
    assert!(
        !files.is_empty(),
        "no recordings in {}: expected `*.jsonl` files with one recording a line",
        folder.display()
    );
    let wanted: Vec<_> = files
        .into_iter()
        .filter(|(of, ..)| *of == kind)
        .map(|(_, name, text)| File {
            lines: parse(&name, &text),
            name,
        })
        .collect();
    assert!(
        !wanted.is_empty() || !are_our_own(),
        "no recordings of the kind {kind:?} in {}",
        folder.display()
    );
    wanted
}

/// The folder that the environment names; a relative path starts at the root of
/// the workspace, where `cargo` is called.
fn given() -> Option<PathBuf> {
    let folder = env::var_os("FLUXGATE_VECTORS").filter(|folder| !folder.is_empty())?;
    Some(here().join("..").join(folder))
}

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files in a folder whose lines have the shape of their kind; and those in
/// its folder `fluxgate`, should what was given be the folder above.
fn shaped(folder: &Path) -> Vec<(Kind, String, String)> {
    let mut paths = list(folder);
    let inside = folder.join("fluxgate");
    if inside.is_dir() {
        paths.extend(list(&inside));
    }
    paths.retain(|path| path.extension().is_some_and(|ext| ext == "jsonl"));
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let kind = Kind::of(&name);
        let text = fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("can't read {}: {error}", path.display()));
        if text.lines().any(|line| has_shape(line, kind)) {
            files.push((kind, name, text));
        } else {
            println!("{name} holds no recordings of the kind {kind:?}: left out");
        }
    }
    files
}

fn list(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("can't read the folder {}: {error}", folder.display()));
    entries
        .map(|entry| entry.expect("an entry of the folder").path())
        .collect()
}

fn has_shape(line: &str, kind: Kind) -> bool {
    let value = serde_json::from_str::<Value>(line).unwrap_or_default();
    kind.members()
        .iter()
        .all(|member| value.get(member).is_some())
}

fn parse<T: DeserializeOwned>(name: &str, text: &str) -> Vec<(usize, T)> {
    let lines = text
        .lines()
        .zip(1..)
        .filter(|(line, _)| !line.trim().is_empty());
    lines
        .map(|(line, number)| match serde_json::from_str(line) {
            Ok(value) => (number, value),
            Err(error) => panic!("{name}:{number}: {error}"),
        })
        .collect()
}
