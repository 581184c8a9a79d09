//! The connection: lost, found again, and from wherever the page is mounted.

use axum::Router;
use fluxgate::{CircuitBreaker, page::Page};

use crate::{
    World, alone,
    driver::Browser,
    in_row,
    server::{Server, free, mounted, operated},
};

#[tokio::test]
async fn page_comes_back_with_the_server() {
    let World {
        browser,
        server,
        operator,
        _alone,
    } = World::open().await;
    let breaker = CircuitBreaker::builder("kept").build().unwrap();
    let word = in_row("kept", "word");
    browser.until(&format!("{word} === 'Closed'")).await;
    let link = "document.getElementById('link').textContent";
    assert_eq!(browser.text(link).await, "live");
    let address = server.address();
    drop(server);
    browser
        .until(&format!("{link} === 'connection lost'"))
        .await;
    browser
        .until("document.getElementById('gone').innerText.startsWith(\"The server can't be reached since\")")
        .await;
    // What was last seen stays, and time stands still.
    assert_eq!(browser.text(&word).await, "Closed");
    let time = in_row("kept", "time");
    let then = browser.text(&time).await;
    breaker.force_open();
    let failed = browser.complaints().await;
    assert!(
        failed.iter().all(|text| text.contains("net::ERR")),
        "{failed:?}"
    );
    assert_eq!(browser.text(&time).await, then);

    let _server = Server::start(address, mounted(operated(&operator)));
    browser.until(&format!("{link} === 'live'")).await;
    browser.until(&format!("{word} === 'Forced open'")).await;
    assert_eq!(
        browser.text("document.getElementById('gone').hidden").await,
        "true"
    );
    let failed = browser.complaints().await;
    assert!(
        failed.iter().all(|text| text.contains("net::ERR")),
        "{failed:?}"
    );
    browser.close().await;
}

/// A server that is started anew may have no breaker yet, or others.
#[tokio::test]
async fn breakers_of_the_old_server_leave() {
    let World {
        browser,
        server,
        operator,
        _alone,
    } = World::open().await;
    let old = CircuitBreaker::builder("of_the_old").build().unwrap();
    browser.until(&in_row("of_the_old", "word")).await;
    browser
        .run("document.getElementById('sort').value = 'name'")
        .await;
    let address = server.address();
    drop(server);
    drop(old);
    let link = "document.getElementById('link').textContent";
    browser
        .until(&format!("{link} === 'connection lost'"))
        .await;
    let _server = Server::start(address, mounted(operated(&operator)));
    browser.until(&format!("{link} === 'live'")).await;
    browser.until("!document.querySelector('.row')").await;
    browser
        .until("!document.getElementById('none').hidden")
        .await;
    browser.complaints().await;
    browser.close().await;
}

#[tokio::test]
async fn page_works_wherever_it_is_mounted() {
    let _alone = alone();
    let _breaker = CircuitBreaker::builder("mounted").build().unwrap();
    let nested = mounted(Page::new());
    let deep = Router::new().nest_service("/ops/v1/breakers", Page::new());
    let whole = Router::new().fallback_service(Page::new());
    let prefixed = Router::new().fallback_service(Page::new().mounted_at("/ops/breakers"));
    for (routes, paths) in [
        (nested, &["/breakers", "/breakers/", "/breakers/?a=b"][..]),
        (deep, &["/ops/v1/breakers", "/ops/v1/breakers/"]),
        (whole, &["/", ""]),
        (prefixed, &["/ops/breakers", "/ops/breakers/"]),
    ] {
        let server = Server::start(free(), routes);
        let browser = Browser::open().await;
        for path in paths {
            browser.goto(&server.url(path)).await;
            browser
                .until(&format!("{} === 'Closed'", in_row("mounted", "word")))
                .await;
            browser.click(".row").await;
            browser.until("document.querySelector('#rest pre')").await;
            browser.goto("about:blank").await;
        }
        browser.close().await;
    }
}
