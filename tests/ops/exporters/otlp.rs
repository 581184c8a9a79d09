//! What an OTLP collector receives.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use opentelemetry_otlp::WithExportConfig;
use opentelemetry_proto::tonic::{
    collector::metrics::v1::{
        ExportMetricsServiceRequest, ExportMetricsServiceResponse,
        metrics_service_server::{MetricsService, MetricsServiceServer},
    },
    common::v1::{KeyValue, any_value::Value},
    metrics::v1::{HistogramDataPoint, Metric, NumberDataPoint, metric::Data, number_data_point},
};
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use tokio::{net::TcpListener, runtime::Runtime};
use tonic::{Request, Response, Status, service::Routes};

use super::{Series, series};

/// A collector on loopback, and a meter provider that exports to it.
pub(super) struct Pipe {
    pub(super) provider: SdkMeterProvider,
    received: Received,
    _runtime: Runtime,
}

/// The last request.
#[derive(Clone, Default)]
struct Received(Arc<Mutex<Option<ExportMetricsServiceRequest>>>);

#[tonic::async_trait]
impl MetricsService for Received {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        *self.0.lock().unwrap() = Some(request.into_inner());
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}

/// What was received in one export.
#[derive(Default)]
pub(super) struct Export {
    pub(super) counters: Series,
    pub(super) gauges: Series,
    pub(super) histograms: Vec<(String, HistogramDataPoint)>,
    /// Each metric with its help and unit.
    pub(super) described: Vec<(String, String, String)>,
}

impl Pipe {
    pub(super) fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let received = Received::default();
        let address = runtime.block_on(serve(received.clone()));
        let _inside = runtime.enter();
        let exporter = opentelemetry_otlp::MetricExporter::builder()
            .with_tonic()
            .with_endpoint(format!("http://{address}"))
            .with_timeout(Duration::from_secs(30))
            .build()
            .unwrap();
        let reader = PeriodicReader::builder(exporter).with_interval(Duration::from_secs(3600));
        let provider = SdkMeterProvider::builder().with_reader(reader.build());
        Self {
            provider: provider.build(),
            received,
            _runtime: runtime,
        }
    }

    /// Exports all that there is.
    pub(super) fn export(&self) -> Export {
        self.provider.force_flush().unwrap();
        let request = self.received.0.lock().unwrap().take();
        let resources = request.expect("an export").resource_metrics.into_iter();
        let scopes = resources.flat_map(|resource| resource.scope_metrics);
        let mut export = Export::default();
        for metric in scopes.flat_map(|scope| scope.metrics) {
            export.add(metric);
        }
        export
    }
}

async fn serve(received: Received) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let routes = Routes::new(MetricsServiceServer::new(received));
    let server = tonic::transport::Server::builder().add_routes(routes);
    let incoming = tonic::transport::server::TcpIncoming::from(listener);
    tokio::spawn(server.serve_with_incoming(incoming));
    address
}

impl Export {
    fn add(&mut self, metric: Metric) {
        let Metric {
            name,
            description,
            unit,
            ..
        } = metric;
        match metric.data.expect("data") {
            Data::Gauge(gauge) => add(&mut self.gauges, &name, &gauge.data_points),
            Data::Sum(sum) => {
                assert!(sum.is_monotonic, "{name}");
                add(&mut self.counters, &name, &sum.data_points);
            }
            Data::Histogram(histogram) => {
                let points = histogram.data_points.into_iter();
                self.histograms
                    .extend(points.map(|point| (labelled(&name, &point.attributes), point)));
            }
            other => panic!("{name}: {other:?}"),
        }
        self.described.push((name, description, unit));
    }
}

fn add(to: &mut Series, name: &str, points: &[NumberDataPoint]) {
    for point in points {
        let value = match point.value {
            Some(number_data_point::Value::AsDouble(value)) => value,
            Some(number_data_point::Value::AsInt(value)) => value as f64,
            None => panic!("{name} without a value"),
        };
        let before = to.insert(labelled(name, &point.attributes), value);
        assert_eq!(before, None, "{name} has a series twice");
    }
}

fn labelled(name: &str, attributes: &[KeyValue]) -> String {
    let labels = attributes.iter().map(|attribute| {
        let value = attribute
            .value
            .as_ref()
            .and_then(|value| value.value.as_ref());
        match value {
            Some(Value::StringValue(text)) => (attribute.key.as_str(), text.as_str()),
            // Of the series beyond the bound of the SDK.
            Some(Value::BoolValue(true)) => (attribute.key.as_str(), "true"),
            other => panic!("{name}: {other:?}"),
        }
    });
    series(name, labels)
}
