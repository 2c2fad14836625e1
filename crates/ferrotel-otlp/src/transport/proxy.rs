//! Which proxy to take, from the environment.

use ferrotel::config::EnvSource;
use http::Uri;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};

/// The proxies of the environment at the time of configuration.
///
/// Read as the reference's HTTP and gRPC libraries do: lower-case names first; `HTTP_PROXY` in upper case not in a CGI
/// program, where a request's header could have set it; for gRPC one proxy for all, whatever the endpoint's scheme.
pub(crate) struct Proxies(Matcher);

impl Proxies {
    /// For OTLP/HTTP.
    pub fn for_http(env: &dyn EnvSource) -> Self {
        let upper_http = if env.var("REQUEST_METHOD").is_some() { "" } else { "HTTP_PROXY" };
        Proxies(
            Matcher::builder()
                .http(first(env, &["http_proxy", upper_http]))
                .https(first(env, &["https_proxy", "HTTPS_PROXY"]))
                .all(first(env, &["all_proxy", "ALL_PROXY"]))
                .no(first(env, &["no_proxy", "NO_PROXY"]))
                .build(),
        )
    }

    /// For OTLP/gRPC.
    pub fn for_grpc(env: &dyn EnvSource) -> Self {
        let upper_http = if env.var("REQUEST_METHOD").is_some() { "" } else { "HTTP_PROXY" };
        Proxies(
            Matcher::builder()
                .all(first(env, &["grpc_proxy", "https_proxy", "HTTPS_PROXY", "http_proxy", upper_http]))
                .no(first(env, &["no_grpc_proxy", "no_proxy", "NO_PROXY"]))
                .build(),
        )
    }

    /// The proxy for `destination`, if there is one. SOCKS proxies are not supported and not taken.
    pub fn for_destination(&self, destination: &Uri) -> Option<Intercept> {
        self.0.intercept(destination).filter(|proxy| matches!(proxy.uri().scheme_str(), Some("http" | "https")))
    }
}

fn first(env: &dyn EnvSource, names: &[&str]) -> String {
    let set = names.iter().filter(|name| !name.is_empty()).find_map(|name| env.var(name).filter(|url| !url.is_empty()));
    set.unwrap_or_default()
}
