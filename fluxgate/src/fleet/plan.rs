//! How often a quorum is reached by chance.

use std::{fmt, time::Duration};

use super::Quorum;

/// How often a fleet would open by chance, for several quorums; made by [`plan`].
///
/// Displayed, it is a table in Markdown.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Plan {
    /// The instances that use the breaker, the calls a second of each, and the share of
    /// them that fails while nothing is wrong.
    pub members: u64,
    /// Calls a second of one instance.
    pub rate: f64,
    /// The share of calls that fails while nothing is wrong.
    pub errors: f64,
    /// Each quorum, with its openings a year.
    pub rows: Vec<(Quorum, f64)>,
}

const YEAR: f64 = 365.25 * 86_400.0;

/// Computes how often a fleet would open by chance: each of `members` instances makes
/// `rate` calls a second, of which a share of `errors` fails, independently of all others,
/// and suspects its dependency at two failures in a row.
///
/// ```
/// use fluxgate::fleet::{Quorum, plan};
///
/// let plan = plan(1000, 1.0, 0.01);
/// // Three of a thousand are found among them every two minutes,
/// assert!(plan.openings(Quorum::share(0.003)) > 200_000.0);
/// // fifty never.
/// assert!(plan.openings(Quorum::share(0.05)) < 1e-9);
/// println!("{plan}");
/// ```
#[must_use]
pub fn plan(members: u64, rate: f64, errors: f64) -> Plan {
    let mut plan = Plan {
        members,
        rate,
        errors,
        rows: Vec::new(),
    };
    for share in [0.000_001, 0.003, 0.01, 0.02, 0.05, 0.1, 0.2] {
        let quorum = Quorum::share(share);
        if plan
            .rows
            .iter()
            .all(|(other, _)| other.of(members) != quorum.of(members))
        {
            plan.rows.push((quorum, plan.openings(quorum)));
        }
    }
    plan
}

impl Plan {
    /// Returns how often a year this quorum is reached by chance. Openings keep the circuit
    /// from opening again for a while, which is left out: a number above a million means
    /// that it is open most of the time, and infinity that the quorum is always there.
    #[must_use]
    pub fn openings(&self, quorum: Quorum) -> f64 {
        let errors = self.errors.clamp(0.0, 1.0);
        // A second failure in a row, after a success.
        let suspicions = self.rate.max(0.0) * errors * errors * (1.0 - errors);
        let members = self.members as f64;
        let needed = quorum.of(self.members);
        if needed > self.members {
            return 0.0;
        }
        let within = quorum.window().as_secs_f64();
        // The votes in force are nearly a Poisson distribution; the last vote needed comes
        // to one fewer.
        let mean = members * (1.0 - (-suspicions * within).exp());
        if mean >= needed as f64 {
            // So many suspect the dependency at any time.
            return f64::INFINITY;
        }
        let others = needed - 1;
        let mut ln = -mean;
        for n in 1..=others {
            ln += (mean / n as f64).ln();
        }
        members * suspicions * ln.exp() * YEAR
    }
}

/// An expected number of times in a year, in words.
struct Times(f64);

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let times = self.0;
        if times > 1e6 {
            f.write_str("all the time")
        } else if times >= 1.0 {
            // Two digits say enough.
            let unit = 10_f64.powf((times.log10().floor() - 1.0).max(0.0));
            write!(f, "{:.0}", (times / unit).round() * unit)
        } else if times > 1e-3 {
            write!(f, "once in {:.0} years", 1.0 / times)
        } else {
            f.write_str("never")
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            members,
            rate,
            errors,
            rows,
        } = self;
        writeln!(
            f,
            "{members} instances × {rate} calls/s, {} % errors\n\n| quorum | within | false openings a year |\n|--:|--:|--:|",
            errors * 100.0
        )?;
        for (quorum, openings) in rows {
            let within: Duration = quorum.window();
            writeln!(
                f,
                "| {} | {within:?} | {} |",
                quorum.of(*members),
                Times(*openings)
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(members: u64, rate: f64, errors: f64, share: f64) -> String {
        Times(plan(members, rate, errors).openings(Quorum::share(share))).to_string()
    }

    #[test]
    fn chance_is_as_the_manual_says() {
        assert_eq!(times(1000, 1.0, 0.01, 0.003), "230000");
        assert_eq!(times(1000, 1.0, 0.01, 0.05), "never");
        assert_eq!(times(1000, 1.0, 0.1, 0.05), "all the time");
        assert_eq!(times(1000, 1.0, 0.1, 0.2), "never");
        assert_eq!(times(1, 1.0, 0.1, 0.2), "never", "one alone is no quorum");
        assert_eq!(times(1000, 0.0, 0.5, 0.2), "never");
    }

    #[test]
    fn plan_is_a_table() {
        let text = plan(1000, 1.0, 0.01).to_string();
        assert!(text.contains("| 3 | 5s | 230000 |"), "{text}");
        assert!(text.contains("| 50 | 5s | never |"), "{text}");
        // Of three, all quorums are two.
        assert_eq!(plan(3, 1.0, 0.01).rows.len(), 1);
    }

    /// Against a count of draws.
    #[test]
    fn chance_agrees_with_a_trial() {
        use crate::random::{Random, Seeded};

        let (members, rate, errors) = (20, 2.0, 0.1);
        let quorum = Quorum::share(0.1).at_least(3);
        let mut random = Seeded::new(5);
        let mut streaks = vec![0; members];
        let mut votes: Vec<(f64, usize)> = Vec::new();
        let (mut now, mut openings) = (0.0, 0);
        while now < 200_000.0 {
            now -= (1.0 - random.next_f64()).ln() / (rate * members as f64);
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "small"
            )]
            let member = (random.next_f64() * members as f64) as usize;
            if random.next_f64() >= errors {
                streaks[member] = 0;
                continue;
            }
            streaks[member] += 1;
            if streaks[member] == 2 {
                votes.retain(|(at, voter)| now - at < 5.0 && *voter != member);
                votes.push((now, member));
                openings += u32::from(votes.len() == 3);
            }
        }
        let found = f64::from(openings) * YEAR / now;
        let expected = plan(members as u64, rate, errors).openings(quorum);
        assert!((found / expected - 1.0).abs() < 0.1, "{found} {expected}");
    }
}
