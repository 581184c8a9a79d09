//! A crate of edition 2021 that renames its dependency, in a folder with a space.
//! It denies what is read in another way by later editions: what is generated must
//! not depend on it.

use std::{env, fs, path::Path, process::Command};

use crate::features::put;

const SOURCE: &str = include_str!("edition_2021/lib.rs");

#[test]
fn renamed_crate_of_2021_sets_off_no_lint() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("edition 2021");
    fs::create_dir_all(folder.join("src")).unwrap();
    put(&folder.join("src/lib.rs"), SOURCE);
    put(
        &folder.join("Cargo.toml"),
        &format!(
            "[package]\nname = \"edition_2021\"\nedition = \"2021\"\n\n[workspace]\n\n\
             [dependencies.fg]\npackage = \"fluxgate\"\npath = {:?}\nfeatures = [\"keyed\"]\n",
            here.join("../fluxgate")
        ),
    );
    let lock = fs::read_to_string(here.join("../Cargo.lock")).unwrap();
    if !folder.join("Cargo.lock").exists() {
        put(&folder.join("Cargo.lock"), &lock);
    }
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let run = |command: &str| {
        Command::new(&cargo)
            .args([
                command,
                "--offline",
                "--color=never",
                "--target-dir",
                "target",
            ])
            .current_dir(&folder)
            .output()
            .expect("cargo runs")
    };
    // Clippy is a component that need not be there.
    let version = Command::new(&cargo).args(["clippy", "--version"]).output();
    let has_clippy = version.is_ok_and(|output| output.status.success());
    let output = run(if has_clippy { "clippy" } else { "check" });
    let seen = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{seen}");
    assert!(!seen.contains("warning:"), "{seen}");
}
