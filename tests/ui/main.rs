//! What a user sees when a macro refuses something: one fault a file.
//!
//! `fail` holds our own words, which are the same on every compiler. `rustc`
//! holds those of the compiler, with our part in them; they drift, so they are
//! compared on one release alone. `TRYBUILD=overwrite` writes what is seen now.

mod edition_2021;
mod features;

#[test]
fn our_own_words() {
    trybuild::TestCases::new().compile_fail("ui/fail/*.rs");
}

/// The release that the files in `ui/rustc` were written by.
const PINNED: &str = "rustc 1.95.";

#[test]
fn the_compilers_words() {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = std::process::Command::new(rustc)
        .arg("--version")
        .output()
        .expect("there is a compiler");
    let version = String::from_utf8_lossy(&version.stdout);
    let cases = trybuild::TestCases::new();
    if version.starts_with(PINNED) {
        cases.compile_fail("ui/rustc/*.rs");
    } else {
        println!("not compared: {version} is not {PINNED}");
    }
}

/// Where the component `rust-src` is installed the compiler quotes the standard
/// library, and else it names the file: neither is ours.
#[test]
fn goldens_show_nothing_of_std() {
    for folder in ["ui/fail", "ui/rustc"] {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let is_of_std = path.extension().is_some_and(|it| it == "stderr")
                && ["$RUST", "rustlib"]
                    .iter()
                    .any(|place| text.contains(place));
            assert!(!is_of_std, "{}:\n{text}", path.display());
        }
    }
}

#[test]
fn what_compiles() {
    trybuild::TestCases::new().pass("ui/pass/*.rs");
}
