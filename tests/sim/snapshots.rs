//! The pictures, byte for byte. `BLESS=1` writes them anew.

use std::{env, fmt::Write, fs, path::Path};

use fluxgate::{
    sim::{Run, Scenario},
    throttle::Adaptive,
};

use crate::usual;

pub(crate) fn same(name: &str, drawn: &str) {
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

fn overload_throttled() -> Run {
    Scenario::ready("overload")
        .expect("known")
        .run(|breaker: fluxgate::Builder| usual(breaker).throttle(Adaptive::new(1.5)))
}

#[test]
fn throttled_calls_are_drawn() {
    let run = overload_throttled();
    let (drawn, lines) = (run.svg(), run.terminal(80));
    assert!(drawn.contains("class=\"throttled\""));
    assert!(
        lines.contains("~~~") && lines.contains("~ throttled"),
        "{lines}"
    );
    same("overload-throttled.svg", &drawn);
    same("overload-throttled.txt", &lines);
}

#[test]
fn many_openings_are_drawn_in_bounds() {
    use fluxgate::{Builder, retry::Cooldown, tripper::FailureStreak};
    let secs = crate::secs;
    let day = Scenario::new(fluxgate::sim::Load::constant(10.0))
        .phase(secs(5000), |dependency| dependency.fails(1.0));
    let policy = |breaker: Builder| {
        breaker
            .tripper(FailureStreak::new(1))
            .retry(Cooldown::new(secs(1)))
            .permit(fluxgate::permit::All)
            .reopen_after(1)
    };
    let run = day.run(policy);
    assert!(run.total().openings > 2000, "{}", run.total().openings);
    assert!(run.svg().len() < 200_000, "{}", run.svg().len());

    let many = Scenario::new(fluxgate::sim::Load::constant(1000.0))
        .instances(1000)
        .phase(secs(60), |dependency| {
            dependency.for_instances(500..501, |seen| seen.fails(1.0))
        })
        .run(policy);
    let drawn = many.svg();
    assert!(drawn.len() < 200_000, "{}", drawn.len());
    let open = drawn.matches("<rect class=\"open\"").count();
    assert!(
        open > 1,
        "the one bad instance is seen beside the legend: {open}"
    );
}

/// A window of calls is emptied by the opening that it caused; the picture shows it all
/// the same.
#[test]
fn rule_is_drawn_at_its_threshold() {
    for policy in [
        |breaker: fluxgate::Builder| breaker,
        |breaker: fluxgate::Builder| breaker.tripper(fluxgate::tripper::FailureStreak::new(5)),
    ] {
        let outage = Scenario::ready("sudden-outage").expect("known");
        let drawn = outage.run(policy).terminal(80);
        let line = |label: &str| {
            let line = drawn
                .lines()
                .find(|line| line.trim_start().starts_with(label));
            line.expect("a line").chars().collect::<Vec<char>>()
        };
        let (states, rule) = (line("circuit"), line("rule"));
        let opened = states
            .iter()
            .position(|state| *state == 'O')
            .expect("it opened");
        assert!(rule[opened - 1..=opened].contains(&'!'), "{drawn}");
        // Nothing is asked while it is open.
        assert_eq!(rule[opened + 2], ' ', "{drawn}");
    }
}

#[test]
fn hostile_names_break_no_picture() {
    let name = "a\n\u{1b}[2J<b a=\"&\">|\u{202e}\u{fffe}\u{0}";
    let run = || {
        Scenario::new(fluxgate::sim::Load::constant(10.0))
            .phase(crate::secs(60), |dependency| dependency.fails(1.0))
            .named(name)
            .run(usual)
    };
    let lines = run().terminal(80);
    assert_eq!(lines.lines().count(), 12, "{lines}");
    let drawn = run().svg();
    assert!(drawn.contains("&lt;b a=&quot;&amp;&quot;&gt;|"), "{drawn}");
    let table = fluxgate::sim::Comparison::from_iter([(name, run())]).to_string();
    assert_eq!(table.lines().count(), 13, "{table}");
    assert!(table.contains("\\|"), "{table}");
    for text in [lines, drawn, table.clone()] {
        let bad = |character: char| {
            character != '\n' && (character.is_control() || character == '\u{202e}')
        };
        assert!(!text.contains(bad), "{text}");
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
        .phase(crate::secs(240), fluxgate::sim::Dependency::healthy)
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

/// The three shapes of "choosing a policy" in one outage, at ten calls a second.
fn shapes() -> [(&'static str, &'static str, String); 3] {
    use fluxgate::{
        Builder,
        retry::Cooldown,
        sim::{Dependency, Load},
        tripper::{FailureRate, FailureStreak, MinRequests},
        window::TimeWindow,
    };
    let secs = crate::secs;
    let outage = Scenario::new(Load::constant(10.0))
        .dependency(Dependency::latency(crate::ms(20)))
        .phase(secs(120), Dependency::healthy)
        .named("healthy")
        .phase(secs(60), |dependency| dependency.fails(1.0))
        .named("down")
        .phase(secs(60), Dependency::healthy)
        .named("healthy");
    let wait = |breaker: Builder| {
        breaker
            .retry(Cooldown::new(secs(10)))
            .permit(fluxgate::permit::All)
    };
    let streak = outage.run(|breaker: Builder| wait(breaker).tripper(FailureStreak::new(5)));
    let calls = outage.run(wait);
    let time = outage.run(|breaker: Builder| {
        wait(breaker)
            .window(TimeWindow::new(secs(60)))
            .tripper(MinRequests::new(20) & FailureRate::new(0.5))
    });
    [
        ("streak", "A streak opens at once", streak.svg()),
        (
            "rate-over-calls",
            "A rate over calls opens after 5 s",
            calls.svg(),
        ),
        (
            "rate-over-time",
            "A rate over time opens after 30 s",
            time.svg(),
        ),
    ]
}

/// An image for rustdoc, whose pages have no folder for pictures.
pub(crate) fn inlined(svg: &str, alt: &str) -> String {
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
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out + "\">\n"
}

#[test]
fn guide_pictures_are_drawn_alike() {
    for (name, alt, svg) in shapes() {
        same(
            &format!("../../../fluxgate/src/guide/pictures/{name}.html"),
            &inlined(&svg, alt),
        );
    }
    for (name, svg) in guide() {
        let alt = format!("The calls of an incident, {name} tuning");
        same(
            &format!("../../../fluxgate/src/guide/pictures/{name}.html"),
            &inlined(&svg, &alt),
        );
    }
    let alone = Scenario::ready("overload").expect("known").run(usual);
    for (name, alt, run) in [
        ("overload", "Overload, and a breaker alone", alone),
        (
            "overload-throttled",
            "Overload, and a breaker with a throttle",
            overload_throttled(),
        ),
    ] {
        same(
            &format!("../../../fluxgate/src/guide/pictures/{name}.html"),
            &inlined(&run.svg(), alt),
        );
    }
    let run = Scenario::ready("slow-recovery").expect("known").run(usual);
    same(
        "../../../fluxgate/src/guide/pictures/slow-recovery.svg",
        &run.svg(),
    );
}
