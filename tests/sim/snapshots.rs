//! The pictures, byte for byte. `BLESS=1` writes them anew.

use std::{env, fs, path::Path};

use fluxgate::sim::Scenario;

use crate::usual;

fn same(name: &str, drawn: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("sim/snapshots")
        .join(name);
    if env::var_os("BLESS").is_some() {
        fs::write(&path, drawn).expect("the folder is writable");
        return;
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == drawn,
        "{name} is drawn differently than before; look at it, and if it is right, run the test \
         with BLESS=1"
    );
}

#[test]
fn ready_scenarios_are_drawn_alike() {
    for name in Scenario::READY {
        let run = Scenario::ready(name).expect("known").run(usual);
        same(&format!("{name}.svg"), &run.svg());
        same(&format!("{name}.txt"), &run.terminal(80));
    }
}

#[test]
fn terminal_is_twelve_lines_of_its_width() {
    for name in Scenario::READY {
        let run = Scenario::ready(name).expect("known").run(usual);
        for width in [40, 80, 133, 300] {
            let drawn = run.terminal(width);
            assert_eq!(drawn.lines().count(), 12, "{drawn}");
            let longest = drawn.lines().map(|line| line.chars().count()).max();
            assert!(
                longest <= Some(width),
                "{name} at {width}: {longest:?}\n{drawn}"
            );
        }
    }
}

#[test]
fn steady_traffic_is_drawn_flat() {
    let run = Scenario::new(fluxgate::sim::Load::constant(100.0))
        .phase(crate::secs(240), |dependency| dependency.healthy())
        .run(usual);
    for width in [80, 100, 121] {
        let drawn = run.terminal(width);
        let rows: Vec<&str> = drawn.lines().skip(2).take(5).collect();
        for row in rows {
            let bars = row.chars().filter(|character| *character == '█').count();
            assert_eq!(bars, width - 10, "{drawn}");
        }
    }
}

/// The trace of the guide's chapter, by the policy before and the one after.
fn guide() -> [(&'static str, String); 2] {
    use fluxgate::{
        Builder,
        retry::Cooldown,
        sim::{Ended, Entry, Trace},
        tripper::{FailureRate, FailureStreak, MinRequests},
    };
    let trace = Trace::new((0..1800_u64).map(|n| {
        let is_bad = (600..1200).contains(&n) && n % 5 != 0;
        let ended = if is_bad {
            Ended::Failure
        } else {
            Ended::Success
        };
        Entry::ran(crate::ms(100 * n), crate::ms(20), ended)
    }));
    let wait = Cooldown::new(crate::secs(10));
    let streak = move |breaker: Builder| breaker.tripper(FailureStreak::new(10)).retry(wait);
    let both = move |breaker: Builder| {
        breaker
            .tripper(FailureStreak::new(10) | (MinRequests::new(20) & FailureRate::new(0.3)))
            .retry(wait)
    };
    [
        ("before", trace.run(streak).run().svg()),
        ("after", trace.run(both).run().svg()),
    ]
}

/// An image for rustdoc, whose pages have no folder for pictures.
fn inlined(svg: &str, alt: &str) -> String {
    let mut out = format!("<img alt=\"{alt}\" width=\"100%\" src=\"data:image/svg+xml,");
    for byte in svg.bytes() {
        match byte {
            b'A'..=b'Z'
            | b'a'..=b'z'
            | b'0'..=b'9'
            | b' '
            | b'-'
            | b'.'
            | b'/'
            | b'='
            | b':'
            | b';'
            | b','
            | b'('
            | b')'
            | b'\'' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out + "\">\n"
}

#[test]
fn guide_pictures_are_drawn_alike() {
    for (name, svg) in guide() {
        let alt = format!("The calls of an incident, {name} tuning");
        same(
            &format!("../../../fluxgate/src/guide/pictures/{name}.html"),
            &inlined(&svg, &alt),
        );
    }
    let run = Scenario::ready("slow-recovery").expect("known").run(usual);
    same(
        "../../../fluxgate/src/guide/pictures/slow-recovery.svg",
        &run.svg(),
    );
}
