//! `OtlpSpanExporter`, `OtlpMetricExporter`, `OtlpLogRecordExporter`: OTLP as Python holds it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ferrotel::config::EnvSource;
use ferrotel::sdk::export::ExportResult;
use ferrotel::sdk::logs::LogRecordExporter;
use ferrotel::sdk::metrics::MetricExporter;
use ferrotel::sdk::trace::SpanExporter;
use ferrotel_otlp::{Compression, Exported, ExporterBuilder, Logs, Metrics, OtlpExporter, Protocol, Traces};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use super::{log_records, metrics_data, spans};
use crate::diagnostics;
use crate::environ::PyEnviron;
use crate::greenlets::wait;

/// One class per signal: PyO3 knows no generic ones. `$extra` are the settings that only this signal has.
macro_rules! exporter {
    ($(#[doc = $doc:literal])+ $name:ident, $signal:ty, $exporter:ident, $read:path $(, $extra:ident: $kind:ty)*) => {
        $(#[doc = $doc])+
        #[pyclass(frozen, module = "ferrotel._native")]
        pub struct $name {
            exporter: Arc<OtlpExporter<$signal>>,
        }

        impl $name {
            /// The exporter, to be fed without Python.
            pub fn exporter(&self) -> Arc<dyn $exporter> {
                self.exporter.clone()
            }
        }

        #[pymethods]
        impl $name {
            #[new]
            #[pyo3(signature = (
                *, protocol, endpoint, headers, timeout, compression, insecure=None, certificate=None, client_key=None,
                client_certificate=None, user_agent=None, max_request_size=None, retryable_codes=None, spool_dir=None
                $(, $extra=None)*
            ))]
            #[expect(
                clippy::too_many_arguments,
                reason = "one keyword argument per setting, as the Python classes have them"
            )]
            fn new(
                py: Python<'_>,
                protocol: &str,
                endpoint: &Bound<'_, PyString>,
                headers: Vec<(Bound<'_, PyAny>, Bound<'_, PyAny>)>,
                timeout: f64,
                compression: &str,
                insecure: Option<bool>,
                certificate: Option<Pem>,
                client_key: Option<Pem>,
                client_certificate: Option<Pem>,
                user_agent: Option<String>,
                max_request_size: Option<i64>,
                retryable_codes: Option<Vec<i32>>,
                spool_dir: Option<PathBuf>,
                $($extra: Option<$kind>,)*
            ) -> PyResult<Self> {
                let protocol: Protocol = parse("protocol", protocol)?;
                let compression: Compression = parse("compression", compression)?;
                let builder = ExporterBuilder::<$signal>::new(protocol)
                    .endpoint(endpoint.to_string_lossy())
                    .headers(headers.iter().map(|(name, value)| (header_text(name), header_text(value))))
                    .timeout_seconds(timeout)
                    .compression(compression);
                $(let builder = match $extra {
                    Some($extra) => builder.$extra($extra),
                    None => builder,
                };)*
                let more = More {
                    insecure,
                    certificate,
                    client_key,
                    client_certificate,
                    user_agent,
                    max_request_size,
                    retryable_codes,
                    spool_dir,
                };
                Ok($name { exporter: build(py, builder, more) })
            }

            /// Sends `data`. None when it was accepted, else what to log: an empty string where there is nothing to say.
            fn export(&self, py: Python<'_>, data: &Bound<'_, PyAny>) -> PyResult<Option<String>> {
                let data = $read(data)?;
                let exporter = self.exporter.clone();
                let result = wait(py, move || $exporter::export(&*exporter, &data))?;
                Ok(problem(py, result))
            }

            /// Sends a request that was encoded elsewhere; returns as `export` does.
            fn send(&self, py: Python<'_>, request: &Bound<'_, PyBytes>) -> PyResult<Option<String>> {
                let (exporter, request) = (self.exporter.clone(), request.as_bytes().to_vec());
                let result = wait(py, move || exporter.export_bytes(&request))?;
                Ok(problem(py, result))
            }

            /// Ends a retry that waits, and refuses every later batch.
            fn shutdown(&self, py: Python<'_>) {
                // A processor may have done it already, which is no misuse.
                if !self.exporter.is_shutdown() {
                    py.detach(|| $exporter::shutdown(&*self.exporter));
                }
                diagnostics::deliver(py);
            }

            /// Waits for what is under way; False when the time is over first.
            #[pyo3(signature = (timeout_millis=30_000.0))]
            fn force_flush(&self, py: Python<'_>, timeout_millis: f64) -> bool {
                let timeout = Duration::try_from_secs_f64(timeout_millis.max(0.0) / 1e3).unwrap_or(Duration::MAX);
                py.detach(|| $exporter::force_flush(&*self.exporter, timeout))
            }
        }
    };
}

exporter! {
    /// The engine's OTLP exporter for spans.
    OtlpSpanExporter, Traces, SpanExporter, spans::from_py
}
exporter! {
    /// The engine's OTLP exporter for metrics.
    OtlpMetricExporter, Metrics, MetricExporter, metrics_data::from_py, max_export_batch_size: usize
}
exporter! {
    /// The engine's OTLP exporter for log records.
    OtlpLogRecordExporter, Logs, LogRecordExporter, log_records::from_py
}

/// The settings that may be left out.
struct More {
    insecure: Option<bool>,
    certificate: Option<Pem>,
    client_key: Option<Pem>,
    client_certificate: Option<Pem>,
    user_agent: Option<String>,
    max_request_size: Option<i64>,
    retryable_codes: Option<Vec<i32>>,
    spool_dir: Option<PathBuf>,
}

fn build<S: Exported>(py: Python<'_>, mut builder: ExporterBuilder<S>, more: More) -> Arc<OtlpExporter<S>> {
    if let Some(insecure) = more.insecure {
        builder = builder.insecure(insecure);
    }
    builder = match more.certificate {
        Some(Pem::Bytes(pem)) => builder.certificate_pem(pem),
        Some(Pem::File(path)) => builder.certificate_file(path),
        None => builder,
    };
    builder = match more.client_key {
        Some(Pem::Bytes(pem)) => builder.client_key_pem(pem),
        Some(Pem::File(path)) => builder.client_key_file(path),
        None => builder,
    };
    builder = match more.client_certificate {
        Some(Pem::Bytes(pem)) => builder.client_certificate_pem(pem),
        Some(Pem::File(path)) => builder.client_certificate_file(path),
        None => builder,
    };
    if let Some(user_agent) = more.user_agent {
        builder = builder.user_agent(user_agent);
    }
    if let Some(size) = more.max_request_size {
        builder = builder.max_request_size(size.try_into().unwrap_or(0));
    }
    if let Some(codes) = more.retryable_codes {
        builder = builder.retryable_codes(codes);
    }
    if let Some(directory) = more.spool_dir {
        builder = builder.spool_dir(directory);
    }
    let exporter = builder.build_lenient(&WithoutOtlp(PyEnviron::new(py)));
    diagnostics::deliver(py);
    Arc::new(exporter)
}

fn problem(py: Python<'_>, result: ExportResult) -> Option<String> {
    diagnostics::deliver(py);
    result.err().map(|error| if error.is_shutdown() { String::new() } else { error.to_string() })
}

/// A certificate or key: the text itself, or the file that holds it.
#[derive(FromPyObject)]
enum Pem {
    Bytes(Vec<u8>),
    File(PathBuf),
}

/// The Python classes have read the variables of the exporter; what is left is the proxies' and the like.
struct WithoutOtlp<'py>(PyEnviron<'py>);

impl EnvSource for WithoutOtlp<'_> {
    fn var(&self, name: &str) -> Option<String> {
        if name.starts_with("OTEL_EXPORTER_OTLP_") { None } else { self.0.var(name) }
    }
}

fn parse<T: std::str::FromStr>(what: &str, word: &str) -> PyResult<T> {
    word.parse().map_err(|_| PyValueError::new_err(format!("unknown {what}: {word:?}")))
}

/// A header's name or value, which gRPC users give as bytes too.
fn header_text(object: &Bound<'_, PyAny>) -> String {
    match object.cast::<PyBytes>() {
        Ok(bytes) => String::from_utf8_lossy(bytes.as_bytes()).into_owned(),
        Err(_) => object.str().map(|text| text.to_string_lossy().into_owned()).unwrap_or_default(),
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<OtlpSpanExporter>()?;
    module.add_class::<OtlpMetricExporter>()?;
    module.add_class::<OtlpLogRecordExporter>()
}
