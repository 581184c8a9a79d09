//! Every report of the crate, with code that asks the breakers at it: no report is made,
//! and no code of the user's run, under a lock of the crate's.
//!
//! A report that is added to the source without a scenario here fails the test.

mod asking;
#[allow(dead_code, reason = "what the tests of the delivery use")]
#[path = "../slack/fake.rs"]
mod fake;
#[allow(dead_code, reason = "what the tests of the delivery use")]
#[path = "../slack/http.rs"]
mod http;
mod scenarios;
mod sites;

use std::{
    collections::BTreeSet,
    env,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use asking::Way;
use fluxgate::clock::ManualClock;
use scenarios::{Run, Scenario};
use sites::Site;

/// Set in the process that makes the reports.
const CHILD: &str = "REPORTS_OF_A_CHILD";

/// Runs the other test in a process of its own, which it ends if that hangs: with a
/// subscriber, a panic hook and an environment for the whole process.
#[test]
fn no_report_is_made_under_a_lock() {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "makes_every_report", "--nocapture"])
        .env(CHILD, "1")
        .env("FLUXGATE_KILLED", "metrics_only")
        .env("FLUXGATE_BAD", "on")
        .env("FLUXGATE_STRAY_ONE", "disabled")
        .stdout(Stdio::inherit())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    // Far more than it takes.
    let until = Instant::now() + Duration::from_secs(300);
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if Instant::now() > until {
            child.kill().unwrap();
            panic!("it hangs in the scenario that it named last");
        }
        thread::sleep(Duration::from_millis(20));
    };
    assert!(status.success(), "{status}");
}

#[test]
fn source_reports_where_it_is_looked_for() {
    assert_eq!(sites::unknown(), Vec::<String>::new());
}

#[test]
fn makes_every_report() {
    if env::var_os(CHILD).is_none() {
        return;
    }
    asking::install();
    let sites = sites::all();
    let mut seen = Seen::default();
    for scenario in &scenarios::FIRST {
        play(scenario, &sites, &mut seen);
    }
    asking::begin(Way::Look);
    let subject = asking::built(asking::builder("slow".into(), &ManualClock::new()));
    let slow: Vec<_> = scenarios::SLOW.into_iter().map(thread::spawn).collect();
    for slow in slow {
        slow.join().unwrap();
    }
    drop(subject);
    let asked = asked_at(&sites, &asking::reports());
    seen.commanded.extend(asked.iter().cloned());
    seen.asked.extend(asked);
    for scenario in scenarios::ALL {
        play(scenario, &sites, &mut seen);
    }
    let elsewhere = |site: &&Site| {
        let known = scenarios::ELSEWHERE.iter();
        { known }.any(|(name, _)| *name == site.name)
    };
    let named = sites.iter().filter(elsewhere).count();
    assert_eq!(named, scenarios::ELSEWHERE.len(), "one is no site any more");
    let missing = sites.iter().filter(|site| !elsewhere(site));
    let is_seen =
        |site: &Site| seen.asked.contains(&site.name) && seen.commanded.contains(&site.name);
    let missing = missing.filter(|site| !is_seen(site));
    let missing: Vec<_> = missing.map(|site| &site.name).collect();
    assert!(
        missing.is_empty(),
        "no scenario leads to these, or nothing was asked at them: {missing:?}"
    );
}

/// The sites where all were asked, and where they were commanded.
#[derive(Default)]
struct Seen {
    asked: BTreeSet<String>,
    /// What is reported once is not provoked again for commands.
    commanded: BTreeSet<String>,
}

/// Runs a scenario with code that looks at each report, and then once for each report
/// with code that commands at that.
fn play(scenario: &Scenario, sites: &[Site], seen: &mut Seen) {
    let ways = |number: usize, way: Way| {
        let at = match &way {
            Way::Look => "",
            Way::Command(site) => &site.name,
        };
        println!("{}: {at}", scenario.name);
        asking::begin(way);
        let run = Run {
            name: format!("{}-{number}", scenario.name.replace(' ', "-")),
            clock: ManualClock::new(),
        };
        (scenario.run)(&run);
        asking::reports()
    };
    let reports = ways(0, Way::Look);
    assert!(!reports.is_empty(), "{} reports nothing", scenario.name);
    let asked = asked_at(sites, &reports);
    if scenario.once {
        seen.commanded.extend(asked.iter().cloned());
    }
    seen.asked.extend(asked);
    if scenario.once {
        return;
    }
    let mut number = 0;
    for site in sites {
        let wrote = |(message, asked): &&(String, bool)| *asked && site.wrote(message);
        // A report of another thread may be the scenario's before.
        if !reports.iter().any(|report| wrote(&report)) {
            continue;
        }
        number += 1;
        let reports = ways(number, Way::Command(site.clone()));
        for site in asked_at(sites, &reports) {
            seen.commanded.insert(site);
        }
    }
}

/// Returns the sites at whose reports all were asked.
fn asked_at(sites: &[Site], reports: &[(String, bool)]) -> Vec<String> {
    let asked = |site: &&Site| {
        let wrote = |(message, asked): &(String, bool)| *asked && site.wrote(message);
        reports.iter().any(wrote)
    };
    let sites = sites.iter().filter(asked);
    sites.map(|site| site.name.clone()).collect()
}
