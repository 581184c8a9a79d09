//! Filters, sorting, groups, and the keys of a set.

use std::io;

use fluxgate::{
    CircuitBreaker, Name, keyed::CircuitBreakers, tracker::All, tripper::FailureStreak,
};

use crate::{World, in_row};

/// The names in sight, from top to bottom.
const NAMES: &str = "[...document.querySelectorAll('.item')]\
    .sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)\
    .map(item => item.querySelector('.name')?.textContent ?? '# ' + item.textContent).join(', ')";

fn built(name: &str, failures: usize) -> CircuitBreaker {
    let breaker = CircuitBreaker::builder(Name::from(name.to_owned()))
        .tripper(FailureStreak::new(10))
        .build()
        .unwrap();
    for _ in 0..failures {
        let call = || Err::<(), _>(io::Error::other("down"));
        assert!(breaker.with_tracker(All).call(call).is_err());
    }
    breaker
}

#[tokio::test]
async fn rows_are_filtered_sorted_and_grouped() {
    let world = World::open().await;
    let browser = &world.browser;
    let breakers = [
        built("cart", 3),
        built("billing", 10),
        built("Auth", 0),
        built("delivery", 7),
    ];
    let shows = async |names: &str| browser.until(&format!("{NAMES} === '{names}'")).await;
    shows("# Open · 1, billing, # Closed · 3, delivery, cart, Auth").await;
    browser.click("#group").await;
    shows("billing, delivery, cart, Auth").await;
    for (sort, names) in [
        ("name", "Auth, billing, cart, delivery"),
        ("near", "billing, delivery, cart, Auth"),
        ("failed", "billing, delivery, cart, Auth"),
    ] {
        browser.click(&format!("#sort option[value={sort}]")).await;
        shows(names).await;
    }
    // A state that changes comes first among what changed last.
    breakers[2].disable();
    browser.click("#sort option[value=since]").await;
    let disabled = format!("{} === 'Disabled'", in_row("Auth", "word"));
    browser.until(&disabled).await;
    browser
        .until(&format!("{NAMES}.startsWith('Auth, ')"))
        .await;
    browser.click("#sort option[value=name]").await;

    // By the keyboard: a slash leads to the filter, whose letters are any case.
    browser.press(&['/', 'A', 'R']).await;
    shows("cart").await;
    browser.press(&['x']).await;
    shows("").await;
    browser
        .until("document.getElementById('empty').innerText === 'No circuit breaker matches.'")
        .await;
    browser
        .run("const f = document.getElementById('filter'); f.value = ''; f.oninput()")
        .await;

    // By state.
    browser.click(".chip:has(.icon.disabled)").await;
    shows("Auth").await;
    assert_eq!(
        browser
            .text("document.querySelector('.chip[aria-pressed=true]').innerText")
            .await
            .replace('\n', " "),
        "Disabled 1"
    );
    browser.click(".chip").await;
    shows("Auth, billing, cart, delivery").await;
    world.close().await;
}

#[tokio::test]
async fn keys_of_a_set_fold() {
    let world = World::open().await;
    let browser = &world.browser;
    let tenants = CircuitBreakers::<String>::builder("tenants")
        .build()
        .unwrap();
    let keys = ["acme", "globex", "initech"].map(|key| tenants.get(key));
    let _alone = built("zebra", 0);
    let shows = async |names: &str| browser.until(&format!("{NAMES} === '{names}'")).await;
    shows("# Closed · 4, tenants, zebra").await;
    keys[1].force_open();
    // The set is where its worst key is, and says how its keys are.
    shows("# Forced open · 1, tenants, # Closed · 3, zebra").await;
    let says = "document.querySelector('.fold .says').textContent";
    browser
        .until(&format!("{says} === '1 forced open, 2 closed'"))
        .await;
    browser.click(".fold").await;
    shows("# Forced open · 1, tenants, tenants/globex, tenants/acme, tenants/initech, # Closed · 3, zebra").await;
    assert_eq!(
        browser
            .text("document.querySelector('.fold').getAttribute('aria-expanded')")
            .await,
        "true"
    );
    browser.click(".fold").await;
    shows("# Forced open · 1, tenants, # Closed · 3, zebra").await;
    // What is looked for is not folded away.
    browser.press(&['/', 'a', 'c', 'm', 'e']).await;
    shows("# Closed · 1, tenants/acme").await;
    // A key without calls is forgotten at some time; its row goes with it.
    drop(keys);
    drop(tenants);
    browser.until(&format!("{NAMES} === ''")).await;
    world.close().await;
}
