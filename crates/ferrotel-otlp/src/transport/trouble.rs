//! What can go wrong with one request, in words that say what to do.

use std::error::Error;
use std::io::ErrorKind;
use std::time::{Duration, SystemTime};

use http::Uri;
use http::uri::Scheme;
use rustls::{AlertDescription, CertificateError, InvalidMessage};

use super::Protocol;
use super::answer::readable;
use super::connect::{Seen, Server};
use super::status;

/// Why one request was not accepted.
#[derive(Debug)]
pub(super) struct Trouble {
    /// HTTP: the status; gRPC: the code. None where no answer came over HTTP.
    pub code: Option<i32>,
    /// What happened.
    pub reason: String,
    /// What to do about it; empty where there is nothing to say.
    pub remedy: String,
    /// Whether to try again.
    pub retry: Retry,
    /// The connection is lost or not to be trusted any more.
    pub connection: bool,
}

/// Whether and when to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retry {
    Never,
    Backoff,
    /// When the server says.
    After(Duration),
}

impl Trouble {
    /// No answer came in time.
    pub fn timeout(protocol: Protocol, timeout: Duration) -> Self {
        let reason = match protocol {
            Protocol::Grpc => "Deadline Exceeded".to_owned(),
            _ => format!("no answer within {timeout:?}"),
        };
        Trouble {
            code: (protocol == Protocol::Grpc).then_some(status::DEADLINE_EXCEEDED),
            reason,
            remedy: format!(
                "No answer came within {timeout:?}: see whether the endpoint is reachable and not overloaded, or raise \
                 the timeout (OTEL_EXPORTER_OTLP_TIMEOUT, in seconds)."
            ),
            retry: Retry::Backoff,
            connection: true,
        }
    }

    /// No connection, or a connection that broke before a whole answer had come.
    pub fn connection(error: &(dyn Error + 'static), protocol: Protocol, endpoint: &Uri, seen: &Seen) -> Self {
        let (remedy, again) = remedy(error, protocol, endpoint, seen);
        Trouble {
            code: (protocol == Protocol::Grpc).then_some(status::UNAVAILABLE),
            reason: readable(&reason(error)),
            remedy,
            retry: if again { Retry::Backoff } else { Retry::Never },
            connection: true,
        }
    }
}

/// What to do where a server wants less.
pub(super) const SEND_LESS: &str =
    "The server takes less than it is sent: raise its limits, or send less, with a sampler.";

/// What to do where only the server knows more.
pub(super) const SEE_ITS_LOG: &str = "See the server's own log for the reason.";

/// The port that serves the other protocol on most collectors.
fn is_other_port(protocol: Protocol, endpoint: &Uri) -> bool {
    endpoint.port_u16() == Some(if protocol == Protocol::Grpc { 4318 } else { 4317 })
}

/// What to do when a server turns out to serve the other protocol.
pub(super) fn other_protocol(protocol: Protocol) -> String {
    match protocol {
        Protocol::Grpc => "This looks like an OTLP/HTTP port, and the exporter speaks gRPC: use the port for gRPC \
            (4317 on most collectors; 4318 is HTTP), or the protocol http/protobuf."
            .to_owned(),
        _ => "This looks like an OTLP/gRPC port, and the exporter speaks HTTP: use the port for HTTP (4318 on most \
            collectors; 4317 is gRPC), or the protocol grpc."
            .to_owned(),
    }
}

/// The remedy, and whether trying again can help.
fn remedy(error: &(dyn Error + 'static), protocol: Protocol, endpoint: &Uri, seen: &Seen) -> (String, bool) {
    let grpc = protocol == Protocol::Grpc;
    if let Some(remedy) = seen.refusal().and_then(|tls| tls_remedy(&tls, protocol)) {
        return (remedy, false);
    }
    let server = seen.server();
    match server {
        Some(Server::Http1) if grpc => return (other_protocol(protocol), false),
        Some(Server::Http2) if !grpc => return (other_protocol(protocol), false),
        Some(Server::Tls) => return ("The server speaks TLS: write the endpoint with https://.".to_owned(), false),
        _ => {}
    }
    for cause in chain(error) {
        if let Some(tls) = cause.downcast_ref::<rustls::Error>()
            && let Some(remedy) = tls_remedy(tls, protocol)
        {
            return (remedy, false);
        }
        if let Some(io) = cause.downcast_ref::<std::io::Error>() {
            match io.kind() {
                ErrorKind::ConnectionRefused => {
                    return (
                        format!("Nothing listens at {}: is the collector running there?", authority(endpoint)),
                        true,
                    );
                }
                _ if io.get_ref().is_none() && is_other_port(protocol, endpoint) => {
                    return (other_protocol(protocol), true);
                }
                _ => {}
            }
        }
        if cause.to_string() == "dns error" {
            return (format!("The host name of {} could not be resolved.", authority(endpoint)), true);
        }
    }
    if is_other_port(protocol, endpoint) {
        (other_protocol(protocol), true)
    } else if server == Some(Server::Mute) {
        let (ours, port) = if grpc { ("gRPC", "4317") } else { ("HTTP", "4318") };
        let certificate = if endpoint.scheme() == Some(&Scheme::HTTPS) {
            " Or does it ask for a client certificate (OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE)?"
        } else {
            ""
        };
        let text = format!(
            "The server closed the connection without a word: is this its port for {ours} ({port} on most \
             collectors)?{certificate}"
        );
        (text, true)
    } else {
        let text =
            "The connection broke: see whether the collector, or a proxy before it, restarts or ends connections.";
        (text.to_owned(), true)
    }
}

fn tls_remedy(error: &rustls::Error, protocol: Protocol) -> Option<String> {
    use rustls::Error as Tls;
    Some(match error {
        Tls::InvalidMessage(InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion) => {
            let insecure = if protocol == Protocol::Grpc { " or insecure=True" } else { "" };
            format!("The server does not speak TLS on this port: write the endpoint with http://{insecure}.")
        }
        Tls::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "The server's certificate is signed by no known authority: name the authority's certificate file in \
             OTEL_EXPORTER_OTLP_CERTIFICATE."
                .to_owned()
        }
        Tls::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => "The server's certificate is for another host name: use the name that is in it.".to_owned(),
        Tls::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            "The server's certificate has expired.".to_owned()
        }
        // rustls has no variant for this one.
        Tls::InvalidCertificate(CertificateError::Other(other)) if other.to_string().contains("CaUsedAsEndEntity") => {
            "The server shows an authority's own certificate (CA:TRUE), as `openssl req -x509` makes them: give it one \
             that is signed by that authority, and name the authority's in OTEL_EXPORTER_OTLP_CERTIFICATE."
                .to_owned()
        }
        Tls::InvalidCertificate(_) => "The server's certificate is not valid.".to_owned(),
        Tls::AlertReceived(AlertDescription::NoApplicationProtocol) => other_protocol(protocol),
        Tls::AlertReceived(AlertDescription::CertificateRequired | AlertDescription::BadCertificate) => {
            "The server asks for a client certificate: name it in OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and its key \
             in OTEL_EXPORTER_OTLP_CLIENT_KEY."
                .to_owned()
        }
        Tls::AlertReceived(_) => "The server refuses the TLS connection.".to_owned(),
        _ => return None,
    })
}

/// The causes, outermost first. An `io::Error` that wraps another error is followed inside.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        let inside = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        inside.map(|inside| inside as &(dyn Error + 'static)).or_else(|| error.source())
    })
    .take(16)
}

/// The causes' texts, without what only repeats.
fn reason(error: &(dyn Error + 'static)) -> String {
    if let Some(text) = chain(error).find_map(|cause| cause.downcast_ref().and_then(out_of_date)) {
        return text;
    }
    let mut reason = String::new();
    for text in chain(error).skip(1).map(ToString::to_string) {
        if !reason.contains(&text) {
            if !reason.is_empty() {
                reason.push_str(": ");
            }
            reason.push_str(&text);
        }
    }
    if reason.is_empty() { error.to_string() } else { reason }
}

/// The text of these errors has the present time in it, and would be news every second.
fn out_of_date(error: &rustls::Error) -> Option<String> {
    let (what, when) = match error {
        rustls::Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. }) => ("expired", not_after),
        rustls::Error::InvalidCertificate(CertificateError::NotValidYetContext { not_before, .. }) => {
            ("not valid before", not_before)
        }
        _ => return None,
    };
    let when = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(when.as_secs()))?;
    Some(format!("invalid peer certificate: {what} {}", httpdate::fmt_http_date(when)))
}

fn authority(endpoint: &Uri) -> &str {
    endpoint.authority().map_or("the endpoint", http::uri::Authority::as_str)
}
