//! The metrics, as Prometheus reads them.

use std::{
    fmt::{self, Write},
    sync::{Arc, PoisonError},
};

use fluxgate::slack::{ChannelStats, DeliveryStats};

use super::App;

/// Content type and text in the format that `accept` asks for.
pub(super) fn exposition(app: &App, accept: &str) -> (&'static str, String) {
    let (open, content_type) = if !accept.contains("application/openmetrics-text") {
        (false, "text/plain; version=0.0.4; charset=utf-8")
    } else if accept.contains("version=1.0.0") {
        (
            true,
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        )
    } else {
        (
            true,
            "application/openmetrics-text; version=0.0.1; charset=utf-8",
        )
    };
    let received = app.received.lock().unwrap_or_else(PoisonError::into_inner);
    let stats = app.delivery.stats();
    let mut text = Exposition {
        text: String::new(),
        open,
    };
    if !received.is_empty() {
        text.family("queue_size", "gauge", "The current size of the queue");
        text.sample("queue_size", "", stats.queue_size as f64);
    }
    text.counters(
        &stats,
        "failed",
        "The total number of requests failed",
        |s| s.failed,
    );
    text.counters(
        &stats,
        "not_processed",
        "The total number of requests not processed",
        |s| s.not_processed,
    );
    text.channels(
        "received",
        "The total number of requests received",
        received.iter().map(|(channel, count)| (channel, *count)),
    );
    text.counters(
        &stats,
        "retried",
        "The total number of requests retried",
        |s| s.retried,
    );
    // The Go program says "retried" here, its README what it means.
    text.counters(
        &stats,
        "succeeded",
        "The total number of requests that succeeded",
        |s| s.succeeded,
    );
    if app.extended.is_some() {
        text.extended(&stats);
    }
    if open {
        text.text.push_str("# EOF\n");
    }
    (content_type, text.text)
}

struct Exposition {
    text: String,
    /// As `OpenMetrics`.
    open: bool,
}

impl Exposition {
    fn line(&mut self, line: fmt::Arguments<'_>) {
        let _ = writeln!(self.text, "{line}");
    }

    /// In `OpenMetrics` a counter's family is named without `_total`.
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let name = match name.strip_suffix("_total") {
            Some(stem) if self.open => stem,
            _ => name,
        };
        self.line(format_args!("# HELP slackproxy_{name} {help}"));
        self.line(format_args!("# TYPE slackproxy_{name} {kind}"));
    }

    fn sample(&mut self, name: &str, labels: &str, value: f64) {
        if self.open && value.fract() == 0.0 {
            self.line(format_args!("slackproxy_{name}{labels} {value:.1}"));
        } else {
            self.line(format_args!("slackproxy_{name}{labels} {value}"));
        }
    }

    /// A family that appears at its first use.
    fn channels<'a>(
        &mut self,
        name: &str,
        help: &str,
        counts: impl Iterator<Item = (&'a Arc<str>, u64)>,
    ) {
        let name = format!("requests_{name}_total");
        let mut counts = counts.filter(|(_, count)| *count > 0).peekable();
        if counts.peek().is_some() {
            self.family(&name, "counter", help);
        }
        for (channel, count) in counts {
            let labels = format!("{{channel=\"{}\"}}", Escaped(channel));
            self.sample(&name, &labels, count as f64);
        }
    }

    fn counters(
        &mut self,
        stats: &DeliveryStats,
        name: &str,
        help: &str,
        of: fn(&ChannelStats) -> u64,
    ) {
        let counts = stats.channels.iter();
        self.channels(
            name,
            help,
            counts.map(|(channel, stats)| (channel, of(stats))),
        );
    }

    /// What the Go program has no metrics for.
    fn extended(&mut self, stats: &DeliveryStats) {
        let refused = "requests_refused_total";
        self.family(
            refused,
            "counter",
            "Posts refused because the queue was full",
        );
        self.sample(refused, "", stats.refused as f64);

        let name = "send_duration_seconds";
        self.family(name, "histogram", "How long requests to Slack took");
        for (bound, count) in &stats.requests.buckets {
            let labels = format!("{{le=\"{:?}\"}}", bound.as_secs_f64());
            self.sample("send_duration_seconds_bucket", &labels, *count as f64);
        }
        let all = stats.requests.count as f64;
        self.sample("send_duration_seconds_bucket", "{le=\"+Inf\"}", all);
        let sum = stats.requests.sum.as_secs_f64();
        self.sample("send_duration_seconds_sum", "", sum);
        self.sample("send_duration_seconds_count", "", all);
    }
}

/// A label's value.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '\\' => f.write_str("\\\\")?,
                '"' => f.write_str("\\\"")?,
                '\n' => f.write_str("\\n")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}
