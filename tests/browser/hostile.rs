//! Names and error texts that would be code, markup or a lie.

use std::io;

use fluxgate::{
    CircuitBreaker, Command, Name, State, keyed::CircuitBreakers, tracker::All,
    tripper::FailureStreak,
};
use serde_json::json;

use crate::{
    World, alone,
    driver::Browser,
    in_row,
    server::{Server, free, operator},
};

/// Each begins as a name has to.
const NAMES: [&str; 8] = [
    "a<img src=x onerror=\"window.harmed=1\">",
    "b</script><script>window.harmed=2</script>",
    "c\"'><svg onload=window.harmed=3>",
    "d${window.harmed=4} {{7*7}} `x` \\",
    "javascript:window.harmed=5//",
    "data: {\"rows\":[]}\n\ndata: x",
    "a/../b?c=d#e%2F&f",
    "x\u{202e}gnp.exe \u{0} é漢🚨",
];

/// No element of the page was made from a text.
async fn unharmed(browser: &Browser) {
    assert_eq!(browser.text("window.harmed").await, "undefined");
    let made = "[...document.body.querySelectorAll('img, iframe, [onerror], [onload], body script + script')]";
    assert_eq!(browser.text(&format!("{made}.length")).await, "0");
    assert_eq!(browser.text("document.scripts.length").await, "1");
}

#[tokio::test]
async fn hostile_texts_are_texts() {
    let world = World::open().await;
    let browser = &world.browser;
    let build = |name: &str| {
        let builder = CircuitBreaker::builder(Name::from(name.to_owned()));
        builder.tripper(FailureStreak::new(1)).build().unwrap()
    };
    let breakers = NAMES.map(build);
    for (breaker, text) in breakers.iter().zip(NAMES.iter().cycle().skip(2)) {
        let protected = breaker.with_tracker(All).failure_texts();
        let failed = protected.call(|| Err::<(), _>(io::Error::other(*text)));
        assert!(failed.is_err());
        breaker.command_by(Command::ForceOpen, text);
    }
    for (name, breaker) in NAMES.iter().zip(&breakers) {
        browser
            .until(&format!("{} === 'Forced open'", in_row(name, "word")))
            .await;
        // Its own view, by the row.
        let shown = json!(name);
        browser
            .run(&format!(
                "[...document.querySelectorAll('.row')]\
                 .find(row => row.querySelector('.name').textContent === {shown}).click()"
            ))
            .await;
        let title = format!("document.getElementById('detail-name').textContent === {shown}");
        let there = format!("{title} && document.querySelector('#rest ol.log')");
        browser.until(&there).await;
        let by = breaker.info().flight.transitions[1].by.clone().unwrap();
        let view = browser
            .run("return document.getElementById('body').textContent")
            .await;
        assert!(
            view.as_str().unwrap().contains(&*by),
            "{by} is not in {view}"
        );
        let failure = &breaker.info().flight.failures[0].text;
        assert!(
            view.as_str().unwrap().contains(&**failure),
            "{failure} is not in {view}"
        );
        // And a command goes to it, and to no other.
        browser.click("[data-command=disable]").await;
        browser.until("document.getElementById('ask').open").await;
        let question = browser
            .run("return document.getElementById('ask-title').textContent")
            .await;
        assert_eq!(question, format!("Disable: {name}?"));
        browser.click("#ask-yes").await;
        browser.until("!document.getElementById('ask').open").await;
        assert_eq!(breaker.state(), State::Disabled, "{name}");
        unharmed(browser).await;
        browser.click("#detail-close").await;
        browser
            .until("!document.getElementById('detail').open")
            .await;
    }
    world.close().await;
}

#[tokio::test]
async fn hostile_keys_and_listeners_are_texts() {
    let world = World::open().await;
    let browser = &world.browser;
    let set = CircuitBreakers::<String>::builder(NAMES[0])
        .build()
        .unwrap();
    let _keys = [set.get(NAMES[1]), set.get(NAMES[2])];
    let _breaker = CircuitBreaker::builder("heard")
        .try_listener(NAMES[0], Err::<fn(&fluxgate::Signal), _>(NAMES[1]))
        .build()
        .unwrap();
    browser.until("document.querySelector('.fold')").await;
    browser.click(".fold").await;
    browser
        .until("document.querySelectorAll('.in-set').length === 2")
        .await;
    browser.goto(&world.server.url("/breakers#heard")).await;
    browser.until("document.querySelector('#rest table')").await;
    let view = browser
        .run("return document.getElementById('body').textContent")
        .await;
    for text in &NAMES[..2] {
        assert!(
            view.as_str().unwrap().contains(text),
            "{text} is not in {view}"
        );
    }
    unharmed(browser).await;
    world.close().await;
}

/// Were a text ever taken for markup, the policy would keep it from doing harm.
#[tokio::test]
async fn policy_lets_nothing_foreign_in() {
    let _alone = alone();
    let elsewhere = axum::Router::new().fallback(|| async { axum::http::StatusCode::NO_CONTENT });
    let elsewhere = Server::start(free(), elsewhere);
    let server = Server::operated(&operator("alice"));
    let browser = Browser::open().await;
    browser.goto(&server.url("/breakers")).await;
    browser
        .until("document.getElementById('link').textContent === 'live'")
        .await;
    let foreign = elsewhere.url("/");
    for (attempt, directive) in [
        (format!("const image = new Image(); image.src = '{foreign}'; document.body.append(image)"), "img-src"),
        (format!("fetch('{foreign}').catch(() => 0)"), "connect-src"),
        ("document.body.setAttribute('onclick', 'window.harmed=1'); document.body.click()".to_owned(), "require-trusted-types-for"),
        ("document.body.innerHTML = '<b>x</b>'".to_owned(), "require-trusted-types-for"),
        ("const style = document.createElement('style'); style.textContent = '*{}'; document.head.append(style)".to_owned(), "style-src-elem"),
        (format!("const form = document.createElement('form'); form.action = '{foreign}'; document.body.append(form); form.submit()"), "form-action"),
        (format!("const frame = document.createElement('iframe'); frame.src = '{foreign}'; document.body.append(frame)"), "frame-src"),
        ("const base = document.createElement('base'); base.href = '/x/'; document.head.append(base)".to_owned(), "base-uri"),
    ] {
        let script = format!(
            "const told = new Promise(done => document.addEventListener('securitypolicyviolation', \
                event => done(event.effectiveDirective), {{ once: true }})); \
             try {{ {attempt} }} catch {{ }} return told"
        );
        assert_eq!(browser.run(&script).await, directive, "{attempt}");
    }
    assert_eq!(browser.text("window.harmed").await, "undefined");
    let complaints = browser.complaints().await;
    assert!(!complaints.is_empty());
    browser.close().await;
}
