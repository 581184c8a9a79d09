//! The results, written to `results/`.

mod bars;
mod lines;
mod number;
mod plot;
mod svg;
mod table;

use std::{fs, io, path::Path};

use self::lines::Lines;
use crate::{
    instructions::Counts,
    measure::Times,
    suite::{Case, Curve, Subject, Suite},
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

/// Writes `table.md` and `plot.svg`.
///
/// # Errors
///
/// Those of the file system.
pub fn write(results: &Results<'_>) -> io::Result<()> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("results");
    fs::create_dir_all(&directory)?;
    fs::write(directory.join("table.md"), table::render(results))?;
    fs::write(directory.join("plot.svg"), plot::render(results))?;
    println!("written: {}", directory.display());
    Ok(())
}
