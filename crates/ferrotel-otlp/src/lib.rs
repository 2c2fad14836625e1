//! OTLP for [`ferrotel`]: exporters over gRPC and HTTP, and the encoder behind them.
//!
//! # Tracing into a collector
//!
//! ```no_run
//! use ferrotel::resource::Resource;
//! use ferrotel::sdk::trace::TracerProvider;
//! use ferrotel_otlp::{OtlpSpanExporter, Protocol};
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! let exporter = OtlpSpanExporter::builder(Protocol::Grpc).endpoint("http://localhost:4317").build()?;
//! let provider = TracerProvider::builder()
//!     .with_resource(Resource::new([("service.name", "shop")]))
//!     .with_batch_exporter(Arc::new(exporter))
//!     .build();
//! provider.tracer("shop").in_span("checkout", |span| span.set_attribute("items", 3));
//! provider.shutdown(Duration::from_secs(5));
//! # Ok::<(), ferrotel_otlp::ConfigError>(())
//! ```
//!
//! # What to expect
//!
//! * Configuration is by code, then by `OTEL_EXPORTER_OTLP_*`, then by default: see [`ExporterBuilder`].
//! * Nothing is connected and no thread made before the first export. Requests run on the thread that exports.
//! * An export takes the timeout at most, all retries included, and [`shutdown`] ends it early.
//! * With a [`spool_dir`](ExporterBuilder::spool_dir), a thread of the exporter's own makes the requests, an export takes 0.2 s at
//!   most, and it is accepted when the batch is delivered or on disk.
//! * No error of a server or of the network is a panic. Each kind of trouble is reported once per change of state, with
//!   what to do about it, through [`diagnostics`].
//! * A process that is forked from one with an exporter makes its own connections.
//!
//! [`shutdown`]: ferrotel::sdk::trace::SpanExporter::shutdown
//! [`diagnostics`]: ferrotel::common::diagnostics

mod config;
pub mod encode;
mod exporter;
mod outbox;
mod signal;
mod split;
mod transport;

pub use config::{
    ConfigError, ExporterBuilder, HistogramAggregation, LogRecordExporterBuilder, MetricExporterBuilder,
    SpanExporterBuilder, TemporalityPreference, UnknownPreference,
};
pub use exporter::{OtlpExporter, OtlpLogRecordExporter, OtlpMetricExporter, OtlpSpanExporter};
pub use signal::{Exported, Logs, Metrics, Traces};
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub use transport::fuzzing;
pub use transport::{Compression, Protocol, UnknownCompression, UnknownProtocol};
