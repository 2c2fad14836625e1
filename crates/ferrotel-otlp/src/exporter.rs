//! The OTLP span exporter.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ferrotel::common::diagnostics::{self, Level};
use ferrotel::sdk::batch::PerProcess;
use ferrotel::sdk::export::{ExportError, ExportResult};
use ferrotel::sdk::trace::{FinishedSpan, SpanExporter};
use hyper::body::Bytes;

use crate::config::{ConfigError, Options, SpanExporterBuilder};
use crate::encode::{json, traces};
use crate::signal::TRACES;
use crate::transport::{Compression, Protocol, Transport};

/// Exports spans over OTLP (OTLP exporter specification).
///
/// Made by [`SpanExporterBuilder`]. Nothing is connected and no thread or event loop made before the first export, and
/// what a process has made is never used in a process that is forked from it: the child makes its own.
///
/// Every method may be called from any thread; exports take turns. An export blocks its thread for the timeout at most,
/// all retries included; [`shutdown`](SpanExporter::shutdown) ends it early.
pub struct OtlpSpanExporter {
    options: Options,
    transport: Result<Transport, ConfigError>,
    encoder: PerProcess<Mutex<traces::Encoder>>,
    refused: AtomicBool,
}

impl OtlpSpanExporter {
    pub(crate) fn new(options: Options, transport: Result<Transport, ConfigError>) -> Self {
        OtlpSpanExporter {
            options,
            transport,
            encoder: PerProcess::new(Mutex::default()),
            refused: AtomicBool::new(false),
        }
    }

    /// Starts to configure one.
    pub const fn builder(protocol: Protocol) -> SpanExporterBuilder {
        SpanExporterBuilder::new(protocol)
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

    /// Whether it was shut down.
    pub fn is_shutdown(&self) -> bool {
        match &self.transport {
            Ok(transport) => transport.is_closed(),
            Err(_) => false,
        }
    }

    /// Sends an `ExportTraceServiceRequest` that was encoded elsewhere, in this exporter's encoding.
    ///
    /// # Errors
    /// As for [`SpanExporter::export`].
    pub fn export_bytes(&self, request: &[u8]) -> ExportResult {
        let transport = self.open()?;
        self.check_size(request)?;
        transport.send(transport.pack(request))
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

    fn encoded(&self, transport: &Transport, batch: &[FinishedSpan]) -> Result<Bytes, ExportError> {
        let encode = AssertUnwindSafe(|| {
            if self.options.protocol == Protocol::HttpJson {
                let request = json::encode(batch);
                self.check_size(&request)?;
                return Ok(transport.pack(&request));
            }
            let mut encoder = self.encoder.get(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
            let request = encoder.encode(batch);
            self.check_size(request)?;
            Ok(transport.pack(request))
        });
        catch_unwind(encode)
            .unwrap_or_else(|_| Err(ExportError::failed("Failed to encode span batch: an error inside the exporter")))
    }

    fn check_size(&self, request: &[u8]) -> ExportResult {
        match self.options.max_request_size {
            Some(limit) if request.len() > limit => Err(ExportError::failed(format!(
                "Dropping span batch: serialized size {} bytes exceeds max_request_size {limit} bytes. Lower \
                 OTEL_BSP_MAX_EXPORT_BATCH_SIZE or the length of attribute values.",
                request.len()
            ))),
            _ => Ok(()),
        }
    }

    fn warn(&self, line: &str) {
        diagnostics::log(Level::Warning, self.options.log_target(&TRACES), line);
    }
}

impl SpanExporter for OtlpSpanExporter {
    fn export(&self, batch: &[FinishedSpan]) -> ExportResult {
        let transport = self.open()?;
        let body = self.encoded(transport, batch)?;
        transport.send(body)
    }

    fn shutdown(&self) {
        if let Ok(transport) = &self.transport
            && !transport.close()
        {
            self.warn("Exporter already shutdown, ignoring call");
        }
    }

    fn force_flush(&self, timeout: Duration) -> bool {
        self.transport.as_ref().map_or(true, |transport| transport.wait(timeout))
    }

    fn component_type(&self) -> &'static str {
        match self.options.protocol {
            Protocol::Grpc => "otlp_grpc_span_exporter",
            Protocol::HttpProtobuf => "otlp_http_span_exporter",
            Protocol::HttpJson => "otlp_http_json_span_exporter",
        }
    }

    fn log_target(&self) -> &'static str {
        self.options.log_target(&TRACES)
    }
}

impl std::fmt::Debug for OtlpSpanExporter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OtlpSpanExporter")
            .field("protocol", &self.options.protocol)
            .field("endpoint", &self.options.endpoint)
            .finish_non_exhaustive()
    }
}
