//! The part of the README that comes from here.

use std::{fs, io, path::Path};

use super::{Results, table};

const BEGIN: &str = "<!-- measured: written by the benchmark -->\n";
const END: &str = "<!-- /measured -->";

/// Puts the overview between the two marks.
pub fn update(readme: &Path, results: &Results<'_>) -> io::Result<()> {
    let text = fs::read_to_string(readme)?;
    let parts = text.split_once(BEGIN).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(END)?;
        Some((before, after))
    });
    let Some((before, after)) = parts else {
        return Err(io::Error::other("the README has no place for the results"));
    };
    let summary = table::summary(results);
    fs::write(readme, format!("{before}{BEGIN}\n{summary}\n{END}{after}"))
}
