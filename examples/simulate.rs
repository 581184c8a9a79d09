//! Tries policies before production does.
//!
//! ```text
//! cargo run --example simulate -- sudden-outage
//! cargo run --example simulate -- --policy policies.toml --scenario outage.toml --svg out.svg
//! cargo run --example simulate -- --policy policies.toml --compare slow-burn
//! cargo run --example simulate -- --policy policies.toml --trace incident.jsonl
//! cargo run --example simulate -- --all --out pictures
//! ```
//!
//! `examples/simulate/` has a file of policies and one of a scenario.

#[path = "simulate/files.rs"]
mod files;

use std::{
    error::Error,
    fmt::Write as _,
    fs,
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::Parser;
use fluxgate::{
    Builder,
    sim::{Policy, Run, Scenario, Trace},
};

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
    #[arg(long)]
    compare: bool,
    /// Writes the picture of the first policy here.
    #[arg(long)]
    svg: Option<PathBuf>,
    /// Runs the nine ready scenarios; needs `--out`.
    #[arg(long, requires = "out", conflicts_with = "name")]
    all: bool,
    /// The folder for nine pictures and a page.
    #[arg(long)]
    out: Option<PathBuf>,
}

type Failure = Box<dyn Error>;

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("simulate: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Failure> {
    let policies = match &options.policy {
        Some(path) => files::policies(path)?,
        None => vec![files::NamedPolicy::default()],
    };
    let (first, policy) = policies
        .first()
        .map(|named| (&named.name, named))
        .ok_or("no policy")?;
    if let (true, Some(out)) = (options.all, &options.out) {
        return all(policy, out);
    }
    if let Some(path) = &options.trace {
        let replay = Trace::read(path)?.try_run(|it: Builder| policy.apply(it))?;
        println!("{first}\n{replay}\n\n{}", replay.run().terminal(80));
        return picture(options, replay.run());
    }
    let scenario = match (&options.scenario, &options.name) {
        (Some(path), _) => files::scenario(path)?,
        (None, Some(name)) => ready(name)?,
        (None, None) => return Err(format!("no scenario; {}", names()).into()),
    };
    if options.compare {
        let applied: Vec<_> = policies
            .iter()
            .map(|named| (named.name.as_str(), move |it: Builder| named.apply(it)))
            .collect();
        let compared = scenario.try_compare(
            applied
                .iter()
                .map(|(name, policy)| (*name, policy as &dyn Policy)),
        )?;
        print!("{compared}");
        return match compared.runs().first() {
            Some((_, run)) => picture(options, run),
            None => Ok(()),
        };
    }
    let run = scenario.try_run(|it: Builder| policy.apply(it))?;
    println!("{first}\n{}\n{run}", run.terminal(80));
    picture(options, &run)
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

/// Writes the nine pictures and a page that shows them with a table.
fn all(policy: &files::NamedPolicy, out: &Path) -> Result<(), Failure> {
    fs::create_dir_all(out).map_err(|error| format!("{}: {error}", out.display()))?;
    let mut rows = String::new();
    let mut pictures = String::new();
    let mut progress = Progress::new(Scenario::READY.len());
    for name in Scenario::READY {
        progress.step(name);
        let run = ready(name)?.try_run(|it: Builder| policy.apply(it))?;
        write(&out.join(format!("{name}.svg")), &run.svg())?;
        let time = |time: Option<Duration>| {
            time.map_or("–".to_owned(), |time| {
                format!("{:.2} s", time.as_secs_f64())
            })
        };
        let total = run.total();
        let _ = writeln!(
            rows,
            "<tr><th><a href=\"#{name}\">{name}</a></th><td>{}</td><td>{}</td><td>{:.1}</td>\
             <td>{}</td><td>{}</td><td>{}</td><td>{:.1} %</td></tr>",
            time(run.opened_after()),
            time(run.closed_after()),
            run.goodput(),
            total.reached_while_down,
            total.refused,
            run.wrongly_refused(),
            100.0 * run.open_share(),
        );
        let _ = writeln!(
            pictures,
            "<h2 id=\"{name}\">{name}</h2><img src=\"{name}.svg\" alt=\"{run}\">"
        );
    }
    progress.finish();
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Nine scenarios</title>\
         <style>:root{{color-scheme:light dark}}body{{font:15px/1.5 system-ui,sans-serif;\
         max-width:960px;margin:2em auto;padding:0 1em}}table{{border-collapse:collapse}}\
         th,td{{padding:.2em .7em;text-align:right;border-bottom:1px solid #8884}}\
         th:first-child{{text-align:left}}img{{width:100%}}</style>\
         <h1>Nine scenarios</h1><table><tr><th>scenario</th><th>opened after</th>\
         <th>closed after</th><th>answered/s</th><th>reached it while down</th><th>refused</th>\
         <th>refused wrongly</th><th>time open</th></tr>\n{rows}</table>\n{pictures}</html>\n"
    );
    write(&out.join("index.html"), &page)
}

/// A bar on a terminal, from the moment that it takes more than a second.
struct Progress {
    began: Instant,
    steps: usize,
    done: usize,
    shown: bool,
}

impl Progress {
    fn new(steps: usize) -> Self {
        Self {
            began: Instant::now(),
            steps,
            done: 0,
            shown: false,
        }
    }

    fn step(&mut self, name: &str) {
        if io::stderr().is_terminal() && self.began.elapsed() > Duration::from_secs(1) {
            let bar = "#".repeat(self.done) + &".".repeat(self.steps - self.done);
            eprint!("\r[{bar}] {name:<20}");
            let _ = io::stderr().flush();
            self.shown = true;
        }
        self.done += 1;
    }

    fn finish(&self) {
        if self.shown {
            eprintln!("\r[{}] done                ", "#".repeat(self.steps));
        }
    }
}
