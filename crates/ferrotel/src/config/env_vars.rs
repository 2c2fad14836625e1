//! Every environment variable that ferrotel reads: the only list of their names.
//!
//! The documentation's table is made from [`ALL`].

/// A variable that ferrotel reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnvVar {
    /// Its name.
    pub name: &'static str,
    /// What it is about, for grouping.
    pub section: Section,
    /// What holds where it is not set or malformed, as one would write it; `None` where nothing does.
    pub default: Option<&'static str>,
    /// What it is for, in one line of Markdown.
    pub doc: &'static str,
}

/// The groups of variables, in the documentation's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    /// ferrotel's own.
    Ferrotel,
    /// The SDK as a whole.
    General,
    /// The resource.
    Resource,
    /// Propagators.
    Propagation,
    /// Tracers, samplers and the choice of exporters.
    Traces,
    /// The batch span processor.
    BatchSpanProcessor,
    /// Metric readers, exemplars and the choice of exporters.
    Metrics,
    /// Loggers and the choice of exporters.
    Logs,
    /// The batch log record processor.
    BatchLogRecordProcessor,
    /// The instrumentation of `logging`.
    Logging,
    /// Auto-instrumentation, and what all instrumentations have in common.
    Instrumentation,
    /// Attribute and span limits.
    Limits,
    /// The OTLP exporters.
    Otlp,
    /// The Prometheus exporter.
    Prometheus,
}

impl Section {
    /// The group's heading.
    pub const fn title(self) -> &'static str {
        match self {
            Section::Ferrotel => "ferrotel",
            Section::General => "General",
            Section::Resource => "Resource",
            Section::Propagation => "Propagation",
            Section::Traces => "Traces",
            Section::BatchSpanProcessor => "Batch span processor",
            Section::Metrics => "Metrics",
            Section::Logs => "Logs",
            Section::BatchLogRecordProcessor => "Batch log record processor",
            Section::Logging => "Instrumentation of logging",
            Section::Instrumentation => "Instrumentation",
            Section::Limits => "Limits",
            Section::Otlp => "OTLP exporters",
            Section::Prometheus => "Prometheus exporter",
        }
    }
}

macro_rules! env_vars {
    ($($section:ident { $(#[doc = $doc:literal] $name:ident $(= $default:literal)?;)+ })+) => {
        $($(
            #[doc = $doc]
            pub const $name: EnvVar = EnvVar {
                name: stringify!($name),
                section: Section::$section,
                default: default!($($default)?),
                doc: $doc.trim_ascii(),
            };
        )+)+

        /// All of them, in the documentation's order.
        pub const ALL: &[EnvVar] = &[$($($name,)+)+];
    };
}

macro_rules! default {
    () => {
        None
    };
    ($default:literal) => {
        Some($default)
    };
}

env_vars! {
    Ferrotel {
        /// `1` leaves the imports of `opentelemetry` to the official packages.
        FERROTEL_DISABLED;
        /// How many seconds the exit of the program may take while no batch is accepted. What is left then is lost, and a log line says how much.
        FERROTEL_EXIT_TIMEOUT = "5";
        /// A directory in which the OTLP exporters keep batches that are not delivered, until the collector is back or another process sends them: see [reliability](reliability.md#the-spool). Not set: they wait in memory.
        FERROTEL_SPOOL_DIR;
        /// How many bytes of disk that directory may take. When it is full, its oldest batches are dropped, and a log line says how many.
        FERROTEL_SPOOL_MAX_BYTES = "536870912";
        /// How many seconds a process that SIGTERM ends, and that has no handler for it, may take to deliver what is queued; `0`: none, SIGTERM is left alone.
        FERROTEL_SIGTERM_TIMEOUT = "2";
    }
    General {
        /// `true` turns the SDK off for all signals: nothing is recorded, and propagators still work.
        OTEL_SDK_DISABLED = "false";
        /// The least severe of ferrotel's own log lines that is shown: `debug`, `info`, `warning`, `error` or `none`. Not set: as the program's logging is configured.
        OTEL_LOG_LEVEL;
        /// `true` makes the SDK emit metrics about itself.
        OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED = "false";
        /// The entry point that implements the current context.
        OTEL_PYTHON_CONTEXT = "contextvars_context";
    }
    Resource {
        /// The name of the service; goes before a `service.name` in `OTEL_RESOURCE_ATTRIBUTES`.
        OTEL_SERVICE_NAME;
        /// Attributes of the resource: `key=value` pairs, separated by commas, values percent-encoded.
        OTEL_RESOURCE_ATTRIBUTES;
        /// The names of more resource detectors, separated by commas: `process`, `os`, `host`, any other entry point; `*` for all.
        OTEL_EXPERIMENTAL_RESOURCE_DETECTORS;
    }
    Propagation {
        /// The propagators, separated by commas: `tracecontext`, `baggage`, `b3`, `b3multi`, `jaeger`, any other entry point; `none` for none.
        OTEL_PROPAGATORS = "tracecontext,baggage";
    }
    Traces {
        /// The sampler: `always_on`, `always_off`, `traceidratio`, `parentbased_always_on`, `parentbased_always_off` or `parentbased_traceidratio`.
        OTEL_TRACES_SAMPLER = "parentbased_always_on";
        /// What the sampler is given: for the ratio samplers, the share of traces, from 0.0 to 1.0.
        OTEL_TRACES_SAMPLER_ARG = "1.0";
        /// The span exporters that auto-instrumentation sets up, separated by commas: `otlp`, `console`, any other entry point; `none` for none.
        OTEL_TRACES_EXPORTER;
        /// The entry point of the generator of trace and span ids.
        OTEL_PYTHON_ID_GENERATOR = "random";
        /// The entry point of the tracer provider that the API uses where the program sets none.
        OTEL_PYTHON_TRACER_PROVIDER;
        /// The entry point of a function that configures tracers by their scope.
        OTEL_PYTHON_TRACER_CONFIGURATOR;
    }
    BatchSpanProcessor {
        /// The longest that a span waits for its batch to fill, in milliseconds.
        OTEL_BSP_SCHEDULE_DELAY = "5000";
        /// How long a flush waits for exports, in milliseconds; `0` for no limit.
        OTEL_BSP_EXPORT_TIMEOUT = "30000";
        /// How many spans may wait; more are dropped.
        OTEL_BSP_MAX_QUEUE_SIZE = "2048";
        /// How many spans make a batch; at most as many as may wait.
        OTEL_BSP_MAX_EXPORT_BATCH_SIZE = "512";
    }
    Metrics {
        /// The metric exporters that auto-instrumentation sets up, separated by commas: `otlp`, `console`, `prometheus`, any other entry point; `none` for none.
        OTEL_METRICS_EXPORTER;
        /// From the end of one export to the start of the next, in milliseconds.
        OTEL_METRIC_EXPORT_INTERVAL = "60000";
        /// How long one collection and export may take, in milliseconds.
        OTEL_METRIC_EXPORT_TIMEOUT = "30000";
        /// Which measurements may become exemplars: `always_on`, `always_off` or `trace_based`.
        OTEL_METRICS_EXEMPLAR_FILTER = "trace_based";
        /// The entry point of the meter provider that the API uses where the program sets none.
        OTEL_PYTHON_METER_PROVIDER;
    }
    Logs {
        /// The log record exporters that auto-instrumentation sets up, separated by commas: `otlp`, `console`, any other entry point; `none` for none.
        OTEL_LOGS_EXPORTER;
        /// The entry point of the logger provider that the API uses where the program sets none.
        OTEL_PYTHON_LOGGER_PROVIDER;
        /// The entry point of a function that configures loggers by their scope.
        OTEL_PYTHON_LOGGER_CONFIGURATOR;
    }
    BatchLogRecordProcessor {
        /// The longest that a log record waits for its batch to fill, in milliseconds.
        OTEL_BLRP_SCHEDULE_DELAY = "1000";
        /// How long a flush waits for exports, in milliseconds; `0` for no limit.
        OTEL_BLRP_EXPORT_TIMEOUT = "30000";
        /// How many log records may wait; more are dropped.
        OTEL_BLRP_MAX_QUEUE_SIZE = "2048";
        /// How many log records make a batch; at most as many as may wait.
        OTEL_BLRP_MAX_EXPORT_BATCH_SIZE = "512";
    }
    Logging {
        /// `true` makes auto-instrumentation set up the SDK's own `LoggingHandler` (deprecated: the instrumentation's handler is there without it).
        OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED = "false";
        /// `false` leaves the handler out that turns `logging`'s records into log records.
        OTEL_PYTHON_LOG_AUTO_INSTRUMENTATION = "true";
        /// `true` adds the attributes `code.file.path`, `code.function.name` and `code.line.number`.
        OTEL_PYTHON_LOG_CODE_ATTRIBUTES = "false";
        /// The least severe level that the handler takes: `notset`, `debug`, `info`, `warning`, `error`.
        OTEL_PYTHON_LOG_HANDLER_LEVEL = "notset";
        /// `true` puts trace ids on the records of `logging` and calls `logging.basicConfig` with a format that shows them.
        OTEL_PYTHON_LOG_CORRELATION = "false";
        /// The format for that call.
        OTEL_PYTHON_LOG_FORMAT;
        /// The level for that call: `debug`, `info`, `warning` or `error`.
        OTEL_PYTHON_LOG_LEVEL = "info";
    }
    Instrumentation {
        /// The entry point names of instrumentations to leave out, separated by commas; `*` leaves out all.
        OTEL_PYTHON_DISABLED_INSTRUMENTATIONS;
        /// The entry point name of the distro to use. Not set: the first that is found.
        OTEL_PYTHON_DISTRO;
        /// The entry point name of the configurator to use. Not set: the first that is found.
        OTEL_PYTHON_CONFIGURATOR;
        /// `patch_all` has gevent patch the standard library before anything is instrumented.
        OTEL_PYTHON_AUTO_INSTRUMENTATION_EXPERIMENTAL_GEVENT_PATCH;
        /// Which semantic conventions are followed: `http`, `http/dup`, `database`, `database/dup`, separated by commas.
        OTEL_SEMCONV_STABILITY_OPT_IN;
        /// Regular expressions for URLs that get no telemetry, separated by commas. `OTEL_PYTHON_FLASK_EXCLUDED_URLS` goes before it for Flask, and so on.
        OTEL_PYTHON_EXCLUDED_URLS;
        /// `False`: Django is not instrumented.
        OTEL_PYTHON_DJANGO_INSTRUMENT;
        /// Where the middleware stands among those of Django's settings; default: first.
        OTEL_PYTHON_DJANGO_MIDDLEWARE_POSITION;
        /// Attributes of Django's requests that spans get, separated by commas.
        OTEL_PYTHON_DJANGO_TRACED_REQUEST_ATTRS;
        /// Regular expressions for the request headers that servers' spans get, separated by commas.
        OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST;
        /// The same, for response headers.
        OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE;
        /// Regular expressions for the request headers that clients' spans get, separated by commas.
        OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_REQUEST;
        /// The same, for response headers.
        OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_RESPONSE;
        /// Regular expressions for headers whose values are replaced by `[REDACTED]`, separated by commas.
        OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS;
        /// Set, methods that are not known are told as they are, not as `_OTHER`.
        OTEL_PYTHON_INSTRUMENTATION_HTTP_CAPTURE_ALL_METHODS;
        /// Which calls between an ASGI application and its server get spans of their own: `receive`, `send`, separated by commas. Not set: none.
        FERROTEL_ASGI_SPANS;
    }
    Limits {
        /// How many attributes a span, an event or a link may have, where no narrower variable says otherwise; empty for no limit.
        OTEL_ATTRIBUTE_COUNT_LIMIT = "128";
        /// How many characters a string in an attribute may have; empty for no limit.
        OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT;
        /// How many attributes a span may have; empty for no limit.
        OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT = "128";
        /// How many characters a string in a span's attribute may have; empty for no limit.
        OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT;
        /// How many events a span may have; empty for no limit.
        OTEL_SPAN_EVENT_COUNT_LIMIT = "128";
        /// How many links a span may have; empty for no limit.
        OTEL_SPAN_LINK_COUNT_LIMIT = "128";
        /// How many attributes an event may have; empty for no limit.
        OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT = "128";
        /// How many attributes a link may have; empty for no limit.
        OTEL_LINK_ATTRIBUTE_COUNT_LIMIT = "128";
        /// How many attributes a log record may have; empty for no limit.
        OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT = "128";
        /// How many characters a string in a log record's attribute may have; empty for no limit.
        OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT;
    }
    Otlp {
        /// The URL to send to. Over HTTP, `/v1/traces`, `/v1/metrics` or `/v1/logs` is added to it.
        OTEL_EXPORTER_OTLP_ENDPOINT = "http://localhost:4317 (gRPC), http://localhost:4318 (HTTP)";
        /// The URL to send spans to, used as it stands.
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT;
        /// The URL to send metrics to, used as it stands.
        OTEL_EXPORTER_OTLP_METRICS_ENDPOINT;
        /// The URL to send log records to, used as it stands.
        OTEL_EXPORTER_OTLP_LOGS_ENDPOINT;
        /// The protocol: `grpc`, `http/protobuf` or `http/json`.
        OTEL_EXPORTER_OTLP_PROTOCOL = "grpc";
        /// The protocol for spans.
        OTEL_EXPORTER_OTLP_TRACES_PROTOCOL;
        /// The protocol for metrics.
        OTEL_EXPORTER_OTLP_METRICS_PROTOCOL;
        /// The protocol for log records.
        OTEL_EXPORTER_OTLP_LOGS_PROTOCOL;
        /// Headers of every request: `key=value` pairs, separated by commas, values percent-encoded.
        OTEL_EXPORTER_OTLP_HEADERS;
        /// Headers of requests with spans.
        OTEL_EXPORTER_OTLP_TRACES_HEADERS;
        /// Headers of requests with metrics.
        OTEL_EXPORTER_OTLP_METRICS_HEADERS;
        /// Headers of requests with log records.
        OTEL_EXPORTER_OTLP_LOGS_HEADERS;
        /// How long one export may take with all its retries, in seconds.
        OTEL_EXPORTER_OTLP_TIMEOUT = "10";
        /// How long one export of spans may take with all its retries, in seconds.
        OTEL_EXPORTER_OTLP_TRACES_TIMEOUT;
        /// How long one export of metrics may take with all its retries, in seconds.
        OTEL_EXPORTER_OTLP_METRICS_TIMEOUT;
        /// How long one export of log records may take with all its retries, in seconds.
        OTEL_EXPORTER_OTLP_LOGS_TIMEOUT;
        /// The compression of requests: `none`, `gzip` or `deflate`.
        OTEL_EXPORTER_OTLP_COMPRESSION = "none";
        /// The compression of requests with spans.
        OTEL_EXPORTER_OTLP_TRACES_COMPRESSION;
        /// The compression of requests with metrics.
        OTEL_EXPORTER_OTLP_METRICS_COMPRESSION;
        /// The compression of requests with log records.
        OTEL_EXPORTER_OTLP_LOGS_COMPRESSION;
        /// A file with the certificates (PEM) that the server's must be signed by. Not set: the system's.
        OTEL_EXPORTER_OTLP_CERTIFICATE;
        /// The same, for spans.
        OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE;
        /// The same, for metrics.
        OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE;
        /// The same, for log records.
        OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE;
        /// A file with the client's certificate chain (PEM), for mutual TLS.
        OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE;
        /// The same, for spans.
        OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE;
        /// The same, for metrics.
        OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE;
        /// The same, for log records.
        OTEL_EXPORTER_OTLP_LOGS_CLIENT_CERTIFICATE;
        /// A file with the client's private key (PEM), for mutual TLS.
        OTEL_EXPORTER_OTLP_CLIENT_KEY;
        /// The same, for spans.
        OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY;
        /// The same, for metrics.
        OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY;
        /// The same, for log records.
        OTEL_EXPORTER_OTLP_LOGS_CLIENT_KEY;
        /// `true` sends over gRPC without TLS where the endpoint names no scheme.
        OTEL_EXPORTER_OTLP_INSECURE = "false";
        /// The same, for spans.
        OTEL_EXPORTER_OTLP_TRACES_INSECURE;
        /// The same, for metrics.
        OTEL_EXPORTER_OTLP_METRICS_INSECURE;
        /// The same, for log records.
        OTEL_EXPORTER_OTLP_LOGS_INSECURE;
        /// What the points of counters and histograms cover: `cumulative`, `delta` or `lowmemory`.
        OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE = "cumulative";
        /// The aggregation of histograms without a view: `explicit_bucket_histogram` or `base2_exponential_bucket_histogram`.
        OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION = "explicit_bucket_histogram";
        /// The names of gRPC status codes after which an export is tried again, separated by commas.
        OTEL_PYTHON_EXPORTER_OTLP_GRPC_RETRYABLE_ERROR_CODES;
        /// The entry point of a function that returns the gRPC exporters' channel credentials.
        OTEL_PYTHON_EXPORTER_OTLP_GRPC_CREDENTIAL_PROVIDER;
        /// The same, for spans.
        OTEL_PYTHON_EXPORTER_OTLP_GRPC_TRACES_CREDENTIAL_PROVIDER;
        /// The same, for metrics.
        OTEL_PYTHON_EXPORTER_OTLP_GRPC_METRICS_CREDENTIAL_PROVIDER;
        /// The same, for log records.
        OTEL_PYTHON_EXPORTER_OTLP_GRPC_LOGS_CREDENTIAL_PROVIDER;
        /// The entry point of a function that returns the HTTP exporters' session.
        OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER;
        /// The same, for spans.
        OTEL_PYTHON_EXPORTER_OTLP_HTTP_TRACES_CREDENTIAL_PROVIDER;
        /// The same, for metrics.
        OTEL_PYTHON_EXPORTER_OTLP_HTTP_METRICS_CREDENTIAL_PROVIDER;
        /// The same, for log records.
        OTEL_PYTHON_EXPORTER_OTLP_HTTP_LOGS_CREDENTIAL_PROVIDER;
    }
    Prometheus {
        /// The address that `OTEL_METRICS_EXPORTER=prometheus` listens on.
        OTEL_EXPORTER_PROMETHEUS_HOST = "localhost";
        /// The port that it listens on.
        OTEL_EXPORTER_PROMETHEUS_PORT = "9464";
    }
}
