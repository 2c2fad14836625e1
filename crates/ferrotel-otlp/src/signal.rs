//! What differs between the signals.

use ferrotel::config::{EnvVar, env_vars};
use ferrotel::sdk::logs::FinishedLogRecord;
use ferrotel::sdk::metrics::MetricsData;
use ferrotel::sdk::trace::FinishedSpan;

use crate::encode::{json, logs, metrics, traces};
use crate::split::points;

/// A signal as a type: what its exporters take, and how that is encoded. [`Traces`], [`Metrics`], [`Logs`].
pub trait Exported: sealed::Sealed + Clone + std::fmt::Debug + 'static {
    /// What one export takes.
    type Data: ?Sized;
    /// Encodes one after another in the same memory.
    #[doc(hidden)]
    type Encoder: Default + Send + 'static;
    #[doc(hidden)]
    const SIGNAL: &'static Signal;

    /// How many spans, points or log records.
    #[doc(hidden)]
    fn count(data: &Self::Data) -> usize;
    #[doc(hidden)]
    fn encode<'a>(encoder: &'a mut Self::Encoder, data: &Self::Data) -> &'a [u8];
    #[doc(hidden)]
    fn encode_json(data: &Self::Data) -> Vec<u8>;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! exported {
    ($(#[doc = $doc:literal])+ $name:ident, $data:ty, $module:ident, $signal:ident, $count:expr) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug)]
        pub enum $name {}

        impl sealed::Sealed for $name {}

        impl Exported for $name {
            type Data = $data;
            type Encoder = $module::Encoder;
            const SIGNAL: &'static Signal = &$signal;

            fn count(data: &Self::Data) -> usize {
                $count(data)
            }

            fn encode<'a>(encoder: &'a mut Self::Encoder, data: &Self::Data) -> &'a [u8] {
                encoder.encode(data)
            }

            fn encode_json(data: &Self::Data) -> Vec<u8> {
                json::$module::encode(data)
            }
        }
    };
}

exported! {
    /// Spans.
    Traces, [FinishedSpan], traces, TRACES, <[FinishedSpan]>::len
}
exported! {
    /// Metrics.
    Metrics, MetricsData, metrics, METRICS, count_points
}
exported! {
    /// Log records.
    Logs, [FinishedLogRecord], logs, LOGS, <[FinishedLogRecord]>::len
}

fn count_points(data: &MetricsData) -> usize {
    let scopes = data.resource_metrics.iter().flat_map(|of_resource| &of_resource.scope_metrics);
    scopes.flat_map(|of_scope| &of_scope.metrics).map(|metric| points(&metric.data)).sum()
}

/// One signal's names: in log lines, in URLs, in the environment.
#[derive(Debug)]
pub struct Signal {
    /// In the gRPC exporter's log lines.
    pub name: &'static str,
    /// In the HTTP exporter's log lines.
    pub items: &'static str,
    /// In front of `batch` in log lines.
    pub batch: &'static str,
    /// In the spool.
    pub spooled: ferrotel_spool::Signal,
    /// What to lower for smaller requests.
    pub smaller: &'static str,
    /// The gRPC method (OTLP/gRPC).
    pub grpc_method: &'static str,
    /// What is added to a base endpoint (OTLP/HTTP).
    pub http_path: &'static str,
    /// The logger of the gRPC exporter.
    pub grpc_target: &'static str,
    /// The logger of the HTTP exporter.
    pub http_target: &'static str,
    /// What the exporters are called in metrics about themselves.
    pub component_types: ComponentTypes,
    /// The signal's own environment variables.
    pub variables: Variables,
}

/// The values of `otel.component.type` (semantic conventions), by protocol.
#[derive(Debug)]
pub struct ComponentTypes {
    /// gRPC.
    pub grpc: &'static str,
    /// Protobuf over HTTP.
    pub http: &'static str,
    /// JSON over HTTP.
    pub http_json: &'static str,
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
    batch: "span",
    spooled: ferrotel_spool::Signal::Traces,
    smaller: "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
    grpc_method: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    http_path: "v1/traces",
    grpc_target: "opentelemetry.exporter.otlp.proto.grpc.exporter",
    http_target: "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    component_types: ComponentTypes {
        grpc: "otlp_grpc_span_exporter",
        http: "otlp_http_span_exporter",
        http_json: "otlp_http_json_span_exporter",
    },
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

/// Metrics.
pub const METRICS: Signal = Signal {
    name: "metrics",
    items: "metrics",
    batch: "metrics",
    spooled: ferrotel_spool::Signal::Metrics,
    smaller: "the exporter's max_export_batch_size",
    grpc_method: "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    http_path: "v1/metrics",
    grpc_target: "opentelemetry.exporter.otlp.proto.grpc.exporter",
    http_target: "opentelemetry.exporter.otlp.proto.http.metric_exporter",
    component_types: ComponentTypes {
        grpc: "otlp_grpc_metric_exporter",
        http: "otlp_http_metric_exporter",
        http_json: "otlp_http_json_metric_exporter",
    },
    variables: Variables {
        endpoint: env_vars::OTEL_EXPORTER_OTLP_METRICS_ENDPOINT,
        headers: env_vars::OTEL_EXPORTER_OTLP_METRICS_HEADERS,
        timeout: env_vars::OTEL_EXPORTER_OTLP_METRICS_TIMEOUT,
        compression: env_vars::OTEL_EXPORTER_OTLP_METRICS_COMPRESSION,
        certificate: env_vars::OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE,
        client_certificate: env_vars::OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE,
        client_key: env_vars::OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY,
        insecure: env_vars::OTEL_EXPORTER_OTLP_METRICS_INSECURE,
    },
};

/// Logs.
pub const LOGS: Signal = Signal {
    name: "logs",
    items: "logs",
    batch: "logs",
    spooled: ferrotel_spool::Signal::Logs,
    smaller: "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE",
    grpc_method: "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    http_path: "v1/logs",
    grpc_target: "opentelemetry.exporter.otlp.proto.grpc.exporter",
    http_target: "opentelemetry.exporter.otlp.proto.http._log_exporter",
    component_types: ComponentTypes {
        grpc: "otlp_grpc_log_exporter",
        http: "otlp_http_log_exporter",
        http_json: "otlp_http_json_log_exporter",
    },
    variables: Variables {
        endpoint: env_vars::OTEL_EXPORTER_OTLP_LOGS_ENDPOINT,
        headers: env_vars::OTEL_EXPORTER_OTLP_LOGS_HEADERS,
        timeout: env_vars::OTEL_EXPORTER_OTLP_LOGS_TIMEOUT,
        compression: env_vars::OTEL_EXPORTER_OTLP_LOGS_COMPRESSION,
        certificate: env_vars::OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE,
        client_certificate: env_vars::OTEL_EXPORTER_OTLP_LOGS_CLIENT_CERTIFICATE,
        client_key: env_vars::OTEL_EXPORTER_OTLP_LOGS_CLIENT_KEY,
        insecure: env_vars::OTEL_EXPORTER_OTLP_LOGS_INSECURE,
    },
};
