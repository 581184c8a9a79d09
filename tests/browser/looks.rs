//! Light and dark, wide and narrow: readable everywhere.

use fluxgate::{CircuitBreaker, Name, tripper::FailureStreak};
use serde_json::json;

use crate::{World, in_row, scenes::Scene};

/// Every text in sight with its colour, and what it stands on: what contrasts less than
/// WCAG's level AA asks for.
const FAINT: &str = r"
    const parse = color => {
        const context = parse.context ||= new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
        context.clearRect(0, 0, 1, 1);
        context.fillStyle = color;
        context.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = context.getImageData(0, 0, 1, 1).data;
        return [r, g, b, a / 255];
    };
    const over = (top, below) => top[3] === 1 ? top : [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
    const background = element => {
        const own = parse(getComputedStyle(element).backgroundColor);
        if (own[3] === 1 || !element.parentElement) return over(own, [255, 255, 255, 1]);
        return over(own, background(element.parentElement));
    };
    const luminance = color => {
        const [r, g, b] = color.map(c => (c /= 255) <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4);
        return .2126 * r + .7152 * g + .0722 * b;
    };
    const faint = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    let seen = 0;
    while (walker.nextNode()) {
        const element = walker.currentNode.parentElement;
        const box = element.getBoundingClientRect();
        if (!walker.currentNode.data.trim() || !element.checkVisibility({ visibilityProperty: true }) || box.width < 2) continue;
        if (['SCRIPT', 'STYLE', 'NOSCRIPT'].includes(element.tagName)) continue;
        seen++;
        const ground = background(element), text = over(parse(getComputedStyle(element).color), ground);
        const [a, b] = [luminance(text), luminance(ground)].sort((a, b) => b - a);
        const ratio = (a + .05) / (b + .05);
        if (ratio < 4.5) faint.push(`${ratio.toFixed(2)}: ${walker.currentNode.data}`);
    }
    return { seen, faint };";

async fn has_contrast(world: &World, what: &str) {
    let found = world.browser.run(FAINT).await;
    assert!(found["seen"].as_u64() > Some(10), "{what}: {found}");
    assert_eq!(found["faint"], json!([]), "{what}");
}

#[tokio::test]
async fn texts_have_contrast_light_and_dark() {
    let world = World::open().await;
    let browser = &world.browser;
    let mut scene = Scene::of_thirty();
    scene.command_some();
    for _ in 0..3 {
        scene.calls(|i| if i % 5 == 0 { 0.95 } else { 0.2 });
    }
    browser
        .until(&format!("{} === 'Open'", in_row("catalog::prices", "word")))
        .await;
    let mut grounds = Vec::new();
    for dark in [false, true] {
        browser.dark(dark).await;
        // Colours that change do so within two seconds.
        browser.until("document.getAnimations().length === 0").await;
        let ground = "getComputedStyle(document.body).backgroundColor";
        grounds.push(browser.text(ground).await);
        has_contrast(&world, "the list").await;
        browser
            .goto(&world.server.url("/breakers#catalog::prices"))
            .await;
        browser
            .until("document.querySelector('#commands button')")
            .await;
        has_contrast(&world, "the view of a breaker").await;
        for command in ["force_open", "reset"] {
            browser.click(&format!("[data-command={command}]")).await;
            browser.until("document.getElementById('ask').open").await;
            has_contrast(&world, "the question").await;
            browser.click("#ask-no").await;
        }
        browser.click("#detail-close").await;
        browser
            .until("!document.getElementById('detail').open")
            .await;
    }
    assert_eq!(grounds, ["rgb(244, 246, 249)", "rgb(13, 17, 22)"]);
    world.close().await;
}

#[tokio::test]
async fn narrow_windows_scroll_down_only() {
    let world = World::open().await;
    let browser = &world.browser;
    let long = "a_name_without_a_gap_that_goes_on_and_on".repeat(8);
    let build = |name: &str| {
        let builder = CircuitBreaker::builder(Name::from(name.to_owned()));
        builder.tripper(FailureStreak::new(1)).build().unwrap()
    };
    let breakers = [build(&long), build("short")];
    let protected = breakers[0]
        .with_tracker(fluxgate::tracker::All)
        .failure_texts();
    assert!(
        protected
            .call(|| Err::<(), _>(std::io::Error::other("x".repeat(250))))
            .is_err()
    );
    breakers[1].command_by(fluxgate::Command::ForceOpen, &"y".repeat(120));
    let scene = Scene::of_thirty();
    scene.command_some();
    browser.until(&in_row("short", "word")).await;
    let fits = async |what: &str, element: &str| {
        let script = format!("return [{element}.scrollWidth, {element}.clientWidth]");
        let widths = browser.run(&script).await;
        assert!(widths[0].as_u64() <= widths[1].as_u64(), "{what}: {widths}");
    };
    for width in [320, 360, 390, 430, 641, 768, 1024, 1280, 1920] {
        browser.size(width, 800, width < 641).await;
        browser.until(&format!("innerWidth === {width}")).await;
        fits(&format!("{width}"), "document.documentElement").await;
        // No part of a row lies on another.
        let rows = browser
            .run(
                "return [...document.querySelectorAll('.row')].filter(row => {
                    const parts = [...row.children].filter(part => part.checkVisibility({ visibilityProperty: true }));
                    const boxes = parts.map(part => part.getBoundingClientRect());
                    const own = row.getBoundingClientRect();
                    return boxes.some((a, i) => a.top < own.top || a.bottom > own.bottom || a.right > own.right
                        || boxes.slice(i + 1).some(b => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom));
                }).map(row => row.textContent)",
            )
            .await;
        assert_eq!(rows, json!([]), "{width}");
        for name in [&*long, "short"] {
            browser.run(&format!("location.hash = '{name}'")).await;
            let ready = format!(
                "document.getElementById('detail-name').textContent === '{name}' && document.querySelector('#commands button') && document.querySelector('#rest pre')"
            );
            browser.until(&ready).await;
            fits(
                &format!("the view at {width}"),
                "document.getElementById('detail')",
            )
            .await;
            browser.click("[data-command=reset]").await;
            browser.until("document.getElementById('ask').open").await;
            fits(
                &format!("the question at {width}"),
                "document.getElementById('ask')",
            )
            .await;
            browser.click("#ask-no").await;
            browser.click("#detail-close").await;
            browser
                .until("!document.getElementById('detail').open")
                .await;
        }
    }
    world.close().await;
}
