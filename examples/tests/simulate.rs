//! The program `simulate`: what it prints, refuses and writes.

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    process::{Output, Stdio},
};

use crate::example;

/// A folder of its own, gone with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("fluxgate-simulate-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn file(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let path = self.0.join(name);
        fs::write(&path, text).expect("written");
        path.display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn simulate(arguments: &[&str]) -> Output {
    let output = example("simulate").args(arguments).output();
    output.expect("simulate runs")
}

fn printed(arguments: &[&str]) -> String {
    let output = simulate(arguments);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {error}");
    assert_eq!(error, "", "no bar where there is no terminal");
    String::from_utf8(output.stdout).expect("text")
}

fn refused(arguments: &[&str]) -> String {
    let output = simulate(arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    assert!(output.stdout.is_empty());
    let error = String::from_utf8(output.stderr).expect("text");
    assert!(!error.contains("panicked"), "{error}");
    error
}

fn kept(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("simulate");
    folder.join(name).display().to_string()
}

#[test]
fn policies_are_compared_and_drawn() {
    let folder = Folder::new("drawn");
    let svg = folder.file("out.svg", "");
    let (policies, outage) = (kept("policies.toml"), kept("outage.toml"));
    let files = ["--policy", &policies, "--scenario", &outage];
    let table = printed(&[&files[..], &["--compare", "--svg", &svg]].concat());
    assert!(
        table.contains("now") && table.contains("candidate"),
        "{table}"
    );
    assert!(table.contains("throttled"), "{table}");
    let drawn = fs::read_to_string(&svg).expect("written");
    assert!(drawn.starts_with("<svg") && drawn.ends_with("</svg>\n"));
    // Without a colour: for shapes alone tell what is what.
    let one = printed(&files);
    assert!(one.starts_with("now\n") && !one.contains('\u{1b}'), "{one}");
    assert!(one.lines().all(|line| line.chars().count() <= 110), "{one}");
}

#[test]
fn throttle_is_tried() {
    let table = printed(&["--policy", &kept("policies.toml"), "--compare", "overload"]);
    let throttled = table.lines().find(|line| line.contains("| throttled"));
    let cells: Vec<&str> = throttled
        .expect("a row")
        .split('|')
        .map(str::trim)
        .collect();
    assert_eq!(cells[2..4], ["0", "0"], "{table}");
    assert!(
        cells[4].parse::<u64>().expect("a number") > 10_000,
        "{table}"
    );
    assert!(printed(&["error-spike"]).starts_with("the default policy\n"));
}

#[test]
fn trace_is_replayed_by_each_policy() {
    let folder = Folder::new("trace");
    let line = |at: u32, outcome: &str| format!("{at},0.1,{outcome}\n");
    let good = (0..50).map(|at| line(at, "success"));
    let bad = (50..90).map(|at| line(at, "failure"));
    let lines: String = good.chain(bad).collect();
    let trace = folder.file("calls.csv", format!("at,took,outcome\n{lines}"));
    let text = printed(&["--policy", &kept("policies.toml"), "--trace", &trace]);
    assert!(
        text.contains("now\nanswered ") && text.contains("candidate\nanswered "),
        "{text}"
    );
}

#[test]
fn bad_settings_name_their_file_and_policy() {
    let folder = Folder::new("settings");
    let text = "[[policy]]\nname = \"fine\"\n\n[[policy]]\nname = \"odd\"\nclose_after = 0\n";
    let policies = folder.file("odd.toml", text);
    for arguments in [
        &["--policy", &policies, "--compare", "error-spike"][..],
        &[
            "--policy",
            &policies,
            "--trace",
            &folder.file("none.jsonl", ""),
        ],
    ] {
        let error = refused(arguments);
        assert!(error.contains("odd.toml: policy `odd`: "), "{error}");
        assert!(!error.contains("'simulated'"), "{error}");
    }
}

#[test]
fn bad_files_name_the_line() {
    let folder = Folder::new("files");
    let phase = "calls_per_second = 10\n[[phase]]\n";
    for (name, text, expected) in [
        (
            "a.toml",
            format!("{phase}seconds = -1"),
            "line 3, column 11",
        ),
        (
            "b.toml",
            format!("{phase}seconds = nan"),
            "expected seconds from 0.001",
        ),
        (
            "c.toml",
            format!("{phase}seconds = 1e300"),
            "expected seconds from 0.001",
        ),
        (
            "d.toml",
            format!("{phase}second = 1"),
            "unknown field `second`",
        ),
        (
            "e.toml",
            "calls_per_second = 1\nphase = []".to_owned(),
            "expected at least one `[[phase]]`",
        ),
        ("f.toml", "x".repeat(2 << 20), "more than 1048576 bytes"),
        ("g.toml", "[".repeat(10_000), "line 1"),
    ] {
        let error = refused(&["--scenario", &folder.file(name, text)]);
        assert!(error.contains(name) && error.contains(expected), "{error}");
    }
    let named = folder.file("n.toml", "[[policy]]\nname = \"a\\u001b[2J\"\n");
    let error = refused(&["--policy", &named, "error-spike"]);
    assert!(error.contains("has control characters"), "{error}");
    let latin = folder.file("latin.toml", [0xE4, 0xFF]);
    assert!(refused(&["--scenario", &latin]).contains("latin.toml: "));
    let missing = folder.0.join("missing.jsonl").display().to_string();
    assert!(refused(&["--trace", &missing]).contains("missing.jsonl: "));
    let trace = folder.file(
        "t.jsonl",
        "{\"at\": 0, \"took\": -1, \"outcome\": \"success\"}",
    );
    assert!(refused(&["--trace", &trace]).contains("t.jsonl, line 1, column 20: `took` is -1"));
    assert!(refused(&["sudden-outrage"]).contains("the ready ones are sudden-outage, "));
    let nowhere = folder.0.join("no/such/folder.svg").display().to_string();
    assert!(refused(&["error-spike", "--svg", &nowhere]).contains("folder.svg: "));
}

#[test]
fn closed_pipe_ends_it_quietly() {
    let mut child = example("simulate")
        .args(["error-spike"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("simulate runs");
    drop(child.stdout.take());
    let mut error = String::new();
    let mut stderr = child.stderr.take().expect("a pipe");
    stderr.read_to_string(&mut error).expect("text");
    assert!(child.wait().expect("it ends").success(), "{error}");
    assert_eq!(error, "");
}

#[test]
fn nine_pictures_and_a_page_are_written() {
    let folder = Folder::new("all");
    let out = folder.0.display().to_string();
    assert_eq!(printed(&["--all", "--out", &out]), "");
    let page = fs::read_to_string(folder.0.join("index.html")).expect("a page");
    for name in fluxgate::sim::Scenario::READY {
        assert!(page.contains(&format!("src=\"{name}.svg\"")), "{page}");
        let picture = fs::read_to_string(folder.0.join(format!("{name}.svg")));
        assert!(picture.expect("a picture").ends_with("</svg>\n"));
    }
}
