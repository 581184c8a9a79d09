//! Several policies under one scenario, side by side.

use std::fmt;

use super::{Policy, Run, Scenario, axis, text};
use crate::ConfigError;

/// The runs of several policies under one scenario.
///
/// Displayed, it is a table of figures with one column for each policy, in Markdown.
#[derive(Clone, Debug)]
pub struct Comparison {
    runs: Vec<(String, Run)>,
}

impl Scenario {
    /// Runs the scenario once for each policy, with the same seed.
    ///
    /// # Panics
    ///
    /// If a setting of a policy is out of range; [`try_compare`](Self::try_compare)
    /// returns that.
    #[must_use]
    pub fn compare<'a>(
        &self,
        policies: impl IntoIterator<Item = (&'a str, &'a dyn Policy)>,
    ) -> Comparison {
        self.try_compare(policies)
            .unwrap_or_else(|error| panic!("a policy can't be simulated: {error}"))
    }

    /// Runs the scenario once for each policy, with the same seed.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] of the first policy with a setting that is out of range.
    pub fn try_compare<'a>(
        &self,
        policies: impl IntoIterator<Item = (&'a str, &'a dyn Policy)>,
    ) -> Result<Comparison, ConfigError> {
        let runs = policies
            .into_iter()
            .map(|(name, policy)| Ok((name.to_owned(), self.try_run(policy)?)))
            .collect::<Result<_, ConfigError>>()?;
        Ok(Comparison { runs })
    }
}

/// Collects runs that were made one by one, each with the name of its policy.
impl<N: Into<String>> FromIterator<(N, Run)> for Comparison {
    fn from_iter<I: IntoIterator<Item = (N, Run)>>(runs: I) -> Self {
        let runs = runs.into_iter().map(|(name, run)| (name.into(), run));
        Self {
            runs: runs.collect(),
        }
    }
}

impl Comparison {
    /// Returns the runs with the names of their policies.
    #[must_use]
    pub fn runs(&self) -> &[(String, Run)] {
        &self.runs
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = |time: Option<std::time::Duration>| time.map_or("–".to_owned(), axis::short);
        #[allow(
            clippy::type_complexity,
            reason = "a label, and how its figure is read"
        )]
        let rows: [(&str, &dyn Fn(&Run) -> String); 11] = [
            ("opened after", &|run| time(run.opened_after())),
            ("closed after", &|run| time(run.closed_after())),
            ("answered a second", &|run| format!("{:.1}", run.goodput())),
            ("reached it while it was down", &|run| {
                run.reached_while_down().to_string()
            }),
            ("failed", &|run| run.total().failed.to_string()),
            ("overloaded", &|run| run.total().overloaded.to_string()),
            ("refused", &|run| run.total().refused.to_string()),
            ("throttled", &|run| run.total().throttled.to_string()),
            ("refused wrongly", &|run| run.wrongly_refused().to_string()),
            ("openings", &|run| run.total().openings.to_string()),
            ("time open", &|run| {
                format!("{:.1} %", 100.0 * run.open_share())
            }),
        ];
        let cells: Vec<Vec<String>> = std::iter::once(
            std::iter::once(String::new())
                .chain(self.runs.iter().map(|(name, _)| text::cell(name)))
                .collect(),
        )
        .chain(rows.iter().map(|(label, value)| {
            std::iter::once((*label).to_owned())
                .chain(self.runs.iter().map(|(_, run)| value(run)))
                .collect()
        }))
        .collect();
        let widths: Vec<usize> = (0..=self.runs.len())
            .map(|column| {
                let widths = cells.iter().map(|row| row[column].chars().count());
                widths.max().unwrap_or(0).max(3)
            })
            .collect();
        for (number, row) in cells.iter().enumerate() {
            for (place, (cell, width)) in row.iter().zip(&widths).enumerate() {
                if place == 0 {
                    write!(f, "| {cell:width$} |")?;
                } else {
                    write!(f, " {cell:>width$} |")?;
                }
            }
            writeln!(f)?;
            if number == 0 {
                for (place, width) in widths.iter().enumerate() {
                    let line = "-".repeat(*width);
                    if place == 0 {
                        write!(f, "| {line} |")?;
                    } else {
                        write!(f, " {}: |", &line[1..])?;
                    }
                }
                writeln!(f)?;
            }
        }
        Ok(())
    }
}
