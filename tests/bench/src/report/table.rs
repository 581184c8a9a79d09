//! The results as Markdown.

use std::{fmt::Write, process::Command, thread};

use super::{Results, number::figures};
use crate::{
    measure::Times,
    suite::{Case, Curve, Entry, Role, Subject},
};

/// Writing to a string can't fail.
macro_rules! line {
    ($out:expr, $($text:tt)*) => {{ let _ = writeln!($out, $($text)*); }};
}

/// On what machine, and all subjects in all compared cases.
pub fn summary(results: &Results<'_>) -> String {
    let mut out = String::new();
    machine(&mut out, results);
    overview(&mut out, results);
    out
}

pub fn render(results: &Results<'_>, aims: &str) -> String {
    let mut out = summary(results);
    line!(out, "### What is aimed at\n\n{aims}");
    for case in Case::COMPARED {
        comparison(&mut out, results, case);
    }
    comparison(&mut out, results, Case::Timed);
    comparison(&mut out, results, Case::Choosing);
    comparison(&mut out, results, Case::Throttle);
    floors(&mut out, results);
    counts(&mut out, results);
    sizes(&mut out, results);
    for curve in Curve::ALL {
        growth(&mut out, results, curve);
    }
    out
}

fn machine(out: &mut String, results: &Results<'_>) {
    let cpu = std::fs::read_to_string("/proc/cpuinfo")
        .ok()
        .and_then(|info| {
            let (_, name) = info
                .lines()
                .find(|line| line.starts_with("model name"))?
                .split_once(": ")?;
            Some(name.to_owned())
        });
    let compiler = Command::new("rustc").arg("--version").output();
    let compiler = compiler.map_or_else(
        |_| "rustc".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    );
    line!(
        out,
        "Nanoseconds a call, medians of {} interleaved rounds on {} cores of {}, {compiler}, \
         release with thin LTO and one codegen unit.\n",
        results.rounds,
        thread::available_parallelism().map_or(1, usize::from),
        cpu.as_deref().unwrap_or("an unknown processor"),
    );
}

/// One line a subject, one column a case.
fn overview(out: &mut String, results: &Results<'_>) {
    let mut head = "| |".to_owned();
    for case in Case::COMPARED {
        let _ = write!(head, " {} |", case.title());
    }
    line!(out, "{head}");
    line!(out, "|---|{}", "--:|".repeat(Case::COMPARED.len()));
    for subject in subjects(results) {
        let mut row = format!("| {} |", emphasised(subject));
        for case in Case::COMPARED {
            let cell = results
                .find(case, subject)
                .map(|times| figures(times.median));
            let _ = write!(row, " {} |", cell.as_deref().unwrap_or("–"));
        }
        line!(out, "{row}");
    }
    line!(
        out,
        "\nThe window holds exactly the last 100 calls in fluxgate and in the peers marked ●.\n"
    );
}

/// Those of the compared cases, each once.
fn subjects(results: &Results<'_>) -> Vec<Subject> {
    let mut subjects: Vec<Subject> = Vec::new();
    for Entry { case, subject, .. } in &results.suite.entries {
        if Case::COMPARED.contains(case) && !subjects.contains(subject) {
            subjects.push(*subject);
        }
    }
    subjects
}

fn emphasised(subject: Subject) -> String {
    match subject.role {
        Role::Ours => format!("**{}**", subject.name),
        Role::Floor => format!("*{}*", subject.name),
        Role::ExactPeer => format!("{} ●", subject.name),
        Role::Peer => subject.name.to_owned(),
    }
}

/// One case in detail.
fn comparison(out: &mut String, results: &Results<'_>, case: Case) {
    let of = |role| {
        let first = results.of(case).find(|(subject, _)| subject.role == role);
        first.map(|(_, times)| times.median)
    };
    let (Some(floor), Some(ours)) = (of(Role::Floor), of(Role::Ours)) else {
        return;
    };
    line!(out, "### {}\n", case.title());
    line!(
        out,
        "| | ns | quartiles | more than the floor | × the floor | × fluxgate |"
    );
    line!(out, "|---|--:|:-:|--:|--:|--:|");
    for (subject, times) in results.of(case) {
        let Times {
            lower,
            median,
            upper,
        } = times;
        line!(
            out,
            "| {} | {} | {} – {} | {} | {} | {} |",
            emphasised(subject),
            figures(median),
            figures(lower),
            figures(upper),
            figures(median - floor),
            figures(median / floor),
            figures(median / ours),
        );
    }
    line!(out, "");
}

fn floors(out: &mut String, results: &Results<'_>) {
    line!(out, "### What the machine takes\n");
    line!(out, "| | ns | quartiles |\n|---|--:|:-:|");
    for case in [Case::Floor, Case::FloorPair] {
        for (subject, times) in results.of(case) {
            let Times {
                lower,
                median,
                upper,
            } = times;
            line!(
                out,
                "| {} | {} | {} – {} |",
                subject.name,
                figures(median),
                figures(lower),
                figures(upper)
            );
        }
    }
    line!(out, "");
}

/// Instructions and allocations.
fn counts(out: &mut String, results: &Results<'_>) {
    const CASES: [Case; 6] = [
        Case::Healthy,
        Case::Mixed,
        Case::Open,
        Case::Async,
        Case::Timed,
        Case::Throttle,
    ];
    line!(
        out,
        "### Instructions a call, beyond the same loop without a breaker\n"
    );
    line!(
        out,
        "By callgrind, which does not see what the kernel does for a clock read. In brackets: \
         allocations a call, where there are any.\n"
    );
    let mut head = "| |".to_owned();
    for case in CASES {
        let _ = write!(head, " {} |", case.title());
    }
    line!(out, "{head}\n|---|{}", "--:|".repeat(CASES.len()));
    let mut seen: Vec<Subject> = Vec::new();
    for Entry { case, subject, .. } in &results.suite.entries {
        if !CASES.contains(case) || subject.role == Role::Floor || seen.contains(subject) {
            continue;
        }
        seen.push(*subject);
        let mut row = format!("| {} |", emphasised(*subject));
        for case in CASES {
            let _ = write!(row, " {} |", counted(results, case, *subject));
        }
        line!(out, "{row}");
    }
    line!(out, "");
}

fn counted(results: &Results<'_>, case: Case, subject: Subject) -> String {
    let Some(counts) = results.counts(case, |other| other == subject) else {
        return "–".to_owned();
    };
    let instructions = results.instructions(case, subject);
    let mut cell = figures(instructions.unwrap_or(f64::NAN));
    if counts.allocations > 0.0 {
        let _ = write!(cell, " ({})", figures(counts.allocations));
    }
    cell
}

fn sizes(out: &mut String, results: &Results<'_>) {
    line!(out, "### Bytes\n");
    line!(out, "| one breaker, heap included | |\n|---|--:|");
    for (name, bytes) in &results.suite.memory {
        line!(out, "| {name} | {} |", figures(bytes() as f64));
    }
    line!(out, "\n| the future of a call | |\n|---|--:|");
    for (name, bytes) in &results.suite.futures {
        line!(out, "| {name} | {bytes} |");
    }
    line!(out, "");
}

fn growth(out: &mut String, results: &Results<'_>, curve: Curve) {
    let lines = results.curve(curve);
    let Some((_, points)) = lines.first() else {
        return;
    };
    line!(out, "### Growth with the {}\n", curve.title());
    let mut head = "| |".to_owned();
    for (at, _) in points {
        let _ = write!(head, " {} |", figures(*at as f64).trim_end_matches(".0"));
    }
    line!(out, "{head}\n|---|{}", "--:|".repeat(points.len()));
    for (subject, points) in lines {
        let mut row = format!("| {} |", subject.name);
        for (_, times) in points {
            let _ = write!(row, " {} |", figures(times.median));
        }
        line!(out, "{row}");
    }
    line!(out, "");
}
