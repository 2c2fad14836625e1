//! What differs between the signals for configuration and transport.

use ferrotel::config::{EnvVar, env_vars};

/// One signal's names: in log lines, in URLs, in the environment.
#[derive(Debug)]
pub struct Signal {
    /// In the gRPC exporter's log lines.
    pub name: &'static str,
    /// In the HTTP exporter's log lines.
    pub items: &'static str,
    /// The gRPC method (OTLP/gRPC).
    pub grpc_method: &'static str,
    /// What is added to a base endpoint (OTLP/HTTP).
    pub http_path: &'static str,
    /// The logger of the gRPC exporter.
    pub grpc_target: &'static str,
    /// The logger of the HTTP exporter.
    pub http_target: &'static str,
    /// The signal's own environment variables.
    pub variables: Variables,
}

/// Environment variables of one group: general or of one signal.
#[derive(Debug)]
pub struct Variables {
    /// Where to.
    pub endpoint: EnvVar,
    /// `key=value` pairs.
    pub headers: EnvVar,
    /// In seconds.
    pub timeout: EnvVar,
    /// `none`, `gzip`, `deflate`.
    pub compression: EnvVar,
    /// The CA's file.
    pub certificate: EnvVar,
    /// The client certificate's file.
    pub client_certificate: EnvVar,
    /// The client key's file.
    pub client_key: EnvVar,
    /// No TLS.
    pub insecure: EnvVar,
}

/// The variables for all signals.
pub const GENERAL: Variables = Variables {
    endpoint: env_vars::OTEL_EXPORTER_OTLP_ENDPOINT,
    headers: env_vars::OTEL_EXPORTER_OTLP_HEADERS,
    timeout: env_vars::OTEL_EXPORTER_OTLP_TIMEOUT,
    compression: env_vars::OTEL_EXPORTER_OTLP_COMPRESSION,
    certificate: env_vars::OTEL_EXPORTER_OTLP_CERTIFICATE,
    client_certificate: env_vars::OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE,
    client_key: env_vars::OTEL_EXPORTER_OTLP_CLIENT_KEY,
    insecure: env_vars::OTEL_EXPORTER_OTLP_INSECURE,
};

/// Traces.
pub const TRACES: Signal = Signal {
    name: "traces",
    items: "spans",
    grpc_method: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    http_path: "v1/traces",
    grpc_target: "opentelemetry.exporter.otlp.proto.grpc.exporter",
    http_target: "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    variables: Variables {
        endpoint: env_vars::OTEL_EXPORTER_OTLP_TRACES_ENDPOINT,
        headers: env_vars::OTEL_EXPORTER_OTLP_TRACES_HEADERS,
        timeout: env_vars::OTEL_EXPORTER_OTLP_TRACES_TIMEOUT,
        compression: env_vars::OTEL_EXPORTER_OTLP_TRACES_COMPRESSION,
        certificate: env_vars::OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE,
        client_certificate: env_vars::OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE,
        client_key: env_vars::OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY,
        insecure: env_vars::OTEL_EXPORTER_OTLP_TRACES_INSECURE,
    },
};
