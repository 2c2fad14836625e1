//! Configuration: by code, by the environment, by default, in this order.

mod endpoint;
mod header_list;
mod headers;
mod options;
mod preference;

use std::fmt;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::time::Duration;

use ferrotel::common::diagnostics::{self, Level};
use ferrotel::config::{EnvSource, ProcessEnv};

use crate::exporter::OtlpExporter;
use crate::signal::{Exported, Logs, Metrics, Traces};
use crate::transport::{Compression, Protocol, Transport};
pub(crate) use endpoint::shown;
pub(crate) use options::Options;
pub(crate) use preference::Preferences;
pub use preference::{HistogramAggregation, TemporalityPreference, UnknownPreference};

/// Configures an [`OtlpSpanExporter`](crate::OtlpSpanExporter).
pub type SpanExporterBuilder = ExporterBuilder<Traces>;
/// Configures an [`OtlpMetricExporter`](crate::OtlpMetricExporter).
pub type MetricExporterBuilder = ExporterBuilder<Metrics>;
/// Configures an [`OtlpLogRecordExporter`](crate::OtlpLogRecordExporter).
pub type LogRecordExporterBuilder = ExporterBuilder<Logs>;

/// Configures an [`OtlpExporter`].
///
/// What is not set here comes from the environment (for spans `OTEL_EXPORTER_OTLP_TRACES_*`, for metrics
/// `OTEL_EXPORTER_OTLP_METRICS_*`, for log records `OTEL_EXPORTER_OTLP_LOGS_*`, then `OTEL_EXPORTER_OTLP_*`), and from the specification's defaults where the environment does not say (OTLP exporter specification). Proxies are
/// those of `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, for gRPC `grpc_proxy` and `no_grpc_proxy` too.
///
/// ```
/// use ferrotel_otlp::{Compression, Protocol, SpanExporterBuilder};
/// use std::time::Duration;
///
/// let exporter = SpanExporterBuilder::new(Protocol::HttpProtobuf)
///     .endpoint("http://localhost:4318/v1/traces")
///     .headers([("x-team", "checkout")])
///     .timeout(Duration::from_secs(3))
///     .compression(Compression::Gzip)
///     .build()?;
/// assert_eq!(exporter.endpoint(), "http://localhost:4318/v1/traces");
/// # Ok::<(), ferrotel_otlp::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ExporterBuilder<S: Exported> {
    given: Given,
    preferences: Preferences,
    signal: PhantomData<S>,
}

/// What code said.
#[derive(Clone)]
pub(crate) struct Given {
    protocol: Protocol,
    endpoint: Option<String>,
    headers: Option<Vec<(String, String)>>,
    timeout: Option<f64>,
    compression: Option<Compression>,
    certificate: Option<Pem>,
    client_certificate: Option<Pem>,
    client_key: Option<Pem>,
    insecure: Option<bool>,
    max_request_size: Option<usize>,
    retryable: Option<Vec<i32>>,
    user_agent: Option<String>,
    spool_dir: Option<PathBuf>,
    spool_max_bytes: Option<u64>,
}

/// Without what may be secret.
impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Given")
            .field("protocol", &self.protocol)
            .field("endpoint", &self.endpoint.as_deref().map(shown))
            .field("timeout", &self.timeout)
            .field("compression", &self.compression)
            .finish_non_exhaustive()
    }
}

/// Where certificates and keys come from.
#[derive(Clone)]
enum Pem {
    File(PathBuf),
    Text(Vec<u8>),
}

impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pem::File(path) => f.debug_tuple("File").field(path).finish(),
            Pem::Text(_) => f.write_str("Text(..)"),
        }
    }
}

impl<S: Exported> ExporterBuilder<S> {
    /// Starts with nothing set.
    pub const fn new(protocol: Protocol) -> Self {
        let given = Given {
            protocol,
            endpoint: None,
            headers: None,
            timeout: None,
            compression: None,
            certificate: None,
            client_certificate: None,
            client_key: None,
            insecure: None,
            max_request_size: None,
            retryable: None,
            user_agent: None,
            spool_dir: None,
            spool_max_bytes: None,
        };
        ExporterBuilder { given, preferences: Preferences::NONE, signal: PhantomData }
    }

    /// Where to: over HTTP the whole URL, used as it stands; over gRPC `http://host:port`, `https://host:port` or
    /// `host:port`. Default: `http://localhost:4317` (gRPC), `http://localhost:4318` with the signal's path
    /// (`/v1/traces`, `/v1/metrics`, `/v1/logs`; HTTP).
    #[must_use]
    pub fn endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.given.endpoint = Some(endpoint.into());
        self
    }

    /// Headers of every request. Over HTTP they are added to the environment's, over gRPC they replace them, as in the
    /// reference. Names are made lower case; what cannot be a header is reported once and left out.
    #[must_use]
    pub fn headers<K: Into<String>, V: Into<String>>(mut self, headers: impl IntoIterator<Item = (K, V)>) -> Self {
        self.given.headers = Some(headers.into_iter().map(|(name, value)| (name.into(), value.into())).collect());
        self
    }

    /// [`headers`](Self::headers) as text, in the form of the environment variable: `key=value` pairs, separated by
    /// commas, values percent-encoded.
    #[must_use]
    pub fn header_list(mut self, list: &str) -> Self {
        self.given.headers = Some(header_list::parse(list));
        self
    }

    /// The time that one export may take, with all its retries. Default: 10 s.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        self.timeout_seconds(timeout.as_secs_f64())
    }

    /// [`timeout`](Self::timeout) in seconds. Zero, a negative number and `NaN` count as not set.
    #[must_use]
    pub const fn timeout_seconds(mut self, seconds: f64) -> Self {
        self.given.timeout = Some(seconds);
        self
    }

    /// How requests are compressed. gRPC has no [`Compression::Deflate`]. Default: not at all.
    #[must_use]
    pub const fn compression(mut self, compression: Compression) -> Self {
        self.given.compression = Some(compression);
        self
    }

    /// The file with the authorities (PEM) that the server's certificate must be signed by. Default: the file that
    /// `REQUESTS_CA_BUNDLE` or `CURL_CA_BUNDLE` (HTTP), `GRPC_DEFAULT_SSL_ROOTS_FILE_PATH` (gRPC) names, the system's
    /// otherwise, and Mozilla's where the system has none.
    #[must_use]
    pub fn certificate_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.given.certificate = Some(Pem::File(path.into()));
        self
    }

    /// [`certificate_file`](Self::certificate_file)'s content.
    #[must_use]
    pub fn certificate_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.given.certificate = Some(Pem::Text(pem.into()));
        self
    }

    /// The file with the client's certificate chain (PEM), for mutual TLS.
    #[must_use]
    pub fn client_certificate_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.given.client_certificate = Some(Pem::File(path.into()));
        self
    }

    /// [`client_certificate_file`](Self::client_certificate_file)'s content.
    #[must_use]
    pub fn client_certificate_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.given.client_certificate = Some(Pem::Text(pem.into()));
        self
    }

    /// The file with the client's private key (PEM). Default: the key in the client certificate's file.
    #[must_use]
    pub fn client_key_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.given.client_key = Some(Pem::File(path.into()));
        self
    }

    /// [`client_key_file`](Self::client_key_file)'s content.
    #[must_use]
    pub fn client_key_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.given.client_key = Some(Pem::Text(pem.into()));
        self
    }

    /// gRPC without TLS (`true`) or with it, where the endpoint does not begin with `https://`. Default: without for
    /// `http://`, with TLS for an endpoint without a scheme.
    #[must_use]
    pub const fn insecure(mut self, insecure: bool) -> Self {
        self.given.insecure = Some(insecure);
        self
    }

    /// The largest request in bytes before compression; a larger one is dropped. 0: no limit. Default: 64 MiB over
    /// HTTP, no limit over gRPC.
    #[must_use]
    pub const fn max_request_size(mut self, bytes: usize) -> Self {
        self.given.max_request_size = Some(bytes);
        self
    }

    /// The gRPC status codes after which an export is tried again. Default: those of the OTLP specification.
    #[must_use]
    pub fn retryable_codes(mut self, codes: impl IntoIterator<Item = i32>) -> Self {
        self.given.retryable = Some(codes.into_iter().collect());
        self
    }

    /// Who sends, in the `User-Agent` header; `ferrotel/<version>` is added to it. Default:
    /// `OTel-OTLP-Exporter-Rust/<version>`.
    #[must_use]
    pub fn user_agent(mut self, product: impl Into<String>) -> Self {
        self.given.user_agent = Some(product.into());
        self
    }

    /// The directory in which batches wait that are not delivered, until the collector is back or another process with
    /// the same endpoint and headers sends them. An empty path: none, whatever the environment says. Default:
    /// `FERROTEL_SPOOL_DIR`, then none.
    ///
    /// It may be shared by exporters of all signals and by processes. Only its user should be able to write there.
    #[must_use]
    pub fn spool_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.given.spool_dir = Some(directory.into());
        self
    }

    /// The space that the whole spool directory may take on the disk, in bytes. Default: `FERROTEL_SPOOL_MAX_BYTES`,
    /// then 512 MiB.
    #[must_use]
    pub const fn spool_max_bytes(mut self, bytes: u64) -> Self {
        self.given.spool_max_bytes = Some(bytes);
        self
    }

    /// Makes the exporter, with this process's environment.
    ///
    /// # Errors
    /// See [`build_with`](Self::build_with).
    pub fn build(self) -> Result<OtlpExporter<S>, ConfigError> {
        self.build_with(&ProcessEnv)
    }

    /// Makes the exporter, with this environment. It does not connect before the first export.
    ///
    /// Malformed values of variables are reported once, and the default is used.
    ///
    /// # Errors
    /// An endpoint that is no URL; a certificate or key that cannot be read or understood.
    pub fn build_with(self, env: &dyn EnvSource) -> Result<OtlpExporter<S>, ConfigError> {
        let (options, preferences) = self.resolve(env);
        let transport = Transport::new(options.settings(S::SIGNAL, env)?);
        Ok(OtlpExporter::new(options, preferences, Ok(transport)))
    }

    /// Like [`build_with`](Self::build_with), and never fails: what that refuses is reported once, and every export
    /// then fails with the same text. For programs that must start whatever the configuration is.
    pub fn build_lenient(self, env: &dyn EnvSource) -> OtlpExporter<S> {
        let (options, preferences) = self.resolve(env);
        let transport = options.settings(S::SIGNAL, env).map(Transport::new);
        if let Err(error) = &transport {
            let line = format!("Nothing will be exported: {error}");
            diagnostics::log(Level::Error, options.log_target(S::SIGNAL), &line);
        }
        OtlpExporter::new(options, preferences, transport)
    }

    fn resolve(self, env: &dyn EnvSource) -> (Options, Preferences) {
        let options = Options::resolve(self.given, S::SIGNAL, env);
        let preferences = self.preferences.or_environment(S::SIGNAL, options.log_target(S::SIGNAL), env);
        (options, preferences)
    }
}

impl MetricExporterBuilder {
    /// What the points of counters and histograms cover. Default: `OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE`,
    /// then cumulative.
    #[must_use]
    pub const fn temporality_preference(mut self, preference: TemporalityPreference) -> Self {
        self.preferences.temporality = Some(preference);
        self
    }

    /// How histograms without a view are aggregated. Default:
    /// `OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION`, then explicit buckets.
    #[must_use]
    pub const fn default_histogram_aggregation(mut self, aggregation: HistogramAggregation) -> Self {
        self.preferences.histogram_aggregation = Some(aggregation);
        self
    }

    /// The most points that one request may hold; a larger collection is sent as several. 0: no limit, the default.
    #[must_use]
    pub const fn max_export_batch_size(mut self, points: usize) -> Self {
        self.preferences.max_export_batch_size = if points == 0 { None } else { Some(points) };
        self
    }
}

/// A configuration that cannot work. The text says what to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    message: String,
}

impl ConfigError {
    pub(crate) const fn new(message: String) -> Self {
        ConfigError { message }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ConfigError {}
