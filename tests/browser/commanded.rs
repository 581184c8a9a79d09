//! Commands: asked for twice, given once, and refused to those who may not.

use std::sync::PoisonError;

use fluxgate::{CircuitBreaker, Command, State, page::Page};

use crate::{
    World, alone,
    driver::Browser,
    in_row,
    server::{Server, free, operator},
};

impl World {
    /// Opens the view of a breaker, and waits for its buttons.
    async fn look_at(&self, breaker: &str) {
        let ready = format!("{} !== undefined", in_row(breaker, "word"));
        self.browser.until(&ready).await;
        let url = self.server.url(&format!("/breakers#{breaker}"));
        self.browser.goto(&url).await;
        self.browser
            .until("document.querySelector('#commands')")
            .await;
    }

    async fn ask(&self, command: &str) {
        self.browser
            .click(&format!("[data-command={command}]"))
            .await;
        self.browser
            .until("document.getElementById('ask').open")
            .await;
    }
}

const ASKS: &str = "document.getElementById('ask').open";

#[tokio::test]
async fn buttons_ask_before_they_command() {
    let world = World::open().await;
    let breaker = CircuitBreaker::builder("commanded").build().unwrap();
    world.look_at("commanded").await;
    let browser = &world.browser;
    for command in Command::ALL {
        let before = breaker.state();
        let commands = breaker.info().flight.transitions.len();
        world.ask(command.as_str()).await;
        let question = browser
            .text("document.getElementById('ask').innerText")
            .await;
        assert!(question.contains("commanded?"), "{question}");
        assert!(question.contains("recorded as yours, alice."), "{question}");
        browser.click("#ask-no").await;
        browser.until(&format!("!{ASKS}")).await;
        assert_eq!(breaker.state(), before);

        world.ask(command.as_str()).await;
        browser.click("#ask-yes").await;
        browser.until(&format!("!{ASKS}")).await;
        assert_eq!(breaker.state(), command.state());
        let transitions = breaker.info().flight.transitions;
        assert_eq!(transitions.len(), commands + 1, "given once");
        assert_eq!(transitions.last().unwrap().by.as_deref(), Some("alice"));
        let by = format!("{} === 'commanded by alice'", in_row("commanded", "says"));
        browser.until(&by).await;
    }
    world.close().await;
}

#[tokio::test]
async fn withdrawn_right_is_refused() {
    let world = World::open().await;
    let breaker = CircuitBreaker::builder("withdrawn").build().unwrap();
    world.look_at("withdrawn").await;
    world.ask("disable").await;
    *world
        .operator
        .lock()
        .unwrap_or_else(PoisonError::into_inner) = None;
    let browser = &world.browser;
    browser.click("#ask-yes").await;
    let refused = "document.getElementById('ask-error').textContent";
    browser
        .until(&format!(
            "{refused} === 'Refused: you may not give commands.'"
        ))
        .await;
    assert_eq!(breaker.state(), State::Closed);
    let complaints = browser.complaints().await;
    assert!(
        matches!(&complaints[..], [one] if one.contains("403")),
        "{complaints:?}"
    );
    world.close().await;
}

#[tokio::test]
async fn page_without_commands_has_no_buttons() {
    let _alone = alone();
    let _breaker = CircuitBreaker::builder("looked_at").build().unwrap();
    for page in [Page::new(), Page::new().commands(|_| None)] {
        let server = Server::with_page(page);
        let browser = Browser::open().await;
        browser.goto(&server.url("/breakers#looked_at")).await;
        browser.until("document.querySelector('#rest pre')").await;
        assert_eq!(
            browser
                .text("document.querySelectorAll('[data-command]').length")
                .await,
            "0"
        );
        browser.close().await;
    }
}

/// The operator's rights come from nothing that the request holds, as with a cookie:
/// what keeps a foreign page from using them is the page's own.
#[tokio::test]
async fn foreign_page_commands_nothing() {
    let _alone = alone();
    let breaker = CircuitBreaker::builder("coveted").build().unwrap();
    let server = Server::operated(&operator("alice"));
    let evil = axum::Router::new().route(
        "/",
        axum::routing::get(|| async { axum::response::Html("<title>Win a prize</title>") }),
    );
    let evil = Server::start(free(), evil);
    let browser = Browser::open().await;
    browser.goto(&evil.url("/")).await;
    let command = server.url("/breakers/api/breakers/coveted/force_open");
    // With the header a browser asks first, and gets no leave.
    for attempt in [
        "{ method: 'POST', headers: { 'X-Fluxgate-Command': '1' } }",
        "{ method: 'POST', headers: { 'X-Fluxgate-Command': '1' }, credentials: 'include' }",
        "{ method: 'POST', mode: 'no-cors', headers: { 'X-Fluxgate-Command': '1' } }",
        "{ method: 'POST', mode: 'no-cors', credentials: 'include', body: 'x' }",
        "{ method: 'PUT' }",
        "{}",
    ] {
        let sent = format!("fetch('{command}', {attempt})");
        let script = format!("return {sent}.then(answer => answer.type, error => 'kept back')");
        let result = browser.run(&script).await;
        assert!(
            result == "kept back" || result == "opaque",
            "{attempt}: {result}"
        );
        assert_eq!(breaker.state(), State::Closed, "{attempt}");
    }
    // It reads nothing, either.
    for path in [
        "/breakers/api/breakers",
        "/breakers/api/events",
        "/breakers",
    ] {
        let script = format!(
            "return fetch('{}').then(() => 'read', () => 'kept back')",
            server.url(path)
        );
        assert_eq!(browser.run(&script).await, "kept back", "{path}");
    }
    // In a frame, buttons could be put under a visitor's mouse.
    browser.complaints().await;
    let framed = format!(
        "const frame = document.createElement('iframe'); frame.src = '{}'; \
         const loaded = new Promise(done => frame.onload = done); \
         document.body.append(frame); return loaded.then(() => true)",
        server.url("/breakers")
    );
    browser.run(&framed).await;
    let complaints = browser.complaints().await.join("\n");
    assert!(complaints.contains("frame-ancestors"), "{complaints}");
    // A form needs no leave, and is refused.
    let form = format!(
        "const form = document.createElement('form'); form.method = 'post'; \
         form.action = '{command}'; document.body.append(form); form.submit()"
    );
    browser.run(&form).await;
    browser
        .until("document.body.innerText.includes('X-Fluxgate-Command')")
        .await;
    assert_eq!(breaker.state(), State::Closed);
    let complaints = browser.complaints().await.join("\n");
    assert!(complaints.contains("403"), "{complaints}");
    browser.close().await;
}
