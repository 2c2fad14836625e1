"""Names of the environment variables that the SDK and its exporters read, with their meaning and default."""


# SDK

OTEL_SDK_DISABLED = "OTEL_SDK_DISABLED"
"""`true` makes every provider hand out no-op tracers, meters and loggers. Default: `false`."""

OTEL_CONFIG_FILE = "OTEL_CONFIG_FILE"
"""Path of a declarative configuration file (YAML or JSON). While it is set, the configurator builds the SDK from that
file alone and needs the distribution `opentelemetry-configuration` for it."""

OTEL_RESOURCE_ATTRIBUTES = "OTEL_RESOURCE_ATTRIBUTES"
"""Resource attributes as `key1=value1,key2=value2`, values percent-encoded. Attributes given to `Resource.create`
are stronger."""

OTEL_SERVICE_NAME = "OTEL_SERVICE_NAME"
"""The resource attribute `service.name`; stronger than the same key in `OTEL_RESOURCE_ATTRIBUTES`."""

OTEL_EXPERIMENTAL_RESOURCE_DETECTORS = "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS"
"""Names of resource detectors, separated by commas: `otel`, `service_instance`, `process`, `os`, `host`, any entry
point of the group `opentelemetry_resource_detector`, or `*` for all. A later one wins over an earlier one; `otel` runs
last unless it is named."""

OTEL_LOG_LEVEL = "OTEL_LOG_LEVEL"
"""Level of the logger `opentelemetry`: none, error, warn, info, debug or all. Unset: the program's own logging
decides."""

OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED = "OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED"
"""`true` makes the SDK count its own spans and exports as metrics. Default: `false`."""


# Sampling

OTEL_TRACES_SAMPLER = "OTEL_TRACES_SAMPLER"
"""always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off, parentbased_traceidratio, or an
entry point of the group `opentelemetry_traces_sampler`. Default: parentbased_always_on."""

OTEL_TRACES_SAMPLER_ARG = "OTEL_TRACES_SAMPLER_ARG"
"""The sampler's argument; for the two ratio samplers a number from 0.0 to 1.0. Default: 1.0."""


# Batch processors

OTEL_BSP_SCHEDULE_DELAY = "OTEL_BSP_SCHEDULE_DELAY"
"""BatchSpanProcessor: milliseconds between two exports. Default: 5000."""

OTEL_BSP_EXPORT_TIMEOUT = "OTEL_BSP_EXPORT_TIMEOUT"
"""BatchSpanProcessor: milliseconds that one export may take. Default: 30000."""

OTEL_BSP_MAX_QUEUE_SIZE = "OTEL_BSP_MAX_QUEUE_SIZE"
"""BatchSpanProcessor: most records that wait; more are dropped. Default: 2048."""

OTEL_BSP_MAX_EXPORT_BATCH_SIZE = "OTEL_BSP_MAX_EXPORT_BATCH_SIZE"
"""BatchSpanProcessor: most records in one export. Default: 512."""

OTEL_BLRP_SCHEDULE_DELAY = "OTEL_BLRP_SCHEDULE_DELAY"
"""BatchLogRecordProcessor: milliseconds between two exports. Default: 1000."""

OTEL_BLRP_EXPORT_TIMEOUT = "OTEL_BLRP_EXPORT_TIMEOUT"
"""BatchLogRecordProcessor: milliseconds that one export may take. Default: 30000."""

OTEL_BLRP_MAX_QUEUE_SIZE = "OTEL_BLRP_MAX_QUEUE_SIZE"
"""BatchLogRecordProcessor: most records that wait; more are dropped. Default: 2048."""

OTEL_BLRP_MAX_EXPORT_BATCH_SIZE = "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE"
"""BatchLogRecordProcessor: most records in one export. Default: 512."""


# Limits

OTEL_ATTRIBUTE_COUNT_LIMIT = "OTEL_ATTRIBUTE_COUNT_LIMIT"
"""Most attributes on anything that has attributes and no limit of its own. Default: 128."""

OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT = "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"
"""Most characters in a text value. Default: no limit."""

OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT = "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT"
"""Most attributes on a span. Default: 128."""

OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT = "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT"
"""Most characters in a text value on a span. Default: `OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT`."""

OTEL_SPAN_EVENT_COUNT_LIMIT = "OTEL_SPAN_EVENT_COUNT_LIMIT"
"""Most events on a span. Default: 128."""

OTEL_SPAN_LINK_COUNT_LIMIT = "OTEL_SPAN_LINK_COUNT_LIMIT"
"""Most links on a span. Default: 128."""

OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT = "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT"
"""Most attributes on an event. Default: 128."""

OTEL_LINK_ATTRIBUTE_COUNT_LIMIT = "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT"
"""Most attributes on a link. Default: 128."""

OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT = "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT"
"""Most attributes on a log record. Default: `OTEL_ATTRIBUTE_COUNT_LIMIT`."""

OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT = "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT"
"""Most characters in a text value on a log record. Default: `OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT`."""


# OTLP exporters: each variable for all signals, then one per signal, which is the stronger

OTEL_EXPORTER_OTLP_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
"""Where to send, as a URL. Default: "http://localhost:4317" for gRPC, "http://localhost:4318" for HTTP."""

OTEL_EXPORTER_OTLP_TRACES_ENDPOINT = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
"""`OTEL_EXPORTER_OTLP_ENDPOINT` for spans."""

OTEL_EXPORTER_OTLP_METRICS_ENDPOINT = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"
"""`OTEL_EXPORTER_OTLP_ENDPOINT` for metrics."""

OTEL_EXPORTER_OTLP_LOGS_ENDPOINT = "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"
"""`OTEL_EXPORTER_OTLP_ENDPOINT` for log records."""

OTEL_EXPORTER_OTLP_PROTOCOL = "OTEL_EXPORTER_OTLP_PROTOCOL"
"""grpc, http/protobuf or http/json. Default: grpc."""

OTEL_EXPORTER_OTLP_TRACES_PROTOCOL = "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"
"""`OTEL_EXPORTER_OTLP_PROTOCOL` for spans."""

OTEL_EXPORTER_OTLP_METRICS_PROTOCOL = "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL"
"""`OTEL_EXPORTER_OTLP_PROTOCOL` for metrics."""

OTEL_EXPORTER_OTLP_LOGS_PROTOCOL = "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL"
"""`OTEL_EXPORTER_OTLP_PROTOCOL` for log records."""

OTEL_EXPORTER_OTLP_HEADERS = "OTEL_EXPORTER_OTLP_HEADERS"
"""Headers (gRPC: metadata) to send along, as `key1=value1,key2=value2`."""

OTEL_EXPORTER_OTLP_TRACES_HEADERS = "OTEL_EXPORTER_OTLP_TRACES_HEADERS"
"""`OTEL_EXPORTER_OTLP_HEADERS` for spans."""

OTEL_EXPORTER_OTLP_METRICS_HEADERS = "OTEL_EXPORTER_OTLP_METRICS_HEADERS"
"""`OTEL_EXPORTER_OTLP_HEADERS` for metrics."""

OTEL_EXPORTER_OTLP_LOGS_HEADERS = "OTEL_EXPORTER_OTLP_LOGS_HEADERS"
"""`OTEL_EXPORTER_OTLP_HEADERS` for log records."""

OTEL_EXPORTER_OTLP_TIMEOUT = "OTEL_EXPORTER_OTLP_TIMEOUT"
"""Seconds that one export may take, retries included. Default: 10."""

OTEL_EXPORTER_OTLP_TRACES_TIMEOUT = "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT"
"""`OTEL_EXPORTER_OTLP_TIMEOUT` for spans."""

OTEL_EXPORTER_OTLP_METRICS_TIMEOUT = "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT"
"""`OTEL_EXPORTER_OTLP_TIMEOUT` for metrics."""

OTEL_EXPORTER_OTLP_LOGS_TIMEOUT = "OTEL_EXPORTER_OTLP_LOGS_TIMEOUT"
"""`OTEL_EXPORTER_OTLP_TIMEOUT` for log records."""

OTEL_EXPORTER_OTLP_COMPRESSION = "OTEL_EXPORTER_OTLP_COMPRESSION"
"""gzip, deflate or none. Default: none."""

OTEL_EXPORTER_OTLP_TRACES_COMPRESSION = "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION"
"""`OTEL_EXPORTER_OTLP_COMPRESSION` for spans."""

OTEL_EXPORTER_OTLP_METRICS_COMPRESSION = "OTEL_EXPORTER_OTLP_METRICS_COMPRESSION"
"""`OTEL_EXPORTER_OTLP_COMPRESSION` for metrics."""

OTEL_EXPORTER_OTLP_LOGS_COMPRESSION = "OTEL_EXPORTER_OTLP_LOGS_COMPRESSION"
"""`OTEL_EXPORTER_OTLP_COMPRESSION` for log records."""

OTEL_EXPORTER_OTLP_INSECURE = "OTEL_EXPORTER_OTLP_INSECURE"
"""gRPC without TLS when `true` and the endpoint has no scheme; a scheme decides by itself. Default: `false`."""

OTEL_EXPORTER_OTLP_TRACES_INSECURE = "OTEL_EXPORTER_OTLP_TRACES_INSECURE"
"""`OTEL_EXPORTER_OTLP_INSECURE` for spans."""

OTEL_EXPORTER_OTLP_METRICS_INSECURE = "OTEL_EXPORTER_OTLP_METRICS_INSECURE"
"""`OTEL_EXPORTER_OTLP_INSECURE` for metrics."""

OTEL_EXPORTER_OTLP_LOGS_INSECURE = "OTEL_EXPORTER_OTLP_LOGS_INSECURE"
"""`OTEL_EXPORTER_OTLP_INSECURE` for log records."""

OTEL_EXPORTER_OTLP_CERTIFICATE = "OTEL_EXPORTER_OTLP_CERTIFICATE"
"""Path of the PEM file with the certificates that the server is checked against."""

OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE = "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE"
"""`OTEL_EXPORTER_OTLP_CERTIFICATE` for spans."""

OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE = "OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE"
"""`OTEL_EXPORTER_OTLP_CERTIFICATE` for metrics."""

OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE = "OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE"
"""`OTEL_EXPORTER_OTLP_CERTIFICATE` for log records."""

OTEL_EXPORTER_OTLP_CLIENT_KEY = "OTEL_EXPORTER_OTLP_CLIENT_KEY"
"""Path of the PEM file with the client's private key (mutual TLS)."""

OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY = "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY"
"""`OTEL_EXPORTER_OTLP_CLIENT_KEY` for spans."""

OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY = "OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY"
"""`OTEL_EXPORTER_OTLP_CLIENT_KEY` for metrics."""

OTEL_EXPORTER_OTLP_LOGS_CLIENT_KEY = "OTEL_EXPORTER_OTLP_LOGS_CLIENT_KEY"
"""`OTEL_EXPORTER_OTLP_CLIENT_KEY` for log records."""

OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE = "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"
"""Path of the PEM file with the client's certificate chain (mutual TLS)."""

OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE = "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE"
"""`OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE` for spans."""

OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE = "OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE"
"""`OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE` for metrics."""

OTEL_EXPORTER_OTLP_LOGS_CLIENT_CERTIFICATE = "OTEL_EXPORTER_OTLP_LOGS_CLIENT_CERTIFICATE"
"""`OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE` for log records."""

_OTEL_PYTHON_EXPORTER_OTLP_GRPC_RETRYABLE_ERROR_CODES = "OTEL_PYTHON_EXPORTER_OTLP_GRPC_RETRYABLE_ERROR_CODES"
"""Names of the gRPC status codes after which an export is tried again, separated by commas."""


# OTLP credential providers: names of entry points of the group `opentelemetry_otlp_credential_provider`

_OTEL_PYTHON_EXPORTER_OTLP_GRPC_CREDENTIAL_PROVIDER = "OTEL_PYTHON_EXPORTER_OTLP_GRPC_CREDENTIAL_PROVIDER"
"""Gives `grpc.ChannelCredentials` for every signal."""

_OTEL_PYTHON_EXPORTER_OTLP_GRPC_TRACES_CREDENTIAL_PROVIDER = "OTEL_PYTHON_EXPORTER_OTLP_GRPC_TRACES_CREDENTIAL_PROVIDER"
"""Gives `grpc.ChannelCredentials` for spans."""

_OTEL_PYTHON_EXPORTER_OTLP_GRPC_METRICS_CREDENTIAL_PROVIDER = (
    "OTEL_PYTHON_EXPORTER_OTLP_GRPC_METRICS_CREDENTIAL_PROVIDER"
)
"""Gives `grpc.ChannelCredentials` for metrics."""

_OTEL_PYTHON_EXPORTER_OTLP_GRPC_LOGS_CREDENTIAL_PROVIDER = "OTEL_PYTHON_EXPORTER_OTLP_GRPC_LOGS_CREDENTIAL_PROVIDER"
"""Gives `grpc.ChannelCredentials` for log records."""

_OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER = "OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER"
"""Gives a `requests.Session` for every signal."""

_OTEL_PYTHON_EXPORTER_OTLP_HTTP_TRACES_CREDENTIAL_PROVIDER = "OTEL_PYTHON_EXPORTER_OTLP_HTTP_TRACES_CREDENTIAL_PROVIDER"
"""Gives a `requests.Session` for spans."""

_OTEL_PYTHON_EXPORTER_OTLP_HTTP_METRICS_CREDENTIAL_PROVIDER = (
    "OTEL_PYTHON_EXPORTER_OTLP_HTTP_METRICS_CREDENTIAL_PROVIDER"
)
"""Gives a `requests.Session` for metrics."""

_OTEL_PYTHON_EXPORTER_OTLP_HTTP_LOGS_CREDENTIAL_PROVIDER = "OTEL_PYTHON_EXPORTER_OTLP_HTTP_LOGS_CREDENTIAL_PROVIDER"
"""Gives a `requests.Session` for log records."""


# Metrics and logs

OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"
"""CUMULATIVE, DELTA or LOWMEMORY. Default: CUMULATIVE."""

OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION"
"""explicit_bucket_histogram or base2_exponential_bucket_histogram. Default: the first."""

OTEL_METRIC_EXPORT_INTERVAL = "OTEL_METRIC_EXPORT_INTERVAL"
"""Milliseconds between the starts of two exports of the periodic reader. Default: 60000."""

OTEL_METRIC_EXPORT_TIMEOUT = "OTEL_METRIC_EXPORT_TIMEOUT"
"""Milliseconds that one export of the periodic reader may take. Default: 30000."""

OTEL_METRICS_EXEMPLAR_FILTER = "OTEL_METRICS_EXEMPLAR_FILTER"
"""always_on, always_off or trace_based. Default: trace_based."""

_OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED = "OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED"
"""`true` makes the configurator add a handler to the root logger. Default: `false`. Deprecated: use
`opentelemetry-instrumentation-logging`."""


# Configurators: names of entry points, experimental

OTEL_PYTHON_TRACER_CONFIGURATOR = "OTEL_PYTHON_TRACER_CONFIGURATOR"
"""An entry point of the group `_opentelemetry_tracer_configurator`."""

OTEL_PYTHON_METER_CONFIGURATOR = "OTEL_PYTHON_METER_CONFIGURATOR"
"""An entry point of the group `_opentelemetry_meter_configurator`."""

OTEL_PYTHON_LOGGER_CONFIGURATOR = "OTEL_PYTHON_LOGGER_CONFIGURATOR"
"""An entry point of the group `_opentelemetry_logger_configurator`."""


# Other exporters

OTEL_EXPORTER_ZIPKIN_ENDPOINT = "OTEL_EXPORTER_ZIPKIN_ENDPOINT"
"""Where the Zipkin exporter sends."""

OTEL_EXPORTER_ZIPKIN_TIMEOUT = "OTEL_EXPORTER_ZIPKIN_TIMEOUT"
"""Seconds that one export to Zipkin may take. Default: 10."""

OTEL_EXPORTER_PROMETHEUS_HOST = "OTEL_EXPORTER_PROMETHEUS_HOST"
"""The address that the Prometheus exporter listens on. Default: "localhost"."""

OTEL_EXPORTER_PROMETHEUS_PORT = "OTEL_EXPORTER_PROMETHEUS_PORT"
"""The port that the Prometheus exporter listens on. Default: 9464."""
