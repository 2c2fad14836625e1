//! The OTLP exporters.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ferrotel::common::diagnostics::{self, Level};
use ferrotel::sdk::batch::PerProcess;
use ferrotel::sdk::export::{ExportError, ExportResult};
use ferrotel::sdk::logs::{FinishedLogRecord, LogRecordExporter};
use ferrotel::sdk::metrics::{Aggregation, InstrumentKind, MetricExporter, MetricsData, Temporality};
use ferrotel::sdk::trace::{FinishedSpan, SpanExporter};
use hyper::body::Bytes;

use crate::config::{
    ConfigError, ExporterBuilder, HistogramAggregation, Options, Preferences, TemporalityPreference, shown,
};
use crate::outbox::Outbox;
use crate::signal::{Exported, Logs, Metrics, Traces};
use crate::split::split;
use crate::transport::{Compression, Protocol, Transport};

/// Exports spans over OTLP.
pub type OtlpSpanExporter = OtlpExporter<Traces>;
/// Exports metrics over OTLP.
pub type OtlpMetricExporter = OtlpExporter<Metrics>;
/// Exports log records over OTLP.
pub type OtlpLogRecordExporter = OtlpExporter<Logs>;

/// Exports one signal over OTLP (OTLP exporter specification).
///
/// Made by [`ExporterBuilder`]. Nothing is connected and no thread or event loop made before the first export, and
/// what a process has made is never used in a process that is forked from it: the child makes its own.
///
/// Every method may be called from any thread. Where the server accepts what is sent, up to four exports go side by
/// side, each over a connection of its own; otherwise they take turns. An export blocks its thread for the timeout at
/// most, all retries included; shutting down ends it early.
pub struct OtlpExporter<S: Exported> {
    options: Options,
    preferences: Preferences,
    transport: Result<Arc<Transport>, ConfigError>,
    outbox: Option<Outbox>,
    encoder: PerProcess<Mutex<S::Encoder>>,
    refused: AtomicBool,
}

impl<S: Exported> OtlpExporter<S> {
    pub(crate) fn new(options: Options, preferences: Preferences, transport: Result<Transport, ConfigError>) -> Self {
        let transport = transport.map(Arc::new);
        let spooled =
            transport.as_ref().ok().and_then(|transport| Some((transport, transport.settings.spool.clone()?)));
        let outbox = spooled.map(|(transport, settings)| Outbox::new(transport.clone(), settings));
        OtlpExporter {
            options,
            preferences,
            transport,
            outbox,
            encoder: PerProcess::new(Mutex::default()),
            refused: AtomicBool::new(false),
        }
    }

    /// Starts to configure one.
    pub const fn builder(protocol: Protocol) -> ExporterBuilder<S> {
        ExporterBuilder::new(protocol)
    }

    /// How it sends.
    pub const fn protocol(&self) -> Protocol {
        self.options.protocol
    }

    /// Where to: over HTTP the URL, over gRPC the host and port.
    pub fn endpoint(&self) -> &str {
        &self.options.endpoint
    }

    /// The configured headers, names in lower case, without those that the protocol needs.
    pub fn headers(&self) -> &[(String, String)] {
        &self.options.headers
    }

    /// The time that one export may take with all its retries.
    pub const fn timeout(&self) -> Duration {
        self.options.timeout
    }

    /// How requests are compressed.
    pub const fn compression(&self) -> Compression {
        self.options.compression
    }

    /// Whether gRPC goes without TLS; `false` over HTTP, where the URL says it.
    pub const fn insecure(&self) -> bool {
        self.options.insecure
    }

    /// The largest request in bytes, before compression; `None` for no limit.
    pub const fn max_request_size(&self) -> Option<usize> {
        self.options.max_request_size
    }

    /// The directory in which batches wait that are not delivered; `None`: in memory.
    pub fn spool_dir(&self) -> Option<&Path> {
        self.outbox.as_ref().map(|outbox| outbox.settings().root.as_path())
    }

    /// Whether it was shut down.
    pub fn is_shutdown(&self) -> bool {
        match &self.transport {
            Ok(transport) => transport.is_closed(),
            Err(_) => false,
        }
    }

    /// Sends a request that was encoded elsewhere, in this exporter's encoding.
    ///
    /// # Errors
    /// The request was not (wholly) accepted.
    pub fn export_bytes(&self, request: &[u8]) -> ExportResult {
        let transport = self.open()?;
        self.check_size(request)?;
        match &self.outbox {
            Some(outbox) => outbox.export(Bytes::copy_from_slice(request), 0),
            None => transport.send(transport.pack(request)),
        }
    }

    fn send(&self, data: &S::Data) -> ExportResult {
        let transport = self.open()?;
        let Some(outbox) = &self.outbox else {
            let body = self.encoded(data, |request| transport.pack(request))?;
            return transport.send(body);
        };
        let message = self.encoded(data, Bytes::copy_from_slice)?;
        outbox.export(message, S::count(data))
    }

    fn close(&self) {
        if let Some(outbox) = &self.outbox {
            outbox.close();
        }
        if let Ok(transport) = &self.transport
            && !transport.close()
        {
            self.warn("Exporter already shutdown, ignoring call");
        }
    }

    fn hurry(&self, hurried: bool) {
        if let Ok(transport) = &self.transport {
            transport.hurry(hurried);
        }
    }

    fn side_by_side(&self) -> usize {
        match (&self.transport, &self.outbox) {
            (Ok(transport), None) => transport.concurrency(),
            // A spool has one sender.
            _ => 1,
        }
    }

    fn wait(&self, timeout: Duration) -> bool {
        match (&self.transport, &self.outbox) {
            (Ok(transport), None) => transport.wait(timeout),
            // What is not delivered yet is safe.
            _ => true,
        }
    }

    fn open(&self) -> Result<&Transport, ExportError> {
        let transport = self.transport.as_ref().map_err(|error| ExportError::failed(error.to_string()))?;
        if transport.is_closed() {
            if !self.refused.swap(true, Ordering::Relaxed) {
                self.warn("Exporter already shutdown, ignoring batch");
            }
            return Err(ExportError::shutdown());
        }
        Ok(transport)
    }

    fn encoded(&self, data: &S::Data, ready: impl Fn(&[u8]) -> Bytes) -> Result<Bytes, ExportError> {
        let encode = AssertUnwindSafe(|| {
            if self.options.protocol == Protocol::HttpJson {
                let request = S::encode_json(data);
                self.check_size(&request)?;
                return Ok(ready(&request));
            }
            let mut encoder = self.encoder.get(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
            let request = S::encode(&mut encoder, data);
            self.check_size(request)?;
            Ok(ready(request))
        });
        catch_unwind(encode).unwrap_or_else(|_| {
            let batch = S::SIGNAL.batch;
            Err(ExportError::failed(format!("Failed to encode {batch} batch: an error inside the exporter")))
        })
    }

    fn check_size(&self, request: &[u8]) -> ExportResult {
        match self.options.max_request_size {
            Some(limit) if request.len() > limit => Err(ExportError::failed(format!(
                "Dropping {} batch: serialized size {} bytes exceeds max_request_size {limit} bytes. Lower {} or the \
                 length of attribute values.",
                S::SIGNAL.batch,
                request.len(),
                S::SIGNAL.smaller,
            ))),
            _ => Ok(()),
        }
    }

    fn warn(&self, line: &str) {
        diagnostics::log(Level::Warning, self.options.log_target(S::SIGNAL), line);
    }
}

impl OtlpMetricExporter {
    /// What the points of counters and histograms should cover.
    pub fn temporality_preference(&self) -> TemporalityPreference {
        self.preferences.temporality.unwrap_or_default()
    }

    /// How histograms without a view should be aggregated.
    pub fn default_histogram_aggregation(&self) -> HistogramAggregation {
        self.preferences.histogram_aggregation.unwrap_or_default()
    }

    /// The most points that one request may hold; `None` for no limit.
    pub const fn max_export_batch_size(&self) -> Option<usize> {
        self.preferences.max_export_batch_size
    }

    /// Sends a collection in parts. Over gRPC one that fails does not keep the rest back, over HTTP it does, as in the
    /// reference.
    fn send_parts(&self, data: &MetricsData, most: usize) -> ExportResult {
        let mut result = Ok(());
        for part in split(data, most) {
            if let Err(error) = self.send(&part) {
                if self.options.protocol != Protocol::Grpc || error.is_shutdown() {
                    return Err(error);
                }
                result = Err(error);
            }
        }
        result
    }
}

macro_rules! exporter {
    ($exporter:ident for $signal:ident: $name:ident: $data:ty => $send:expr $(, { $($more:tt)* })?) => {
        impl $exporter for OtlpExporter<$signal> {
            fn export(&self, $name: $data) -> ExportResult {
                $send(self, $name)
            }

            fn shutdown(&self) {
                self.close();
            }

            fn force_flush(&self, timeout: Duration) -> bool {
                self.wait(timeout)
            }

            fn component_type(&self) -> &'static str {
                self.options.component_type($signal::SIGNAL)
            }

            fn log_target(&self) -> &'static str {
                self.options.log_target($signal::SIGNAL)
            }

            $($($more)*)?
        }
    };
}

exporter!(SpanExporter for Traces: batch: &[FinishedSpan] => Self::send, {
    fn set_hurried(&self, hurried: bool) {
        self.hurry(hurried);
    }

    fn concurrency(&self) -> usize {
        self.side_by_side()
    }
});
exporter!(LogRecordExporter for Logs: batch: &[FinishedLogRecord] => Self::send, {
    fn set_hurried(&self, hurried: bool) {
        self.hurry(hurried);
    }

    fn concurrency(&self) -> usize {
        self.side_by_side()
    }
});
exporter!(MetricExporter for Metrics: data: &MetricsData => |this: &Self, data| {
    match this.max_export_batch_size() {
        Some(most) => this.send_parts(data, most),
        None => this.send(data),
    }
}, {
    fn temporality(&self, kind: InstrumentKind) -> Temporality {
        match kind {
            InstrumentKind::Counter | InstrumentKind::Histogram => {
                self.temporality_preference().of_counters_and_histograms()
            }
            InstrumentKind::ObservableCounter => self.temporality_preference().of_observable_counters(),
            _ => Temporality::Cumulative,
        }
    }

    fn aggregation(&self, kind: InstrumentKind) -> Aggregation {
        match (kind, self.default_histogram_aggregation()) {
            (InstrumentKind::Histogram, HistogramAggregation::Base2ExponentialBucket) => {
                Aggregation::EXPONENTIAL_BUCKET_HISTOGRAM
            }
            _ => Aggregation::Default,
        }
    }
});

impl<S: Exported> std::fmt::Debug for OtlpExporter<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OtlpExporter")
            .field("signal", &S::SIGNAL.name)
            .field("protocol", &self.options.protocol)
            .field("endpoint", &shown(&self.options.endpoint))
            .finish_non_exhaustive()
    }
}
