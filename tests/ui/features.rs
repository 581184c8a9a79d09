//! What a user without a feature sees. The tests have all of them, so this is a
//! crate of its own.

use std::{env, fs, path::Path, process::Command};

const SOURCE: &str = r#"use fluxgate::circuit_breaker;

#[circuit_breaker(listeners = [LogListener])]
pub fn logs() -> std::io::Result<u32> {
    Ok(1)
}

#[circuit_breaker(listeners = [PrometheusListener])]
pub fn counts() -> std::io::Result<u32> {
    Ok(1)
}

#[circuit_breaker(listeners = [SlackListener(channel = "C1", token = env("TOKEN"))])]
pub fn posts() -> std::io::Result<u32> {
    Ok(1)
}

#[circuit_breaker(listeners = [MetricsListener])]
pub fn publishes() -> std::io::Result<u32> {
    Ok(1)
}

#[circuit_breaker(listeners = [OpenTelemetryListener])]
pub fn observes() -> std::io::Result<u32> {
    Ok(1)
}

#[circuit_breaker(key = tenant, handle = breakers)]
pub fn has_keys(tenant: &str) -> std::io::Result<usize> {
    Ok(tenant.len())
}

fluxgate::breaker! { pub static TENANTS = { key_type = String }; }
"#;

/// Another run of the tests may read the file at the same time: it is replaced as a
/// whole, and left alone if it says the same.
pub(crate) fn put(path: &Path, text: &str) {
    if fs::read_to_string(path).is_ok_and(|found| found == text) {
        return;
    }
    let part = path.with_extension(format!("{}.part", std::process::id()));
    fs::write(&part, text).unwrap();
    fs::rename(&part, path).unwrap();
}

#[test]
fn what_needs_a_feature_names_it() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("without-features");
    fs::create_dir_all(folder.join("src")).unwrap();
    put(&folder.join("src/lib.rs"), SOURCE);
    put(
        &folder.join("Cargo.toml"),
        &format!(
            "[package]\nname = \"without-features\"\nedition = \"2024\"\n\n[workspace]\n\n\
             [dependencies.fluxgate]\npath = {:?}\ndefault-features = false\n\
             features = [\"macros\"]\n",
            here.join("../fluxgate")
        ),
    );
    // The versions that are at hand.
    let lock = fs::read_to_string(here.join("../Cargo.lock")).unwrap();
    if !folder.join("Cargo.lock").exists() {
        put(&folder.join("Cargo.lock"), &lock);
    }

    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args([
            "check",
            "--offline",
            "--color=never",
            "--message-format=short",
            "--target-dir",
            "target",
        ])
        .current_dir(&folder)
        .output()
        .expect("cargo runs");
    let seen = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{seen}");
    for (what, feature, place) in [
        ("LogListener", "tracing", "src/lib.rs:3:32"),
        ("PrometheusListener", "prometheus", "src/lib.rs:8:32"),
        ("SlackListener", "slack", "src/lib.rs:13:32"),
        ("MetricsListener", "metrics", "src/lib.rs:18:32"),
        ("OpenTelemetryListener", "opentelemetry", "src/lib.rs:23:32"),
        ("key", "keyed", "src/lib.rs:28:19"),
        ("key_type", "keyed", "src/lib.rs:33:45"),
    ] {
        let error = format!(
            "{place}: error: `{what}` needs the feature `{feature}` of `fluxgate`: add it in \
             Cargo.toml, as in `fluxgate = {{ …, features = [\"{feature}\"] }}`\n"
        );
        assert_eq!(seen.matches(&error).count(), 1, "{error}{seen}");
    }
    assert!(seen.contains("due to 7 previous errors"), "{seen}");
}
