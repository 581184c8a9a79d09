//! What a screen reader is told: roles, names, and what changes.

use fluxgate::{CircuitBreaker, tripper::FailureStreak};
use serde_json::{Value, json};

use crate::{World, in_row};

/// The roles that a visitor can act on.
const CONTROLS: [&str; 7] = [
    "button",
    "checkbox",
    "combobox",
    "searchbox",
    "link",
    "textbox",
    "option",
];

/// Returns role and name of everything that the browser tells a screen reader.
async fn told(world: &World) -> Vec<(String, String, Value)> {
    let tree = world
        .browser
        .command("Accessibility.getFullAXTree", json!({}))
        .await;
    let nodes = tree["nodes"].as_array().unwrap().iter();
    let nodes = nodes.filter(|node| node["ignored"] != true);
    let text = |value: &Value| value["value"].as_str().unwrap_or_default().to_owned();
    nodes
        .map(|node| {
            (
                text(&node["role"]),
                text(&node["name"]),
                node["properties"].clone(),
            )
        })
        .collect()
}

fn named(told: &[(String, String, Value)], role: &str) -> Vec<String> {
    let of = told.iter().filter(|(its, ..)| its == role);
    of.map(|(_, name, _)| name.clone()).collect()
}

#[tokio::test]
async fn everything_has_a_role_and_a_name() {
    let world = World::open().await;
    let browser = &world.browser;
    let breaker = CircuitBreaker::builder("read_aloud")
        .tripper(FailureStreak::new(2))
        .build()
        .unwrap();
    breaker.force_open();
    browser
        .until(&format!(
            "{} === 'Forced open'",
            in_row("read_aloud", "word")
        ))
        .await;
    assert_eq!(browser.text("document.documentElement.lang").await, "en");
    let page = told(&world).await;
    for (role, name, _) in &page {
        let is_control = CONTROLS.contains(&role.as_str());
        assert!(!is_control || !name.is_empty(), "a {role} has no name");
    }
    assert_eq!(named(&page, "heading"), ["Circuit breakers"]);
    assert_eq!(named(&page, "searchbox"), ["Filter by name"]);
    assert_eq!(named(&page, "combobox"), ["Sort by"]);
    assert_eq!(named(&page, "checkbox"), ["By state"]);
    assert_eq!(named(&page, "list"), ["Circuit breakers"]);
    assert_eq!(named(&page, "main"), [""]);
    assert_eq!(named(&page, "banner"), [""]);
    let buttons = named(&page, "button");
    assert_eq!(
        buttons[..4],
        ["All 1", "Open 0", "Forced open 1", "Closed 0"]
    );
    let row = &buttons[4];
    assert!(row.starts_with("read_aloud, Forced open for "), "{row}");
    assert!(row.contains("rejects all"), "{row}");

    // Which of them is pressed.
    let pressed = page.iter().filter(|(role, name, properties)| {
        let properties = properties.as_array().into_iter().flatten();
        let mut pressed = properties.filter(|property| property["name"] == "pressed");
        role == "button"
            && pressed.any(|property| property["value"]["value"] == "true")
            && name == "All 1"
    });
    assert_eq!(pressed.count(), 1);

    // A change of state is said without a look, and politely.
    let live = "document.getElementById('live')";
    assert_eq!(
        browser
            .text(&format!("{live}.getAttribute('aria-live')"))
            .await,
        "polite"
    );
    breaker.reset();
    browser
        .until(&format!("{live}.textContent === 'read_aloud is closed'"))
        .await;

    browser.click(".row").await;
    browser
        .until("document.querySelector('#commands button')")
        .await;
    let view = told(&world).await;
    assert_eq!(named(&view, "dialog"), ["read_aloud"]);
    let headings = named(&view, "heading");
    assert_eq!(headings[0], "read_aloud");
    for heading in [
        "Rule",
        "Last transitions",
        "Totals",
        "Settings in force",
        "Listeners",
    ] {
        let found = headings.iter().any(|its| its.eq_ignore_ascii_case(heading));
        assert!(found, "{heading}: {headings:?}");
    }
    assert!(named(&view, "group").contains(&"Commands".to_owned()));
    // What is behind the dialog is no longer told.
    assert!(named(&view, "searchbox").is_empty());
    browser.click("[data-command=reset]").await;
    browser.until("document.getElementById('ask').open").await;
    let question = told(&world).await;
    assert_eq!(named(&question, "dialog"), ["Reset: read_aloud?"]);
    assert_eq!(named(&question, "button"), ["Cancel", "Reset"]);
    world.close().await;
}
