//! The page itself, and the headers that keep it what it is.

use ::http::{
    HeaderMap, HeaderValue, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS},
};

use super::{Body, full};

const HTML: &str = include_str!("page.html");

/// Nothing is loaded but what is in the page; its script and its style are known by
/// their hashes. A test computes them anew and says what to write here.
const POLICY: &str = "default-src 'none'; \
    script-src 'sha256-xK0wKi8qOIRaVy2v7n4BVCkDi6VZ6n3GeeHCweRDNto='; \
    style-src 'sha256-EXWLZWETb6y3I8NrMOGJVVp2O0C1CKWMQvonS6rbxEg='; \
    img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

pub(super) fn page() -> Response<Body> {
    full(
        StatusCode::OK,
        "text/html; charset=utf-8",
        HTML.as_bytes().to_vec(),
    )
}

/// Adds what keeps browsers from doing anything else with an answer.
pub(super) fn protect(headers: &mut HeaderMap) {
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    for (name, value) in [
        ("x-frame-options", "DENY"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
