//! Finds the recordings.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// The files with this ending in the folder `ours` of `tests/vectors`, or, if
/// the environment variable `FLUXGATE_VECTORS` names a folder, in that folder
/// and its folder of the same name; with their names. A folder that was given
/// may have none, as long as it has recordings of any kind.
pub(crate) fn read(ours: &str, ending: &str) -> Vec<(String, String)> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let given = env::var_os("FLUXGATE_VECTORS").filter(|folder| !folder.is_empty());
    let is_given = given.is_some();
    let mut files = match given {
        Some(folder) => {
            let folder = here.join("..").join(folder);
            assert!(
                ["", "fluxgate", "slack-proxy"]
                    .iter()
                    .flat_map(|inside| list(&folder.join(inside)))
                    .any(|path| ends_with(&path, &["json", "jsonl"])),
                "no recordings in {}",
                folder.display()
            );
            let mut files = list(&folder);
            files.extend(list(&folder.join(ours)));
            files
        }
        None => list(&here.join("vectors").join(ours)),
    };
    files.retain(|path| ends_with(path, &[ending]));
    files.sort();
    assert!(is_given || !files.is_empty(), "no recordings in {ours}");
    files
        .into_iter()
        .map(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            (name.into_owned(), fs::read_to_string(&path).unwrap())
        })
        .collect()
}

fn list(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    entries.map(|entry| entry.unwrap().path()).collect()
}

fn ends_with(path: &Path, endings: &[&str]) -> bool {
    let ending = path.extension().unwrap_or_default();
    endings.iter().any(|one| ending == *one)
}
