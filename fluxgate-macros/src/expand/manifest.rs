//! The name of the runtime in `Cargo.toml`, where a dependency may be renamed:
//! `fg = { package = "fluxgate", … }`.
//!
//! What a line-by-line look does not find is no harm: `::fluxgate` stays, and
//! `crate = …` names another. So there is no parser for TOML to build.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// Returns the name of the dependency, if it is renamed in the crate that is compiled and
/// not also there under its own.
pub(super) fn renamed() -> Option<String> {
    let folder = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR")?);
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).ok()?;
    if let Some(name) = own(&manifest) {
        return name;
    }
    // `fg.workspace = true`: the workspace says what it is.
    let inherited = inherited(&manifest);
    folder
        .ancestors()
        .filter_map(workspace)
        .find_map(|manifest| {
            dependencies(&manifest)
                .into_iter()
                .find(|dependency| dependency.is_runtime && inherited.contains(&dependency.name))
        })
        .map(|dependency| dependency.name.replace('-', "_"))
}

/// Looks for it among the dependencies. `Some(None)` if it is there under its own name.
#[expect(clippy::option_option, reason = "unknown and not renamed differ")]
fn own(manifest: &str) -> Option<Option<String>> {
    let dependencies = dependencies(manifest);
    if dependencies.iter().any(|it| it.name == "fluxgate") {
        return Some(None);
    }
    let renamed = dependencies.into_iter().find(|it| it.is_runtime)?;
    Some(Some(renamed.name.replace('-', "_")))
}

fn inherited(manifest: &str) -> Vec<String> {
    dependencies(manifest)
        .into_iter()
        .map(|it| it.name)
        .collect()
}

fn workspace(folder: &Path) -> Option<String> {
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).ok()?;
    manifest.contains("[workspace").then_some(manifest)
}

struct ManifestDependency {
    name: String,
    is_runtime: bool,
}

/// Collects the entries of every table of dependencies.
fn dependencies(manifest: &str) -> Vec<ManifestDependency> {
    let mut found: Vec<ManifestDependency> = Vec::new();
    let mut add = |name: &str, is_runtime: bool| {
        let name = name.trim().trim_matches(['"', '\'']);
        match found.iter_mut().find(|known| known.name == name) {
            Some(known) => known.is_runtime |= is_runtime,
            None => found.push(ManifestDependency {
                name: name.to_owned(),
                is_runtime,
            }),
        }
    };
    let mut table = TableHeader::Other;
    for line in manifest.lines() {
        let line = line.trim();
        if line.starts_with('[') {
            table = TableHeader::of(line);
            if let TableHeader::One(name) = &table {
                add(name, false);
            }
            continue;
        }
        let Some((key, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) else {
            continue;
        };
        match &table {
            TableHeader::One(name) => {
                let is_package = key.trim() == "package";
                add(name, is_package && is_ours(value));
            }
            TableHeader::All => match key.split_once('.') {
                Some((name, field)) => add(name, field.trim() == "package" && is_ours(value)),
                None => add(key, package(value).is_some_and(is_ours)),
            },
            TableHeader::Other => {}
        }
    }
    found
}

/// Returns what follows `package =` in `{ package = "fluxgate", … }`.
fn package(value: &str) -> Option<&str> {
    let (_, after) = value.split_once("package")?;
    after.trim_start().strip_prefix('=')
}

fn is_ours(value: &str) -> bool {
    let value = value.trim_start();
    ["\"fluxgate\"", "'fluxgate'"]
        .iter()
        .any(|name| value.starts_with(name))
}

enum TableHeader<'a> {
    /// `[dependencies]`: each key is one.
    All,
    /// `[dependencies.fg]`.
    One(&'a str),
    Other,
}

impl<'a> TableHeader<'a> {
    fn of(line: &'a str) -> Self {
        let Some((path, _)) = line.trim_start_matches('[').split_once(']') else {
            return Self::Other;
        };
        let path = path.trim();
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            if path == kind || path.ends_with(&format!(".{kind}")) {
                return Self::All;
            }
            let start = format!("{kind}.");
            let is_whole = |at: usize| at == 0 || path.as_bytes()[at - 1] == b'.';
            if let Some(at) = path.rfind(&start).filter(|at| is_whole(*at)) {
                return Self::One(&path[at + start.len()..]);
            }
        }
        Self::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    #[allow(
        clippy::option_option,
        reason = "no dependency, one without a rename, a renamed one"
    )]
    fn is(manifest: &str, name: Option<Option<&str>>) {
        assert_eq!(
            own(manifest),
            name.map(|name| name.map(str::to_owned)),
            "{manifest}"
        );
    }

    #[test]
    fn a_renamed_dependency_is_found() {
        for manifest in [
            "[dependencies]\nfg = { package = \"fluxgate\", version = \"0.1\" }",
            "[dependencies]\nserde = \"1\"\nfg = {version=\"0.1\", package='fluxgate'}",
            "[dependencies.fg]\nversion = \"0.1\"\npackage = \"fluxgate\" # renamed",
            "[dependencies]\nfg.version = \"0.1\"\nfg.package = \"fluxgate\"",
            "[target.'cfg(unix)'.dependencies]\nfg = { package = \"fluxgate\" }",
            "[dev-dependencies.fg]\npackage = \"fluxgate\"",
        ] {
            is(manifest, Some(Some("fg")));
        }
        is(
            "[dependencies]\nmy-gate = { package = \"fluxgate\" }",
            Some(Some("my_gate")),
        );
    }

    #[test]
    fn its_own_name_comes_first() {
        is("[dependencies]\nfluxgate = \"0.1\"", Some(None));
        is("[dependencies]\nfluxgate.workspace = true", Some(None));
        is("[dependencies.fluxgate]\npath = \"..\"", Some(None));
        is(
            "[dependencies]\nfluxgate = \"0.1\"\nold = { package = \"fluxgate\" }",
            Some(None),
        );
    }

    #[test]
    fn nothing_else_is_taken_for_it() {
        is("[package]\nname = \"fluxgate\"", None);
        is("[dependencies]\nfg.workspace = true", None);
        is("[dependencies]\n# fg = { package = \"fluxgate\" }", None);
        is(
            "[dependencies]\nfg = { package = \"fluxgate-macros\" }",
            None,
        );
        is("[features]\nfg = [\"package\"]", None);
    }
}
