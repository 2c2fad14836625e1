//! What was configured, resolved: nothing here fails.

use std::path::PathBuf;
use std::time::Duration;

use ferrotel::common::diagnostics::shorten;
use ferrotel::config::{EnvSource, EnvVar, Reader, env_vars, parse};
use ferrotel_spool::Content;
use http::Uri;
use http::uri::Scheme;

use super::{ConfigError, Given, Pem, endpoint, header_list, headers};
use crate::outbox::SpoolSettings;
use crate::signal::{GENERAL, Signal, Variables};
use crate::transport::{Compression, Protocol, Proxies, Settings, status, tls::Identity};

const DEFAULT_TIMEOUT: f64 = 10.0;
/// The reference's limit over HTTP.
const DEFAULT_MAX_REQUEST_SIZE: usize = 64 << 20;
/// In bytes.
const DEFAULT_SPOOL: u64 = 512 << 20;
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The builder's settings with the environment's and the defaults filled in.
pub(crate) struct Options {
    pub protocol: Protocol,
    pub endpoint: String,
    pub insecure: bool,
    pub headers: Vec<(String, String)>,
    pub timeout: Duration,
    pub compression: Compression,
    pub max_request_size: Option<usize>,
    certificate: Option<Pem>,
    client_certificate: Option<Pem>,
    client_key: Option<Pem>,
    retryable: Option<Vec<i32>>,
    user_agent: String,
    /// The directory and its limit.
    spool: Option<(PathBuf, u64)>,
}

impl Options {
    /// Resolves. Malformed variables are reported here, once.
    pub fn resolve(given: Given, signal: &'static Signal, env: &dyn EnvSource) -> Self {
        let grpc = given.protocol == Protocol::Grpc;
        let target = if grpc { signal.grpc_target } else { signal.http_target };
        let vars = Vars { reader: Reader::new(env, target), own: &signal.variables, env };
        let (endpoint, insecure) = if grpc {
            let endpoint = given.endpoint.filter(|endpoint| !endpoint.is_empty());
            let endpoint = endpoint.or_else(|| vars.text(|v| &v.endpoint));
            let insecure = given.insecure.or_else(|| vars.text(|v| &v.insecure).map(|text| is_true(&text)));
            let read = endpoint::grpc(endpoint.as_deref().unwrap_or("http://localhost:4317"), insecure);
            (read.target, read.insecure)
        } else {
            let endpoint = given.endpoint.filter(|endpoint| !endpoint.is_empty());
            (endpoint.unwrap_or_else(|| vars.http_endpoint(signal)), false)
        };
        let max_request_size = match given.max_request_size {
            Some(0) => None,
            None => (!grpc).then_some(DEFAULT_MAX_REQUEST_SIZE),
            size => size,
        };
        Options {
            protocol: given.protocol,
            endpoint,
            insecure,
            headers: vars.headers(given.headers, grpc),
            timeout: vars.timeout(given.timeout, grpc),
            compression: vars.compression(given.compression, grpc),
            max_request_size,
            certificate: given.certificate.or_else(|| vars.authority(grpc)),
            client_certificate: given.client_certificate.or_else(|| vars.file(|v| &v.client_certificate)),
            client_key: given.client_key.or_else(|| vars.file(|v| &v.client_key)),
            retryable: given.retryable.or_else(|| if grpc { vars.retryable() } else { None }),
            spool: vars.spool(given.spool_dir, given.spool_max_bytes),
            user_agent: match given.user_agent {
                Some(product) => format!("{product} ferrotel/{VERSION}"),
                None => format!("OTel-OTLP-Exporter-Rust/{VERSION} ferrotel/{VERSION}"),
            },
        }
    }

    /// The logger of this exporter.
    pub const fn log_target(&self, signal: &Signal) -> &'static str {
        match self.protocol {
            Protocol::Grpc => signal.grpc_target,
            _ => signal.http_target,
        }
    }

    /// What the exporter is called in metrics about itself.
    pub const fn component_type(&self, signal: &Signal) -> &'static str {
        match self.protocol {
            Protocol::Grpc => signal.component_types.grpc,
            Protocol::HttpProtobuf => signal.component_types.http,
            Protocol::HttpJson => signal.component_types.http_json,
        }
    }

    /// The transport's settings: certificates are read here.
    pub fn settings(&self, signal: &'static Signal, env: &dyn EnvSource) -> Result<Settings, ConfigError> {
        let grpc = self.protocol == Protocol::Grpc;
        let mut configured = self.headers.clone();
        let uri = if grpc {
            let target = endpoint::Grpc { target: self.endpoint.clone(), insecure: self.insecure };
            target.uri(signal.grpc_method)?
        } else {
            let (uri, credentials) = endpoint::http(&self.endpoint)?;
            if let Some(credentials) = credentials
                && !configured.iter().any(|(name, _)| name == "authorization")
            {
                configured.push(("authorization".to_owned(), credentials));
            }
            uri
        };
        let target = self.log_target(signal);
        Ok(Settings {
            signal,
            protocol: self.protocol,
            endpoint: endpoint::shown(&self.endpoint),
            headers: headers::request_headers(self.protocol, self.compression, &self.user_agent, &configured, target),
            timeout: self.timeout,
            compression: self.compression,
            identity: self.identity(&uri)?,
            proxies: if grpc { Proxies::for_grpc(env) } else { Proxies::for_http(env) },
            retryable: self.retryable.clone(),
            spool: self.spool(signal, &uri, &configured),
            uri,
        })
    }

    fn spool(&self, signal: &Signal, uri: &Uri, headers: &[(String, String)]) -> Option<SpoolSettings> {
        let (root, max_bytes) = self.spool.clone()?;
        // With other credentials, it would come to another tenant.
        let headers = headers.iter().map(|(name, value)| format!("\n{name}: {value}"));
        Some(SpoolSettings {
            root,
            max_bytes,
            signal: signal.spooled,
            content: match self.protocol {
                Protocol::HttpJson => Content::Json,
                _ => Content::Protobuf,
            },
            destination: format!("{} {uri}{}", self.protocol, headers.collect::<String>()),
        })
    }

    fn identity(&self, uri: &Uri) -> Result<Identity, ConfigError> {
        let mut identity = Identity::default();
        if uri.scheme() != Some(&Scheme::HTTPS) {
            return Ok(identity);
        }
        if let Some(source) = &self.certificate {
            identity
                .trust(&source.read()?)
                .map_err(|why| source.refuse("the certificate of the server's authority", why))?;
        }
        match (&self.client_certificate, &self.client_key) {
            (Some(chain), key) => {
                let key = key.as_ref().unwrap_or(chain);
                let (chain, key) = (chain.read()?, (key, key.read()?));
                identity.show(&chain, &key.1).map_err(|why| key.0.refuse("the client's certificate and key", why))?;
            }
            (None, Some(key)) => return Err(key.refuse("the client's key", "there is no client certificate with it")),
            (None, None) => {}
        }
        Ok(identity)
    }
}

impl Pem {
    fn read(&self) -> Result<Vec<u8>, ConfigError> {
        match self {
            Pem::Text(text) => Ok(text.clone()),
            Pem::File(path) => std::fs::read(path).map_err(|error| {
                ConfigError::new(format!(
                    "Failed to read file: {}. Please check if the file exists and is accessible. ({error})",
                    path.display()
                ))
            }),
        }
    }

    fn refuse(&self, what: &str, why: impl std::fmt::Display) -> ConfigError {
        ConfigError::new(match self {
            Pem::Text(_) => format!("Not usable as {what}: {why}."),
            Pem::File(path) => format!("{} is not usable as {what}: {why}.", path.display()),
        })
    }
}

/// The environment as one signal sees it.
struct Vars<'a> {
    reader: Reader<'a>,
    own: &'static Variables,
    env: &'a dyn EnvSource,
}

impl Vars<'_> {
    /// The signal's own variable, or the general one.
    fn text(&self, which: impl Fn(&'static Variables) -> &'static EnvVar) -> Option<String> {
        self.reader.text(which(self.own)).or_else(|| self.reader.text(which(&GENERAL)))
    }

    fn file(&self, which: impl Fn(&'static Variables) -> &'static EnvVar) -> Option<Pem> {
        self.text(which).map(|path| Pem::File(path.into()))
    }

    /// Where neither variable is set: what Python's HTTP and gRPC libraries look at, so that a program behind a
    /// company's authority goes on working.
    fn authority(&self, grpc: bool) -> Option<Pem> {
        let libraries: &[&str] =
            if grpc { &["GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"] } else { &["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"] };
        self.file(|v| &v.certificate).or_else(|| {
            let set = libraries.iter().filter_map(|name| self.env.var(name));
            // requests takes a directory too; such a one is left to the system's.
            set.map(PathBuf::from).find(|path| path.is_file()).map(Pem::File)
        })
    }

    fn http_endpoint(&self, signal: &Signal) -> String {
        self.reader.text(&self.own.endpoint).unwrap_or_else(|| {
            let base = self.reader.text(&GENERAL.endpoint);
            let base = base.as_deref().unwrap_or("http://localhost:4318");
            format!("{}/{}", base.strip_suffix('/').unwrap_or(base), signal.http_path)
        })
    }

    fn headers(&self, given: Option<Vec<(String, String)>>, grpc: bool) -> Vec<(String, String)> {
        let given = given.filter(|given| !given.is_empty());
        let mut headers = match &given {
            Some(_) if grpc => Vec::new(),
            _ => self.text(|v| &v.headers).map_or_else(Vec::new, |list| header_list::parse(&list)),
        };
        headers.extend(given.unwrap_or_default().into_iter().map(|(name, value)| (name.to_lowercase(), value)));
        header_list::last_of_each(headers)
    }

    fn timeout(&self, given: Option<f64>, grpc: bool) -> Duration {
        let usable = |seconds: &f64| *seconds > 0.0;
        let refuse = |shown: String| {
            let line = format!("Invalid timeout value {shown}, using default of {DEFAULT_TIMEOUT} seconds");
            self.reader.warn(&line);
            DEFAULT_TIMEOUT
        };
        let seconds = match given {
            Some(seconds) if usable(&seconds) => seconds,
            Some(seconds) if !(grpc && seconds == 0.0) => refuse(seconds.to_string()),
            _ => match self.text(|v| &v.timeout) {
                Some(text) => {
                    text.parse().ok().filter(usable).unwrap_or_else(|| refuse(format!("{:?}", shorten(&text))))
                }
                None => DEFAULT_TIMEOUT,
            },
        };
        // Thirty years stand for all that is longer.
        Duration::from_secs_f64(seconds.min(1e9))
    }

    fn compression(&self, given: Option<Compression>, grpc: bool) -> Compression {
        let wanted = given.or_else(|| {
            let text = self.text(|v| &v.compression)?;
            let parsed = text.parse().ok();
            if parsed.is_none() {
                self.reader.warn(&format!("Unsupported compression type: {text:.32}"));
            }
            parsed
        });
        match wanted {
            Some(Compression::Deflate) if grpc => {
                self.reader
                    .warn("Unsupported compression type: deflate. gRPC takes gzip or none; sending uncompressed.");
                Compression::None
            }
            wanted => wanted.unwrap_or_default(),
        }
    }

    fn spool(&self, given: Option<PathBuf>, max_bytes: Option<u64>) -> Option<(PathBuf, u64)> {
        let directory = given.or_else(|| self.reader.text(&env_vars::FERROTEL_SPOOL_DIR).map(PathBuf::from))?;
        if directory.as_os_str().is_empty() {
            return None;
        }
        let variable = || self.reader.parsed(&env_vars::FERROTEL_SPOOL_MAX_BYTES, parse::size);
        let max_bytes = max_bytes.or_else(|| variable().map(|bytes| bytes as u64));
        Some((directory, max_bytes.unwrap_or(DEFAULT_SPOOL)))
    }

    fn retryable(&self) -> Option<Vec<i32>> {
        let list = self.reader.text(&env_vars::OTEL_PYTHON_EXPORTER_OTLP_GRPC_RETRYABLE_ERROR_CODES)?;
        let mut codes = Vec::new();
        for word in list.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            match status::code(word) {
                Some(code) => codes.push(code),
                None => {
                    let word = shorten(word);
                    self.reader.warn(&format!("{word:?} is not the name of a gRPC status code; it is ignored."));
                }
            }
        }
        Some(codes)
    }
}

/// As the reference reads it: anything but `true` is false.
fn is_true(text: &str) -> bool {
    text.eq_ignore_ascii_case("true")
}
