//! Endpoints (OTLP exporter specification: endpoint URLs).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use percent_encoding::percent_decode_str;

use super::ConfigError;

/// The endpoint for people to read: without user and password, without what stands behind the path, which may be a token,
/// and no longer than one needs to recognise it.
pub(crate) fn shown(endpoint: &str) -> String {
    const SHOWN: usize = 256;
    let endpoint = endpoint.trim();
    let (scheme, rest) = endpoint.find("://").map_or(("", endpoint), |at| endpoint.split_at(at + 3));
    let (before, query) = rest.find(['?', '#']).map_or((rest, ""), |at| rest.split_at(at));
    let shown = match before.rfind('@') {
        // A slash in a password should be escaped, and is not always.
        Some(at) => format!("***{}", &before[at..]),
        // A password may as well have a question mark in it.
        None if query.contains('@') => "***".to_owned(),
        None => before.to_owned(),
    };
    let clean = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
    format!("{scheme}{shown}").chars().take(SHOWN).map(clean).collect()
}

/// An HTTP endpoint: the URL to post to, and the credentials that stood in it as an `Authorization` header.
pub(super) fn http(endpoint: &str) -> Result<(Uri, Option<String>), ConfigError> {
    let refuse = |why: &str| {
        ConfigError::new(format!(
            "The OTLP endpoint {:?} {why}. Write it as a URL, for example http://localhost:4318/v1/traces.",
            shown(endpoint)
        ))
    };
    let uri: Uri = endpoint.trim().parse().map_err(|_| refuse("is not a URL"))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(refuse("does not begin with http:// or https://"));
    }
    let authority = uri.authority().map_or("", http::uri::Authority::as_str);
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority),
    };
    if host.is_empty() || host.starts_with(':') {
        return Err(refuse("names no host"));
    }
    if !has_numeric_port(host) {
        return Err(refuse("names no valid host and port"));
    }
    let credentials = user.map(|user| {
        let user: Vec<u8> = percent_decode_str(user).collect();
        format!("Basic {}", STANDARD.encode(user))
    });
    let mut parts = uri.clone().into_parts();
    parts.authority = Some(host.parse().map_err(|_| refuse("names no valid host and port"))?);
    let uri = Uri::from_parts(parts).map_err(|_| refuse("is not a URL"))?;
    Ok((uri, credentials))
}

/// Whether the port is a number, where there is one. A password that is not escaped would be taken for a name of one.
fn has_numeric_port(host: &str) -> bool {
    let after_address = host.rsplit(']').next().unwrap_or(host);
    after_address.rsplit_once(':').is_none_or(|(_, port)| port.parse::<u16>().is_ok())
}

/// A gRPC endpoint, taken apart as the reference does it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Grpc {
    /// Host and port: what the reference shows as the endpoint.
    pub target: String,
    /// Whether TLS is left out.
    pub insecure: bool,
}

/// Reads a gRPC endpoint. `https://` means TLS whatever `insecure` says; otherwise `insecure` decides; where that is
/// not set, `http://` means no TLS, and anything else TLS.
pub(super) fn grpc(endpoint: &str, insecure: Option<bool>) -> Grpc {
    let endpoint = endpoint.trim();
    let (scheme, rest) = match endpoint.split_once("://") {
        Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest),
        None => (String::new(), ""),
    };
    let netloc = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let target = if netloc.is_empty() { endpoint } else { netloc };
    let insecure = scheme != "https" && insecure.unwrap_or(scheme == "http");
    Grpc { target: target.to_owned(), insecure }
}

impl Grpc {
    /// The URL of a method.
    pub fn uri(&self, method: &str) -> Result<Uri, ConfigError> {
        let scheme = if self.insecure { "http" } else { "https" };
        // gRPC's own ways to write a name.
        let names = ["dns:///", "dns:", "ipv4:", "ipv6:"];
        let host = names.iter().find_map(|name| self.target.strip_prefix(name)).unwrap_or(&self.target);
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        if !has_numeric_port(host) {
            // Not shown: it may be a user and the beginning of a password, up to a slash in it.
            return Err(ConfigError::new(
                "The port of the OTLP endpoint is no number. Write it as http://host:4317 or https://host:4317."
                    .to_owned(),
            ));
        }
        let uri = format!("{scheme}://{host}{method}").parse().ok().filter(|uri: &Uri| {
            !host.starts_with("unix") && !host.contains('/') && uri.host().is_some_and(|host| !host.is_empty())
        });
        uri.ok_or_else(|| {
            ConfigError::new(format!(
                "The OTLP endpoint {:?} is not usable for gRPC. Write it as http://host:4317 or https://host:4317.",
                shown(&self.target)
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grpc_endpoints_are_read_as_in_the_reference() {
        for (endpoint, insecure, target, without_tls) in [
            ("http://localhost:4317", None, "localhost:4317", true),
            ("https://localhost:4317/", None, "localhost:4317", false),
            ("https://localhost:4317", Some(true), "localhost:4317", false),
            ("http://localhost:4317", Some(false), "localhost:4317", false),
            ("localhost:4317", None, "localhost:4317", false),
            ("localhost:4317", Some(true), "localhost:4317", true),
            ("HTTP://collector:1/path?q", None, "collector:1", true),
            ("dns:///collector:1", Some(true), "dns:///collector:1", true),
        ] {
            let read = grpc(endpoint, insecure);
            assert_eq!(read, Grpc { target: target.to_owned(), insecure: without_tls }, "{endpoint}");
            let uri = read.uri("/S/M").unwrap();
            assert_eq!(uri.scheme_str(), Some(if without_tls { "http" } else { "https" }));
            assert_eq!(uri.path(), "/S/M");
        }
        for endpoint in ["", "unix:///run/otel.sock", "http://", "a b:1", "http://[::1"] {
            let error = grpc(endpoint, Some(true)).uri("/S/M").unwrap_err().to_string();
            assert!(error.contains("http://host:4317"), "{error}");
        }
    }

    #[test]
    fn no_secret_of_an_endpoint_is_shown() {
        for (endpoint, expected) in [
            ("http://localhost:4318/v1/traces", "http://localhost:4318/v1/traces"),
            ("https://user:pass@host:1/v1/traces?token=pass#pass", "https://***@host:1/v1/traces"),
            ("https://user:pa/ss@host/x", "https://***@host/x"),
            ("https://user:pa@pa/ss@host/x", "https://***@host/x"),
            ("https://user:pa?ss@host/x", "https://***"),
            ("user:pass@host:4317", "***@host:4317"),
            ("https://host?token=pass", "https://host"),
            (" http://a\nb ", "http://a\u{fffd}b"),
        ] {
            assert_eq!(shown(endpoint), expected);
        }
        assert_eq!(shown(&"ü".repeat(1000)).chars().count(), 256);
        for endpoint in ["https://user:pass@", "user:pass@host:1", "https://user:pass@host:port/?pass", "pass@:1"] {
            assert!(!http(endpoint).unwrap_err().to_string().contains("pass"), "{endpoint}");
        }
        for endpoint in ["https://user:pass/word@host", "https://user:pass?word@host", "https://user:pass@host:port"] {
            assert!(!grpc(endpoint, None).uri("/S/M").unwrap_err().to_string().contains("pass"), "{endpoint}");
        }
        let error = grpc("https://user:pass@a/b c:1", None).uri("/S/M").map(|uri| uri.to_string());
        assert!(!format!("{error:?}").contains("pass"), "{error:?}");
    }

    #[test]
    fn http_endpoints_are_urls() {
        let (uri, credentials) = http("https://user:p%40ss@collector:4318/v1/traces?x=1").unwrap();
        assert_eq!(uri, "https://collector:4318/v1/traces?x=1");
        assert_eq!(credentials.as_deref(), Some("Basic dXNlcjpwQHNz"));
        for endpoint in [
            "localhost:4318",
            "",
            "http://a:b/",
            "http://[::1]:x/",
            "http://a:99999",
            "ftp://host/",
            "http://",
            "http://:4318/",
            "/v1/traces",
            "http://a b/",
        ] {
            let error = http(endpoint).unwrap_err().to_string();
            assert!(error.contains("http://localhost:4318/v1/traces"), "{error}");
        }
    }
}
