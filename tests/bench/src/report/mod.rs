//! The results, written to `results/`.

mod aims;
mod bars;
mod lines;
mod number;
mod plot;
mod readme;
mod svg;
mod table;

use std::{fs, io, path::Path, process::Command};

use self::lines::Lines;
use crate::{
    instructions::Counts,
    measure::Times,
    suite::{Case, Curve, Role, Subject, Suite},
};

/// All that was measured, in the order of the suite's entries.
pub struct Results<'a> {
    pub suite: &'a Suite,
    pub times: &'a [Times],
    /// `None` without valgrind, and for entries that share a breaker.
    pub counts: &'a [Option<Counts>],
    pub rounds: usize,
}

impl Results<'_> {
    /// The subjects of a case.
    fn of(&self, case: Case) -> impl Iterator<Item = (Subject, Times)> {
        let entries = self.suite.entries.iter().zip(self.times);
        entries
            .filter(move |(entry, _)| entry.case == case)
            .map(|(entry, times)| (entry.subject, *times))
    }

    fn find(&self, case: Case, subject: Subject) -> Option<Times> {
        let mut of_case = self.of(case);
        of_case.find_map(|(other, times)| (other == subject).then_some(times))
    }

    fn counts(&self, case: Case, wanted: impl Fn(Subject) -> bool) -> Option<Counts> {
        let entries = self.suite.entries.iter().zip(self.counts);
        let mut of_case = entries.filter(|(entry, _)| entry.case == case);
        let found = of_case.find(|(entry, _)| wanted(entry.subject));
        found.and_then(|(_, counts)| *counts)
    }

    /// Instructions a call, beyond the same loop without a breaker.
    fn instructions(&self, case: Case, subject: Subject) -> Option<f64> {
        let floor = self.counts(case, |other| other.role == Role::Floor)?;
        let counts = self.counts(case, |other| other == subject)?;
        Some((counts.instructions? - floor.instructions?).round())
    }

    /// The points of a curve, by subject.
    fn curve(&self, wanted: Curve) -> Lines {
        let mut lines = Lines::new();
        for (entry, times) in self.suite.entries.iter().zip(self.times) {
            let Case::Growth(curve, at) = entry.case else {
                continue;
            };
            if curve != wanted {
                continue;
            }
            match lines
                .iter_mut()
                .find(|(subject, _)| *subject == entry.subject)
            {
                Some((_, points)) => points.push((at, *times)),
                None => lines.push((entry.subject, vec![(at, *times)])),
            }
        }
        lines
    }
}

/// Writes `table.md` and `plot.svg`, and the summary in the README.
///
/// # Errors
///
/// Those of the file system.
pub fn write(results: &Results<'_>) -> io::Result<()> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let directory = package.join("results");
    fs::create_dir_all(&directory)?;
    fs::write(directory.join("plot.svg"), plot::render(results))?;
    let aims = aims::render(results);
    let mut table = table::render(results, &aims);
    table.push_str(&build_times(package));
    fs::write(directory.join("table.md"), table)?;
    readme::update(&package.join("../../README.md"), results)?;
    println!("written: {}", directory.display());
    Ok(())
}

/// Returns what the scripts about building say; nothing of one that can't run.
fn build_times(package: &Path) -> String {
    let mut text = String::new();
    for script in ["build-times.sh", "annotated-functions.py"] {
        let output = Command::new(package.join(script)).output();
        let output = output.ok().filter(|output| output.status.success());
        match output.and_then(|output| String::from_utf8(output.stdout).ok()) {
            Some(rows) if text.is_empty() => text = format!("### Building\n\n{rows}"),
            Some(rows) => text.push_str(&format!("\n{rows}")),
            None => eprintln!("{script} failed: its figures are left out"),
        }
    }
    text
}
