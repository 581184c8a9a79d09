//! What a call through a breaker costs: ours, every peer's, and no breaker's.
//!
//! `fluxgate-bench [rounds]` measures everything and writes `results/`.

use std::{env, process::ExitCode};

use crate::{report::Results, suite::Suite};

mod allocations;
mod floors;
mod growth;
mod instructions;
mod measure;
mod memory;
mod pair;
mod peer;
mod peers;
mod report;
mod runtime;
mod service;
mod suite;

const ROUNDS: usize = 100;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match *arguments {
        [] => run(ROUNDS),
        [rounds] => rounds
            .parse()
            .map_err(|_| "usage: fluxgate-bench [rounds]".to_owned())
            .and_then(run),
        [instructions::COMMAND, index, calls] => batch(index, calls),
        _ => Err("usage: fluxgate-bench [rounds]".to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn suite() -> Suite {
    let mut suite = Suite::default();
    floors::add(&mut suite);
    peers::add(&mut suite);
    memory::add(&mut suite);
    growth::add(&mut suite);
    suite
}

fn run(rounds: usize) -> Result<(), String> {
    allocations::assert_none();
    let suite = suite();
    let times = measure::measure(&suite, rounds);
    let counts = instructions::count(&suite);
    let results = Results {
        suite: &suite,
        times: &times,
        counts: &counts,
        rounds,
    };
    report::write(&results).map_err(|error| error.to_string())
}

/// What callgrind watches: one entry, so many calls.
fn batch(index: &str, calls: &str) -> Result<(), String> {
    let index: usize = index.parse().map_err(|_| "no such entry".to_owned())?;
    let calls: u64 = calls.parse().map_err(|_| "no such number".to_owned())?;
    let suite = suite();
    let entry = suite.entries.get(index).ok_or("no such entry")?;
    (entry.prepare)()(calls);
    Ok(())
}
