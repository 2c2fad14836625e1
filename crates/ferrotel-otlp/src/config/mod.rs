//! Configuration: by code, by the environment, by default, in this order.

mod endpoint;
mod header_list;
mod headers;
mod options;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use ferrotel::common::diagnostics::{self, Level};
use ferrotel::config::{EnvSource, ProcessEnv};

use crate::exporter::OtlpSpanExporter;
use crate::signal::TRACES;
use crate::transport::{Compression, Protocol, Transport};
pub(crate) use options::Options;

/// Configures an [`OtlpSpanExporter`].
///
/// What is not set here comes from the environment (`OTEL_EXPORTER_OTLP_TRACES_*`, then `OTEL_EXPORTER_OTLP_*`), and
/// from the specification's defaults where the environment does not say (OTLP exporter specification). Proxies are
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
pub struct SpanExporterBuilder {
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

impl SpanExporterBuilder {
    /// Starts with nothing set.
    pub const fn new(protocol: Protocol) -> Self {
        SpanExporterBuilder {
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
        }
    }

    /// Where to: over HTTP the whole URL, used as it stands; over gRPC `http://host:port`, `https://host:port` or
    /// `host:port`. Default: `http://localhost:4317` (gRPC), `http://localhost:4318/v1/traces` (HTTP).
    #[must_use]
    pub fn endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoint = Some(endpoint.into());
        self
    }

    /// Headers of every request. Over HTTP they are added to the environment's, over gRPC they replace them, as in the
    /// reference. Names are made lower case; what cannot be a header is reported once and left out.
    #[must_use]
    pub fn headers<K: Into<String>, V: Into<String>>(mut self, headers: impl IntoIterator<Item = (K, V)>) -> Self {
        self.headers = Some(headers.into_iter().map(|(name, value)| (name.into(), value.into())).collect());
        self
    }

    /// [`headers`](Self::headers) as text, in the form of the environment variable: `key=value` pairs, separated by
    /// commas, values percent-encoded.
    #[must_use]
    pub fn header_list(mut self, list: &str) -> Self {
        self.headers = Some(header_list::parse(list));
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
        self.timeout = Some(seconds);
        self
    }

    /// How requests are compressed. gRPC has no [`Compression::Deflate`]. Default: not at all.
    #[must_use]
    pub const fn compression(mut self, compression: Compression) -> Self {
        self.compression = Some(compression);
        self
    }

    /// The file with the authorities (PEM) that the server's certificate must be signed by. Default: the file that
    /// `REQUESTS_CA_BUNDLE` or `CURL_CA_BUNDLE` (HTTP), `GRPC_DEFAULT_SSL_ROOTS_FILE_PATH` (gRPC) names, the system's
    /// otherwise, and Mozilla's where the system has none.
    #[must_use]
    pub fn certificate_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.certificate = Some(Pem::File(path.into()));
        self
    }

    /// [`certificate_file`](Self::certificate_file)'s content.
    #[must_use]
    pub fn certificate_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.certificate = Some(Pem::Text(pem.into()));
        self
    }

    /// The file with the client's certificate chain (PEM), for mutual TLS.
    #[must_use]
    pub fn client_certificate_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.client_certificate = Some(Pem::File(path.into()));
        self
    }

    /// [`client_certificate_file`](Self::client_certificate_file)'s content.
    #[must_use]
    pub fn client_certificate_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.client_certificate = Some(Pem::Text(pem.into()));
        self
    }

    /// The file with the client's private key (PEM). Default: the key in the client certificate's file.
    #[must_use]
    pub fn client_key_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.client_key = Some(Pem::File(path.into()));
        self
    }

    /// [`client_key_file`](Self::client_key_file)'s content.
    #[must_use]
    pub fn client_key_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.client_key = Some(Pem::Text(pem.into()));
        self
    }

    /// gRPC without TLS (`true`) or with it, where the endpoint does not begin with `https://`. Default: without for
    /// `http://`, with TLS for an endpoint without a scheme.
    #[must_use]
    pub const fn insecure(mut self, insecure: bool) -> Self {
        self.insecure = Some(insecure);
        self
    }

    /// The largest request in bytes before compression; a larger one is dropped. 0: no limit. Default: 64 MiB over
    /// HTTP, no limit over gRPC.
    #[must_use]
    pub const fn max_request_size(mut self, bytes: usize) -> Self {
        self.max_request_size = Some(bytes);
        self
    }

    /// The gRPC status codes after which an export is tried again. Default: those of the OTLP specification.
    #[must_use]
    pub fn retryable_codes(mut self, codes: impl IntoIterator<Item = i32>) -> Self {
        self.retryable = Some(codes.into_iter().collect());
        self
    }

    /// Who sends, in the `User-Agent` header; `ferrotel/<version>` is added to it. Default:
    /// `OTel-OTLP-Exporter-Rust/<version>`.
    #[must_use]
    pub fn user_agent(mut self, product: impl Into<String>) -> Self {
        self.user_agent = Some(product.into());
        self
    }

    /// Makes the exporter, with this process's environment.
    ///
    /// # Errors
    /// See [`build_with`](Self::build_with).
    pub fn build(self) -> Result<OtlpSpanExporter, ConfigError> {
        self.build_with(&ProcessEnv)
    }

    /// Makes the exporter, with this environment. It does not connect before the first export.
    ///
    /// Malformed values of variables are reported once, and the default is used.
    ///
    /// # Errors
    /// An endpoint that is no URL; a certificate or key that cannot be read or understood.
    pub fn build_with(self, env: &dyn EnvSource) -> Result<OtlpSpanExporter, ConfigError> {
        let options = Options::resolve(self, &TRACES, env);
        let transport = Transport::new(options.settings(&TRACES, env)?);
        Ok(OtlpSpanExporter::new(options, Ok(transport)))
    }

    /// Like [`build_with`](Self::build_with), and never fails: what that refuses is reported once, and every export
    /// then fails with the same text. For programs that must start whatever the configuration is.
    pub fn build_lenient(self, env: &dyn EnvSource) -> OtlpSpanExporter {
        let options = Options::resolve(self, &TRACES, env);
        let transport = options.settings(&TRACES, env).map(Transport::new);
        if let Err(error) = &transport {
            let line = format!("Nothing will be exported: {error}");
            diagnostics::log(Level::Error, options.log_target(&TRACES), &line);
        }
        OtlpSpanExporter::new(options, transport)
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
