//! A program that measures: instruments, bound instruments, an observable one, a view, and an exporter of its own.
//!
//! ```sh
//! cargo run -p ferrotel --example metrics
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use ferrotel::resource::Resource;
use ferrotel::sdk::export::ExportResult;
use ferrotel::sdk::metrics::{
    Aggregation, InstrumentSelector, MeterProvider, MetricData, MetricExporter, MetricsData, View,
};

/// Prints one line for each metric. `ferrotel-otlp` has the exporter that sends them to a collector.
struct Printer;

impl MetricExporter for Printer {
    fn export(&self, data: &MetricsData) -> ExportResult {
        let scopes = data.resource_metrics.iter().flat_map(|of| &of.scope_metrics);
        for metric in scopes.flat_map(|of| &of.metrics) {
            match &metric.data {
                MetricData::Sum { points, .. } | MetricData::Gauge { points } => {
                    for point in points {
                        println!("{} {:?} = {:?}", metric.name, point.attributes, point.value);
                    }
                }
                MetricData::Histogram { points, .. } => {
                    points.iter().for_each(|point| println!("{} {:?}", metric.name, point.bucket_counts));
                }
                MetricData::ExponentialHistogram { points, .. } => {
                    for point in points {
                        println!("{} at scale {}: {:?}", metric.name, point.scale, point.positive);
                    }
                }
            }
        }
        Ok(())
    }

    fn shutdown(&self) {}

    fn component_type(&self) -> &'static str {
        "printer"
    }
}

fn main() {
    let provider = MeterProvider::builder()
        .with_resource(Resource::new([("service.name", "shop")]))
        .with_view(
            View::new(InstrumentSelector::name("*.duration"))
                .with_aggregation(Aggregation::EXPONENTIAL_BUCKET_HISTOGRAM),
        )
        .with_periodic_exporter(Arc::new(Printer))
        .build();
    let meter = provider.meter("shop");

    let orders = meter.counter("orders").with_unit("{order}").with_description("Orders taken").build();
    let paid = orders.bind([("paid", true)]);
    let duration = meter.histogram("order.duration").with_unit("s").build();
    let stock = Arc::new(AtomicI64::new(100));
    let left = stock.clone();
    meter
        .observable_gauge("stock")
        .with_callback(move |observer| observer.observe(left.load(Ordering::Relaxed), [("item", "tea")]))
        .build();

    for n in 1..=10 {
        paid.add(1);
        duration.record(f64::from(n) / 8.0, [("item", "tea")]);
        stock.fetch_sub(1, Ordering::Relaxed);
    }
    orders.add(1, [("paid", false)]);
    provider.shutdown(Duration::from_secs(5));
}
