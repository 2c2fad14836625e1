//! From configured headers to the headers of a request.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use ferrotel::common::diagnostics::{self, Level};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderName, TE, USER_AGENT};
use http::{HeaderMap, HeaderValue};

use crate::transport::{Compression, Protocol};

/// Names that the transport itself sets, and that would break it.
const OURS: [&str; 6] = ["connection", "content-length", "keep-alive", "te", "transfer-encoding", "upgrade"];

/// The headers of every request. What cannot be sent is reported in one line and left out.
pub(super) fn request_headers(
    protocol: Protocol,
    compression: Compression,
    user_agent: &str,
    configured: &[(String, String)],
    target: &'static str,
) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Ok(agent) = HeaderValue::from_str(user_agent) {
        headers.insert(USER_AGENT, agent);
    }
    if protocol != Protocol::Grpc {
        set_http(&mut headers, protocol, compression);
    }
    let mut refused = Vec::new();
    for (name, value) in configured {
        let pair = header(protocol, name, value);
        match pair {
            Some((name, value)) if headers.len() < 1000 || headers.contains_key(&name) => {
                headers.insert(name, value);
            }
            // What stands before the first character that no name has: the rest may be a secret in the wrong place.
            _ => refused.push(
                name.chars()
                    .take_while(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c))
                    .take(64)
                    .collect::<String>(),
            ),
        }
    }
    if protocol == Protocol::Grpc {
        set_grpc(&mut headers, compression);
    }
    if !refused.is_empty() {
        refused.iter_mut().filter(|name| name.is_empty()).for_each(|name| name.push_str("one without a name"));
        refused.truncate(8);
        let line = format!(
            "These configured headers cannot be sent and are left out: {}. A name is letters, digits and hyphens, and \
             a value one line of printable characters.",
            refused.join(", ")
        );
        diagnostics::log(Level::Warning, target, &line);
    }
    headers
}

/// Over HTTP configured headers go before ours, as in the reference.
fn set_http(headers: &mut HeaderMap, protocol: Protocol, compression: Compression) {
    let content = if protocol == Protocol::HttpJson { "application/json" } else { "application/x-protobuf" };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content));
    if compression != Compression::None {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(compression.as_str()));
    }
}

fn set_grpc(headers: &mut HeaderMap, compression: Compression) {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(TE, HeaderValue::from_static("trailers"));
    if compression != Compression::None {
        headers.insert("grpc-encoding", HeaderValue::from_static(compression.as_str()));
    }
}

fn header(protocol: Protocol, name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    let name = HeaderName::from_bytes(name.as_bytes()).ok().filter(|name| !OURS.contains(&name.as_str()))?;
    let mut value = if protocol != Protocol::Grpc {
        HeaderValue::from_bytes(value.as_bytes()).ok()?
    } else if name == HOST || name.as_str().starts_with("grpc-") {
        return None;
    } else if name.as_str().ends_with("-bin") {
        HeaderValue::try_from(STANDARD_NO_PAD.encode(value)).ok()?
    } else {
        HeaderValue::from_str(value).ok()?
    };
    // Kept out of HTTP/2's header compression table and of debug output: it may be a secret.
    value.set_sensitive(true);
    Some((name, value))
}
