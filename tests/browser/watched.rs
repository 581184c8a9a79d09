//! What happens is seen, without a look at anything but the page.

use std::{io, time::Duration};

use fluxgate::{
    CircuitBreaker, Name, permit, retry::Cooldown, tracker::All, tripper::FailureStreak,
};

use crate::{World, in_row};

fn fail(breaker: &CircuitBreaker, times: usize) {
    for _ in 0..times {
        let call = || Err::<(), _>(io::Error::other("connection refused"));
        let failed = breaker.with_tracker(All).failure_texts().call(call);
        assert!(failed.is_err());
    }
}

#[tokio::test]
async fn circuit_opens_and_closes_under_the_eye() {
    let world = World::open().await;
    let browser = &world.browser;
    browser
        .until("document.body.innerText.includes('No circuit breaker yet')")
        .await;
    let breaker = CircuitBreaker::builder("watched")
        .tripper(FailureStreak::new(4))
        .retry(Cooldown::new(Duration::from_secs(120)))
        .permit(permit::All)
        .max_half_open_calls(3)
        .build()
        .unwrap();
    let is = |class: &str, text: &str| format!("{} === '{text}'", in_row("watched", class));
    browser.until(&is("word", "Closed")).await;
    browser.until(&is("says", "FailureStreak(4)")).await;
    assert_eq!(browser.text("document.title").await, "Circuit breakers");

    fail(&breaker, 2);
    browser
        .until(&is("gauge .small", "failures in a row 2opens at 4"))
        .await;
    browser.until(&is("sparks .small", "2 failed")).await;
    fail(&breaker, 2);
    browser.until(&is("word", "Open")).await;
    browser
        .until(&is("says", "4 failures in a row reached 4"))
        .await;
    browser
        .until(&is("gauge .small", "failures in a row 4opened at 4"))
        .await;
    browser
        .until("document.title === '(1 open) Circuit breakers'")
        .await;
    let told = browser
        .text("document.getElementById('live').textContent")
        .await;
    assert_eq!(told, "watched is open: 4 failures in a row reached 4");

    // The wait is counted down.
    let seconds = format!(
        "(/^in (?:1 min )?(\\d+) s$/.exec({}) || [])[1]",
        in_row("watched", "next b")
    );
    browser.until(&format!("{seconds} !== undefined")).await;
    let first = browser.text(&seconds).await;
    browser.until(&format!("Number({seconds}) < {first}")).await;
    assert!(breaker.call(|| Ok::<_, io::Error>(())).is_err());
    browser
        .until(&is("sparks .small", "4 failed · 1 rejected"))
        .await;

    breaker.half_open();
    browser.until(&is("word", "Half-open")).await;
    browser.until(&is("next", "0 of 3probes in flight")).await;
    let probe = breaker.acquire().unwrap();
    browser.until(&is("next", "1 of 3probes in flight")).await;
    probe.success();
    browser.until(&is("word", "Closed")).await;
    browser.until("document.title === 'Circuit breakers'").await;

    drop(breaker);
    browser.until("!document.querySelector('.row')").await;
    world.close().await;
}

#[tokio::test]
async fn own_view_tells_the_whole_story() {
    let world = World::open().await;
    let browser = &world.browser;
    let breaker = CircuitBreaker::builder(Name::from("told".to_owned()))
        .tripper(FailureStreak::new(2))
        .permit(permit::All)
        .listener(fluxgate::listener::LogListener::new())
        .try_listener(
            "Pager",
            Err::<fn(&fluxgate::Signal), _>("PAGER_URL is not set"),
        )
        .build()
        .unwrap();
    fail(&breaker, 2);
    breaker.half_open();
    breaker.acquire().unwrap().success();
    breaker.command_by(fluxgate::Command::ForceOpen, "bob");
    browser
        .until(&format!("{} === 'Forced open'", in_row("told", "word")))
        .await;
    browser.click(".row").await;
    browser
        .until("document.querySelector('#rest ol.log')")
        .await;
    let view = browser
        .text("document.getElementById('body').innerText")
        .await;
    for part in [
        "Forced open for",
        "Commanded by bob at",
        "Opens when 2 calls in a row failed; the last 100 calls count.",
        "the next calls are probes, at most 10 at once",
        "#[circuit_breaker(\n    name = \"told\",\n    tripper = FailureStreak(2),\n    permit = All,\n)]",
        "connection refused",
        "Closed → Open",
        "2 failures in a row reached 2",
        "FailureStreak: 2 of 2",
        "last failure: connection refused",
        "Half-open → Closed",
        "enough probes succeeded",
        "probes: 1 succeeded, 0 failed, 0 said nothing",
        "Closed → Forced open",
        "command by bob",
        "FLUXGATE_TOLD (not set)",
        "LogListener",
        "Pager: missing, PAGER_URL is not set",
    ] {
        assert!(view.contains(part), "{part:?} is missing from:\n{view}");
    }
    // It goes on: what happens while it is open is in it.
    breaker.command_by(fluxgate::Command::Reset, "carol");
    browser
        .until("document.getElementById('body').innerText.includes('command by carol')")
        .await;
    world.close().await;
}
