//! The operators' page: its answers, and what keeps it from harm. Each of the security
//! points fails without its protection.

use std::{collections::HashMap, future::poll_fn, pin::pin};

use bytes::Bytes;
use fluxgate::{CircuitBreaker, Command, Name, State, keyed::CircuitBreakers, page::Page, testing};
use fluxgate_tests::reports;
use http::{Request, Response, StatusCode, request::Parts};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

fn breaker(name: &str) -> CircuitBreaker {
    let builder = CircuitBreaker::builder(Name::from(name.to_owned()));
    builder.build().unwrap()
}

async fn send(
    page: &Page,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> Response<fluxgate::page::Body> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(String::new()).unwrap();
    page.clone().oneshot(request).await.unwrap()
}

async fn text(response: Response<fluxgate::page::Body>) -> String {
    let bytes: Bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn operated() -> Page {
    Page::new().commands(|parts: &Parts| {
        let name = parts.headers.get("x-user")?.to_str().ok()?;
        Some(name.to_owned())
    })
}

const COMMAND: (&str, &str) = ("x-fluxgate-command", "1");
const ALICE: (&str, &str) = ("x-user", "alice");

async fn status(page: &Page, method: &str, path: &str, headers: &[(&str, &str)]) -> u16 {
    send(page, method, path, headers).await.status().as_u16()
}

#[tokio::test]
async fn commands_need_author_header_and_origin() {
    let breaker = breaker("page_commanded");
    let path = "/api/breakers/page_commanded/force_open";
    let host = ("host", "ops.example:8080");
    let page = operated();
    for headers in [
        &[][..],
        &[ALICE, host],
        &[COMMAND, host],
        &[COMMAND, ("x-fluxgate-command", "1"), ALICE],
        &[("x-fluxgate-command", "0"), ALICE],
        &[COMMAND, ALICE, host, ("origin", "http://evil.example")],
        &[COMMAND, ALICE, host, ("origin", "http://ops.example")],
        &[COMMAND, ALICE, host, ("origin", "null")],
        &[COMMAND, ALICE, host, ("sec-fetch-site", "cross-site")],
        &[COMMAND, ALICE, host, ("sec-fetch-site", "same-site")],
        &[COMMAND, ALICE, host, ("sec-fetch-site", "none")],
    ] {
        assert_eq!(
            status(&page, "POST", path, headers).await,
            403,
            "{headers:?}"
        );
    }
    assert_eq!(
        status(&Page::new(), "POST", path, &[COMMAND, ALICE]).await,
        403
    );
    for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"] {
        assert_eq!(status(&page, method, path, &[COMMAND, ALICE]).await, 405);
    }
    assert_eq!(breaker.state(), State::Closed);
    let headers = [COMMAND, ALICE, host, ("origin", "http://ops.example:8080")];
    assert_eq!(status(&page, "POST", path, &headers).await, 200);
    assert_eq!(breaker.state(), State::ForcedOpen);
    let last = breaker.info().flight.transitions.pop().unwrap();
    assert_eq!(last.by.as_deref(), Some("alice"));
    let unknown = "/api/breakers/page_commanded/explode";
    assert_eq!(status(&page, "POST", unknown, &[COMMAND, ALICE]).await, 400);
    let nobody = "/api/breakers/page_no_such/reset";
    assert_eq!(status(&page, "POST", nobody, &[COMMAND, ALICE]).await, 404);
}

/// Whatever speaks against a command, the log has it: to which breaker, and why.
#[test]
fn refused_commands_are_logged() {
    let breaker = breaker("page_logged");
    let path = "/api/breakers/page_logged/disable";
    let refused = |page: &Page, path: &str, headers: &[(&str, &str)]| {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.build().unwrap();
        let (said, status) =
            reports::of(|| runtime.block_on(async { status(page, "POST", path, headers).await }));
        assert_eq!(status, 403);
        let [said] = <[String; 1]>::try_from(said).unwrap();
        said
    };
    let page = operated();
    for (page, headers, why) in [
        (
            &Page::new(),
            &[COMMAND, ALICE][..],
            "this page is read only",
        ),
        (&page, &[ALICE], "needs the header `X-Fluxgate-Command: 1`"),
        (
            &page,
            &[COMMAND, ALICE, ("sec-fetch-site", "cross-site")],
            "of another origin",
        ),
        (&page, &[COMMAND], "you may not give commands"),
    ] {
        let said = refused(page, path, headers);
        assert!(said.contains("\"disable\""), "{said}");
        assert!(said.contains("\"page_logged\""), "{said}");
        assert!(said.contains(why), "{said}");
    }
    // It can't forge a line, or fill a disk.
    let long = format!(
        "/api/breakers/x%0AERROR%20all%20is%20lost{}/y",
        "z".repeat(5000)
    );
    let said = refused(&page, &long, &[COMMAND]);
    assert!(!said.contains('\n') && said.len() < 400, "{said}");
    assert_eq!(breaker.state(), State::Closed);
}

#[tokio::test]
async fn both_vocabularies_are_understood() {
    let breaker = breaker("page_words");
    let page = operated();
    for command in Command::ALL {
        for word in [command.as_str(), command.state().as_str()] {
            let path = format!("/api/breakers/page_words/{word}");
            let headers = [COMMAND, ALICE];
            assert_eq!(status(&page, "POST", &path, &headers).await, 200, "{word}");
            assert_eq!(breaker.state(), command.state(), "{word}");
        }
    }
}

#[tokio::test]
async fn panic_in_authorisation_refuses() {
    let breaker = breaker("page_panics");
    let page = Page::new().commands(|_| panic!("no database"));
    let path = "/api/breakers/page_panics/disable";
    assert_eq!(status(&page, "POST", path, &[COMMAND]).await, 403);
    assert_eq!(breaker.state(), State::Closed);
}

#[tokio::test]
async fn policy_knows_script_and_style_by_hash() {
    let response = send(&Page::new(), "GET", "/", &[]).await;
    let policy = response.headers()["content-security-policy"]
        .to_str()
        .unwrap()
        .to_owned();
    let directives: HashMap<_, _> = policy
        .split("; ")
        .filter_map(|directive| directive.trim().split_once(' '))
        .collect();
    assert_eq!(directives["default-src"], "'none'");
    assert!(!policy.contains("unsafe"), "{policy}");
    let html = text(response).await;
    for (tag, directive) in [("script", "script-src"), ("style", "style-src")] {
        let (_, rest) = html.split_once(&format!("<{tag}>")).unwrap();
        let (inside, _) = rest.split_once(&format!("</{tag}>")).unwrap();
        let hash = base64(&sha256(inside.as_bytes()));
        assert_eq!(
            directives[directive],
            format!("'sha256-{hash}'"),
            "write this hash"
        );
    }
    for foreign in ["http://", "https://", "//cdn", "innerHTML", "eval("] {
        let own = html
            .replace("http://www.w3.org/2000/svg", "")
            .replace("'http://www", "");
        assert!(!own.contains(foreign), "{foreign}");
    }
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).to_vec()
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[tokio::test]
async fn names_are_percent_decoded() {
    let hostile = "a/b <img src=x onerror=alert(1)> ü";
    let _kept = breaker(hostile);
    let page = Page::new();
    let path = "/api/breakers/a%2Fb%20%3Cimg%20src=x%20onerror=alert(1)%3E%20%C3%BC";
    let response = send(&page, "GET", path, &[]).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    let found: Value = serde_json::from_str(&text(response).await).unwrap();
    assert_eq!(found["breakers"][0]["info"]["name"], hostile);
    for bad in [
        "/api/breakers/%zz",
        "/api/breakers/%ff",
        "/api/breakers/%2",
        "/other",
    ] {
        assert_eq!(status(&page, "GET", bad, &[]).await, 404, "{bad}");
    }
}

#[tokio::test]
async fn listings_are_bounded() {
    let _own = testing::isolate();
    let build = |name: String| CircuitBreaker::builder(name).build().unwrap();
    let mut breakers: Vec<_> = (0..2005).map(|i| build(format!("b{i}"))).collect();
    breakers[2004].force_open();
    let page = Page::new();
    let list = async |path: &str| {
        let list = text(send(&page, "GET", path, &[]).await).await;
        serde_json::from_str::<Value>(&list).unwrap()
    };
    let all = list("/api/breakers").await;
    assert_eq!(all["left_out"], 5);
    let rows = all["breakers"].as_array().unwrap();
    assert_eq!(rows.len(), 2000);
    assert_eq!(
        rows[0]["name"], "b2004",
        "what is not closed is not left out"
    );

    breakers.extend((0..25).map(|_| build("same".to_owned())));
    breakers.last().unwrap().disable();
    let same = list("/api/breakers/same").await;
    assert_eq!(same["left_out"], 5);
    let rows = same["breakers"].as_array().unwrap();
    assert_eq!(rows.len(), 20);
    assert_eq!(rows[0]["info"]["state"], "disabled");

    drop(breakers);
    let none = list("/api/breakers").await;
    assert_eq!(none, serde_json::json!({ "left_out": 0, "breakers": [] }));
}

#[tokio::test]
async fn events_carry_what_changed() {
    let quiet = breaker("page_quiet");
    let loud = breaker("page_loud");
    let page = operated();
    let response = send(&page, "GET", "/api/events", &[ALICE]).await;
    let mut body = pin!(response.into_body());
    let mut event = async || loop {
        let frame = poll_fn(|context| body.as_mut().poll_frame(context)).await;
        let data = frame.unwrap().unwrap().into_data().unwrap();
        let text = String::from_utf8(data.to_vec()).unwrap();
        let (_, json) = text.split_once("data: ").unwrap();
        let event: Value = serde_json::from_str(json).unwrap();
        if event["rows"].is_array() {
            return event;
        }
    };
    let all = event().await;
    assert_eq!(all["rights"]["operator"], "alice");
    let rows = all["rows"].as_array().unwrap();
    let id = |name| {
        rows.iter()
            .find(|row| row["fixed"]["name"] == name)
            .unwrap()["id"]
            .clone()
    };
    let (quiet_id, loud_id) = (id("page_quiet"), id("page_loud"));
    loud.force_open();
    loop {
        let next = event().await;
        let rows = next["rows"].as_array().unwrap();
        assert!(rows.iter().all(|row| row["id"] != quiet_id), "{next}");
        let Some(row) = rows.iter().find(|row| row["id"] == loud_id) else {
            continue;
        };
        assert_eq!(row["live"]["state"], "forced_open");
        assert_eq!(row["fixed"], Value::Null);
        break;
    }
    drop(quiet);
}

#[tokio::test]
async fn open_pages_are_bounded() {
    let page = Page::new();
    let mut open = Vec::new();
    for _ in 0..64 {
        open.push(send(&page, "GET", "/api/events", &[]).await);
    }
    assert!(open.iter().all(|response| response.status() == 200));
    assert_eq!(status(&page, "GET", "/api/events", &[]).await, 503);
    open.pop();
    assert_eq!(status(&page, "GET", "/api/events", &[]).await, 200);
}

#[tokio::test]
async fn keys_are_listed_and_commanded_once() {
    let set = CircuitBreakers::<String>::builder("page_set")
        .build()
        .unwrap();
    let key = set.get("labelled");
    let name = key.name().as_str();
    let page = operated();
    let list = text(send(&page, "GET", "/api/breakers", &[]).await).await;
    let list: Value = serde_json::from_str(&list).unwrap();
    assert_eq!(list["left_out"], 0);
    let rows = list["breakers"].as_array().unwrap().iter();
    assert_eq!(rows.filter(|row| row["name"] == name).count(), 1);
    let path = "/api/breakers/page_set%2Flabelled/force_open";
    let answer = text(send(&page, "POST", path, &[COMMAND, ALICE]).await).await;
    assert_eq!(answer, "{\"commanded\":1}");
    assert_eq!(key.state(), State::ForcedOpen);

    let mut body = pin!(send(&page, "GET", "/api/events", &[]).await.into_body());
    let event = body.frame().await.unwrap().unwrap().into_data().unwrap();
    let event = String::from_utf8(event.to_vec()).unwrap();
    let data = event.split_once("data: ").unwrap().1;
    let data: Value = serde_json::from_str(data).unwrap();
    let mut rows = data["rows"].as_array().unwrap().iter();
    let row = rows.find(|row| row["fixed"]["name"] == name);
    assert_eq!(row.unwrap()["fixed"]["set"], "page_set");
}
