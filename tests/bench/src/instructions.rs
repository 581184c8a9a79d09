//! Instructions and allocations a call.

use std::{env, io, process::Command};

use crate::{
    peer::Batch,
    peers::{ours, throttle},
    suite::{Case, Entry, Role, Suite},
};

/// A call's, on the average.
#[derive(Clone, Copy, Debug)]
pub struct Counts {
    pub instructions: Option<f64>,
    pub allocations: f64,
}

/// The program's argument for being run under valgrind.
pub const COMMAND: &str = "batch";

/// Enough that the difference between N and 2 N calls is exact to a tenth.
const CALLS: u64 = 10_000;

/// Counts for every entry whose calls run on one thread; curves aside.
///
/// # Panics
///
/// Panics if a call through one of our breakers allocates, or a healthy one takes more
/// instructions with a throttle than without.
pub fn count(suite: &Suite) -> Vec<Option<Counts>> {
    let valgrind = Command::new("valgrind").arg("--version").output().is_ok();
    if !valgrind {
        eprintln!("no valgrind: instructions are not counted");
    }
    let counts = |(index, entry): (usize, &Entry)| {
        if entry.case.threads() > 1 || entry.case.is_growth() {
            return None;
        }
        let allocations = allocations(&(entry.prepare)());
        assert!(
            entry.subject.role != Role::Ours || allocations == 0.0,
            "a call must not allocate: {}, {}",
            entry.subject.name,
            entry.case.title()
        );
        let instructions = valgrind.then(|| instructions(index)).flatten();
        Some(Counts {
            instructions,
            allocations,
        })
    };
    let counted: Vec<_> = suite.entries.iter().enumerate().map(counts).collect();
    let healthy = |case, subject| {
        let entries = suite.entries.iter().zip(&counted);
        let mut of_it = entries.filter(|(it, _)| it.case == case && it.subject == subject);
        of_it
            .next()
            .and_then(|(_, counts)| (*counts)?.instructions)
            .map(f64::round)
    };
    assert_eq!(
        healthy(Case::Throttle, throttle::CALM),
        healthy(Case::Healthy, ours::SUBJECT),
        "a throttle must cost a healthy call nothing"
    );
    counted
}

fn allocations(batch: &Batch) -> f64 {
    // What is made once, at the first call.
    batch(1);
    let during = |calls| allocation_counter::measure(|| batch(calls)).count_total;
    (during(2 * CALLS) as f64 - during(CALLS) as f64) / CALLS as f64
}

/// Runs this program under callgrind twice, with N and with 2 N calls: what
/// happens before the first call cancels out.
fn instructions(index: usize) -> Option<f64> {
    let once = collected(index, CALLS).ok()??;
    let twice = collected(index, 2 * CALLS).ok()??;
    Some((twice - once) / CALLS as f64)
}

fn collected(index: usize, calls: u64) -> io::Result<Option<f64>> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe()?)
        .args([COMMAND, &index.to_string(), &calls.to_string()])
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Ok(said
        .lines()
        .find_map(|line| line.split_once("Collected :"))
        .and_then(|(_, count)| count.trim().parse().ok()))
}
