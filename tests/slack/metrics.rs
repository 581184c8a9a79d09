//! The counters as Prometheus metrics.

use std::time::Duration;

use fluxgate::slack::PrometheusCollector;
use prometheus::{Registry, TextEncoder};

use crate::{
    fake::{Act, Slack},
    rig::{deliver, hasty, message},
};

#[test]
fn all_deliveries_are_exported_together() {
    let slack = Slack::start();
    slack.will([Act::Drop, Act::Ok, Act::code("no_text")]);
    // The counts of a delivery last as long as itself.
    let deliveries = [(); 2].map(|()| {
        let delivery = deliver(&slack, &hasty());
        let sent = delivery.try_send(message("#exported", "x"));
        sent.unwrap();
        assert_eq!(delivery.flush(Duration::from_secs(10)).left, 0);
        delivery
    });
    let registry = Registry::new();
    registry
        .register(Box::new(PrometheusCollector::new()))
        .unwrap();
    let page = TextEncoder::new()
        .encode_to_string(&registry.gather())
        .unwrap();
    for (name, value) in [
        ("received", 2),
        ("succeeded", 1),
        ("failed", 1),
        ("retried", 1),
        ("not_processed", 0),
        ("dropped", 0),
    ] {
        let sample =
            format!("fluxgate_slack_requests_{name}_total{{channel=\"#exported\"}} {value}");
        assert!(page.lines().any(|line| line == sample), "{sample}:\n{page}");
    }
    for part in [
        "# TYPE fluxgate_slack_send_duration_seconds histogram",
        "fluxgate_slack_send_duration_seconds_bucket{le=\"0.05\"} ",
        "fluxgate_slack_workers ",
        "fluxgate_slack_queue_size ",
    ] {
        assert!(page.contains(part), "{part}:\n{page}");
    }
    drop(deliveries);
}
