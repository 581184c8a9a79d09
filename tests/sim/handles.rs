//! Annotated functions and breakers of `breaker!` are tried by their handles.

use std::io;

use fluxgate::{Builder, breaker, circuit_breaker, retry::Cooldown, sim::Scenario, tripper::*};

use crate::secs;

#[circuit_breaker(tripper = "FailureStreak(7)", retry = "Cooldown(5s)", handle = quote_breaker)]
fn quote() -> Result<u32, io::Error> {
    Ok(1)
}

breaker! {
    static PRICES = { tripper = FailureStreak(7), retry = Cooldown(5s) };
}

#[test]
fn handles_give_the_policy() {
    let scenario = Scenario::ready("sudden-outage").expect("known");
    let by_closure = scenario.run(|breaker: Builder| {
        breaker
            .tripper(FailureStreak::new(7))
            .retry(Cooldown::new(secs(5)))
    });
    assert!(quote().is_ok());
    for run in [
        scenario.run(quote_breaker()),
        scenario.run(&PRICES),
        // The breaker in the static, rather than the static.
        scenario.run(&*PRICES),
    ] {
        assert_eq!(run.svg(), by_closure.svg());
    }
    assert_eq!(
        quote_breaker().info().rejected,
        0,
        "the live breaker is left alone"
    );
}

#[test]
fn policies_compare_by_name() {
    let candidate = |breaker: Builder| breaker.tripper(FailureStreak::new(3));
    let scenario = Scenario::ready("sudden-outage").expect("known");
    let compared = scenario.compare([("now", &PRICES as _), ("candidate", &candidate as _)]);
    let table = compared.to_string();
    assert!(table.starts_with('|'), "{table}");
    assert_eq!(table.lines().count(), 13, "{table}");
    assert!(table.lines().next().expect("a line").contains("candidate"));

    let json = serde_json::to_value(&compared).expect("serialises");
    assert_eq!(json[1]["policy"], "candidate");
    let run = &json[0]["run"];
    assert_eq!(run["lasts"], 300.0);
    assert_eq!(run["phases"][1]["start"], 60.0);
    assert!(run["phases"][1]["opened_after"].as_f64().expect("opened") < 1.0);
    assert!(run["phases"][2]["closed_after"].as_f64().expect("closed") < 10.0);
    assert!(
        run["phases"][1]["figures"]["probes"]
            .as_u64()
            .expect("probes")
            > 0
    );
    assert!(run["open_share"].as_f64().expect("a share") > 0.3);
    assert_eq!(run["changes"][0]["new_state"], "open");
    assert!(run["changes"][0]["reason"].is_object());
}
