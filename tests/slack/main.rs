//! The delivery to Slack, its listener, and the slack-proxy of the examples,
//! against a scripted Slack on loopback.
//!
//! Tests named `conformance…` replay recordings: of slack-proxy 0.3.0 (Go) in
//! `tests/vectors/slack-proxy/`, of the listener of fluxgate 0.9.4 (Python) in
//! `tests/vectors/fluxgate/slack.jsonl`; or those in the folder that the
//! environment variable `FLUXGATE_VECTORS` names.

mod attribute;
mod fake;
mod faults;
mod hostile_clients;
mod hostile_slack;
mod http;
mod listener;
mod listener_recordings;
mod log;
mod metrics;
mod outage;
#[path = "../../examples/slack-proxy/proxy/mod.rs"]
mod proxy;
mod proxy_program;
mod proxy_recordings;
mod recording;
mod replay;
mod rig;
mod runtimes;
mod vectors;
