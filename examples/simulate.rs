//! Tries policies before production does.
//!
//! ```text
//! cargo run --example simulate -- sudden-outage
//! cargo run --example simulate -- --policy policies.toml --scenario outage.toml --svg out.svg
//! cargo run --example simulate -- --policy policies.toml --compare slow-burn
//! cargo run --example simulate -- --policy policies.toml --trace incident.jsonl
//! cargo run --example simulate -- --all --out pictures
//! cargo run --release --example simulate -- --fleet
//! ```
//!
//! `examples/simulate/` has a file of policies and one of a scenario.

#[path = "simulate/files.rs"]
mod files;
#[path = "simulate/fleet.rs"]
mod fleet;
#[path = "simulate/page.rs"]
mod page;
#[path = "simulate/progress.rs"]
mod progress;

use std::{
    error::Error,
    fmt::Write as _,
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Parser;
use fluxgate::{
    Builder, ConfigError,
    sim::{Comparison, Run, Scenario, Trace},
};

use crate::{files::NamedPolicy, progress::Progress};

#[derive(Parser)]
#[command(name = "simulate", about = "Tries policies of circuit breakers")]
struct Options {
    /// The name of a ready scenario, such as `sudden-outage`.
    name: Option<String>,
    /// A TOML file of policies. Without one, the default policy is tried.
    #[arg(long)]
    policy: Option<PathBuf>,
    /// A TOML file that tells a scenario.
    #[arg(long, conflicts_with_all = ["name", "trace", "all"])]
    scenario: Option<PathBuf>,
    /// Recorded calls to replay: JSONL, or CSV if its name ends so.
    #[arg(long, conflicts_with_all = ["name", "all", "compare"])]
    trace: Option<PathBuf>,
    /// Prints a table with a column for each policy.
    #[arg(long, conflicts_with = "all")]
    compare: bool,
    /// Writes the picture of the first policy here.
    #[arg(long, conflicts_with = "all")]
    svg: Option<PathBuf>,
    /// Prints what an outage costs fleets of several sizes, alone and together.
    #[arg(long, conflicts_with_all = ["name", "policy", "scenario", "trace", "all", "compare", "svg"])]
    fleet: bool,
    /// Runs the nine ready scenarios by the first policy; needs `--out`.
    #[arg(long, requires = "out", conflicts_with = "name")]
    all: bool,
    /// The folder for nine pictures and a page.
    #[arg(long, requires = "all")]
    out: Option<PathBuf>,
}

type Failure = Box<dyn Error>;

fn main() -> ExitCode {
    let done = run(&Options::parse()).and_then(|text| {
        let mut stdout = io::stdout().lock();
        stdout.write_all(text.as_bytes())?;
        Ok(stdout.flush()?)
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // The reader has seen enough: `simulate … | head`.
        Err(error) if is_broken_pipe(&*error) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "simulate: {error}");
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Returns what is to be printed.
fn run(options: &Options) -> Result<String, Failure> {
    if options.fleet {
        return Ok(fleet::table());
    }
    let policies = match &options.policy {
        Some(path) => files::policies(path)?,
        None => vec![NamedPolicy::usual()],
    };
    let first = policies.first().ok_or("no policy")?;
    if let (true, Some(out)) = (options.all, &options.out) {
        page::write_all(out, |scenario, watch| {
            simulated(options, scenario, first, watch)
        })?;
        return Ok(String::new());
    }
    let mut progress = Progress::new();
    if let Some(path) = &options.trace {
        let trace = Trace::read(path)?;
        let mut text = String::new();
        for (number, policy) in policies.iter().enumerate() {
            let replay = trace.try_run_watched(
                |it: Builder| policy.apply(it),
                |share| progress.show(share, &policy.name),
            );
            let replay = replay.map_err(|error| named(options, policy, &error))?;
            let _ = writeln!(
                text,
                "{}\n{replay}\n\n{}",
                policy.name,
                replay.run().terminal(80)
            );
            if number == 0 {
                picture(options, replay.run())?;
            }
        }
        return Ok(text);
    }
    let scenario = match (&options.scenario, &options.name) {
        (Some(path), _) => files::scenario(path)?,
        (None, Some(name)) => ready(name)?,
        (None, None) => return Err(format!("no scenario; {}", names()).into()),
    };
    let tried = if options.compare {
        &policies
    } else {
        &policies[..1]
    };
    let mut runs = Vec::new();
    for (number, policy) in tried.iter().enumerate() {
        let share = |share: f64| (number as f64 + share) / tried.len() as f64;
        let run = simulated(options, &scenario, policy, &mut |done| {
            progress.show(share(done), &policy.name);
        })?;
        runs.push((policy.name.clone(), run));
    }
    drop(progress);
    if let Some((_, run)) = runs.first() {
        picture(options, run)?;
    }
    Ok(match runs.as_slice() {
        [(name, run)] if !options.compare => format!("{name}\n{}\n{run}\n", run.terminal(80)),
        _ => Comparison::from_iter(runs).to_string(),
    })
}

fn simulated(
    options: &Options,
    scenario: &Scenario,
    policy: &NamedPolicy,
    watch: &mut dyn FnMut(f64),
) -> Result<Run, Failure> {
    scenario
        .try_run_watched(|it: Builder| policy.apply(it), watch)
        .map_err(|error| named(options, policy, &error))
}

/// Says in which file and policy a setting is out of range.
fn named(options: &Options, policy: &NamedPolicy, error: &ConfigError) -> Failure {
    let faults = error.faults().map(ToString::to_string);
    let faults = faults.collect::<Vec<_>>().join("; ");
    let file = options
        .policy
        .as_deref()
        .unwrap_or(Path::new("the default"));
    format!("{}: policy `{}`: {faults}", file.display(), policy.name).into()
}

fn picture(options: &Options, run: &Run) -> Result<(), Failure> {
    match &options.svg {
        Some(path) => write(path, &run.svg()),
        None => Ok(()),
    }
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()).into())
}

fn names() -> String {
    format!("the ready ones are {}", Scenario::READY.join(", "))
}

fn ready(name: &str) -> Result<Scenario, Failure> {
    Scenario::ready(name).ok_or_else(|| format!("no scenario `{name}`; {}", names()).into())
}
