//! Everything can be done without a mouse.

use fantoccini::key::Key;
use fluxgate::{CircuitBreaker, Name, State};

use crate::{World, in_row};

const FOCUSED: &str = "(document.activeElement.dataset.command || document.activeElement.id \
    || document.activeElement.querySelector('.name')?.textContent || document.activeElement.textContent)";

#[tokio::test]
async fn command_is_given_by_keyboard_alone() {
    let world = World::open().await;
    let browser = &world.browser;
    let breakers: Vec<_> = (0..40)
        .map(|i| {
            CircuitBreaker::builder(Name::from(format!("b{i:02}")))
                .build()
                .unwrap()
        })
        .collect();
    browser.until(&in_row("b00", "word")).await;
    let focused = async |name: &str| browser.until(&format!("{FOCUSED} === '{name}'")).await;
    let press = async |key: Key| browser.press(&[char::from(key)]).await;

    // Tab comes past each control, and to one row of all.
    for stop in [
        "filter", "sort", "group", "All40", "Open0", "Closed40", "b00",
    ] {
        press(Key::Tab).await;
        focused(stop).await;
    }
    // Arrows go from row to row, and End to rows that were out of sight.
    press(Key::Down).await;
    focused("b01").await;
    press(Key::End).await;
    focused("b39").await;
    let in_sight = "(r => r.top >= 0 && r.bottom <= innerHeight)(document.activeElement.getBoundingClientRect())";
    assert_eq!(browser.text(in_sight).await, "true");
    press(Key::Home).await;
    focused("b00").await;
    assert_eq!(browser.text(in_sight).await, "true");
    press(Key::Down).await;
    press(Key::Down).await;
    focused("b02").await;

    // The view of a breaker holds the focus until it is left.
    press(Key::Enter).await;
    browser
        .until("document.querySelector('#commands button')")
        .await;
    focused("detail-close").await;
    press(Key::Tab).await;
    focused("force_open").await;
    press(Key::Enter).await;
    // Nothing is done by pressing Enter twice.
    focused("ask-no").await;
    press(Key::Enter).await;
    browser.until("!document.getElementById('ask').open").await;
    focused("force_open").await;
    press(Key::Enter).await;
    focused("ask-no").await;
    press(Key::Tab).await;
    focused("ask-yes").await;
    assert_eq!(breakers[2].state(), State::Closed);
    press(Key::Enter).await;
    browser
        .until(&format!("{} === 'Forced open'", in_row("b02", "word")))
        .await;
    assert_eq!(breakers[2].state(), State::ForcedOpen);
    // The focus is where it was, though all around was made anew.
    browser
        .until("document.getElementById('first').innerText.includes('Commanded by alice')")
        .await;
    focused("force_open").await;
    press(Key::Escape).await;
    browser
        .until("!document.getElementById('detail').open")
        .await;
    focused("b02").await;
    // What has the focus is marked.
    let outline = "getComputedStyle(document.activeElement).outlineStyle";
    assert_eq!(browser.text(outline).await, "solid");
    browser.press_back().await;
    focused("Closed39").await;
    world.close().await;
}
