"""The classes of a configuration: the schema of opentelemetry-configuration 1.1, a class for each of its types.

A property whose name has a slash, `otlp_file/development` say, has an underscore here. Where the schema takes one
component by its name, names that it does not have are components of other packages: `SpanExporter(mine={"x": 1})` asks
for the entry point `mine`, and has it in `additional_properties`. A component without properties is `{}`.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field, fields
from enum import Enum
from typing import Any, Dict, List, TypeVar, Union

_T = TypeVar("_T")

AttributeValue = Union[str, float, bool, List[str], List[float], List[bool]]
Distribution = Dict[str, Dict[str, Any]]
ExperimentalLanguageSpecificInstrumentation = Dict[str, Dict[str, Any]]

# Components that have no properties.
AlwaysOffSampler = Dict[str, Any]
AlwaysOnSampler = Dict[str, Any]
B3MultiPropagator = Dict[str, Any]
B3Propagator = Dict[str, Any]
BaggagePropagator = Dict[str, Any]
ConsoleExporter = Dict[str, Any]
DefaultAggregation = Dict[str, Any]
DropAggregation = Dict[str, Any]
ExperimentalComposableAlwaysOffSampler = Dict[str, Any]
ExperimentalComposableAlwaysOnSampler = Dict[str, Any]
ExperimentalContainerResourceDetector = Dict[str, Any]
ExperimentalEventToSpanEventBridgeLogRecordProcessor = Dict[str, Any]
ExperimentalHostResourceDetector = Dict[str, Any]
ExperimentalProcessResourceDetector = Dict[str, Any]
ExperimentalServiceResourceDetector = Dict[str, Any]
LastValueAggregation = Dict[str, Any]
OpenCensusMetricProducer = Dict[str, Any]
RandomIdGenerator = Dict[str, Any]
SumAggregation = Dict[str, Any]
TraceContextPropagator = Dict[str, Any]


def _component(cls: type[_T]) -> type[_T]:
    """A dataclass that takes other names too, as components that other packages bring."""
    cls = dataclass(cls)
    known = {field.name: field.default for field in fields(cls)}  # type: ignore[arg-type]

    def __init__(self: Any, **components: Any) -> None:
        for name, default in known.items():
            value = components.pop(name, default)
            if value is MISSING:
                raise TypeError(f"{cls.__name__} needs {name}")
            setattr(self, name, value)
        self.additional_properties = components

    cls.__init__ = __init__  # type: ignore[method-assign]
    cls._takes_other_names = True  # type: ignore[attr-defined]
    return cls


# Words


class AttributeType(Enum):
    string = "string"
    bool = "bool"
    int = "int"
    double = "double"
    string_array = "string_array"
    bool_array = "bool_array"
    int_array = "int_array"
    double_array = "double_array"


class ExemplarFilter(Enum):
    always_on = "always_on"
    always_off = "always_off"
    trace_based = "trace_based"


class ExperimentalPrometheusTranslationStrategy(Enum):
    underscore_escaping_with_suffixes = "underscore_escaping_with_suffixes"
    underscore_escaping_without_suffixes_development = "underscore_escaping_without_suffixes/development"
    no_utf8_escaping_with_suffixes_development = "no_utf8_escaping_with_suffixes/development"
    no_translation_development = "no_translation/development"


class ExperimentalSpanParent(Enum):
    none = "none"
    remote = "remote"
    local = "local"


class ExporterDefaultHistogramAggregation(Enum):
    explicit_bucket_histogram = "explicit_bucket_histogram"
    base2_exponential_bucket_histogram = "base2_exponential_bucket_histogram"


class ExporterTemporalityPreference(Enum):
    cumulative = "cumulative"
    delta = "delta"
    low_memory = "low_memory"


class InstrumentType(Enum):
    counter = "counter"
    gauge = "gauge"
    histogram = "histogram"
    observable_counter = "observable_counter"
    observable_gauge = "observable_gauge"
    observable_up_down_counter = "observable_up_down_counter"
    up_down_counter = "up_down_counter"


class OtlpHttpEncoding(Enum):
    protobuf = "protobuf"
    json = "json"


class SeverityNumber(Enum):
    trace = "trace"
    trace2 = "trace2"
    trace3 = "trace3"
    trace4 = "trace4"
    debug = "debug"
    debug2 = "debug2"
    debug3 = "debug3"
    debug4 = "debug4"
    info = "info"
    info2 = "info2"
    info3 = "info3"
    info4 = "info4"
    warn = "warn"
    warn2 = "warn2"
    warn3 = "warn3"
    warn4 = "warn4"
    error = "error"
    error2 = "error2"
    error3 = "error3"
    error4 = "error4"
    fatal = "fatal"
    fatal2 = "fatal2"
    fatal3 = "fatal3"
    fatal4 = "fatal4"


class SpanKind(Enum):
    internal = "internal"
    server = "server"
    client = "client"
    producer = "producer"
    consumer = "consumer"


# The whole


@_component
class OpenTelemetryConfiguration:
    """All that a configuration says. What is not there is not set up: without `tracer_provider` spans go nowhere."""

    file_format: str
    disabled: bool | None = None
    log_level: SeverityNumber | None = None
    attribute_limits: AttributeLimits | None = None
    logger_provider: LoggerProvider | None = None
    meter_provider: MeterProvider | None = None
    propagator: Propagator | None = None
    tracer_provider: TracerProvider | None = None
    resource: Resource | None = None
    instrumentation_development: ExperimentalInstrumentation | None = None
    distribution: Distribution | None = None


@dataclass
class AttributeLimits:
    """Limits of the attributes of spans and log records that have none of their own. Lengths in characters."""

    attribute_value_length_limit: int | None = None
    attribute_value_depth_limit: int | None = None
    attribute_count_limit: int | None = None


# The resource


@dataclass
class Resource:
    """Who makes the telemetry. `attributes_list` is as OTEL_RESOURCE_ATTRIBUTES; `attributes` go before it."""

    attributes: list[AttributeNameValue] | None = None
    detection_development: ExperimentalResourceDetection | None = None
    schema_url: str | None = None
    attributes_list: str | None = None


@dataclass
class AttributeNameValue:
    """An attribute; with a `type`, its value is converted to it."""

    name: str
    value: AttributeValue | None
    type: AttributeType | None = None


@dataclass
class ExperimentalResourceDetection:
    """The detectors to ask, and patterns for the keys to take of what they find."""

    attributes: IncludeExclude | None = None
    detectors: list[ExperimentalResourceDetector] | None = None


@_component
class ExperimentalResourceDetector:
    """One detector by its name."""

    container: ExperimentalContainerResourceDetector | None = None
    host: ExperimentalHostResourceDetector | None = None
    process: ExperimentalProcessResourceDetector | None = None
    service: ExperimentalServiceResourceDetector | None = None


@dataclass
class IncludeExclude:
    """Patterns with `*` and `?`: one of `included`, if any, must match, and none of `excluded`."""

    included: list[str] | None = None
    excluded: list[str] | None = None


# Propagation


@dataclass
class Propagator:
    """How contexts travel. `composite_list` has the form of OTEL_PROPAGATORS."""

    composite: list[TextMapPropagator] | None = None
    composite_list: str | None = None


@_component
class TextMapPropagator:
    """One propagator by its name."""

    tracecontext: TraceContextPropagator | None = None
    baggage: BaggagePropagator | None = None
    b3: B3Propagator | None = None
    b3multi: B3MultiPropagator | None = None


# Exporters


@dataclass
class NameStringValuePair:
    """A header."""

    name: str
    # Mostly a credential, as are endpoints with a user or a token in them.
    value: str | None = field(repr=False)


@dataclass
class HttpTls:
    """Files in PEM form, by absolute paths."""

    ca_file: str | None = None
    key_file: str | None = None
    cert_file: str | None = None


@dataclass
class GrpcTls:
    """Files in PEM form, by absolute paths."""

    ca_file: str | None = None
    key_file: str | None = None
    cert_file: str | None = None
    insecure: bool | None = None


@dataclass
class OtlpHttpExporter:
    """OTLP over HTTP; `endpoint` is the whole URL, `timeout` in milliseconds."""

    endpoint: str | None = field(default=None, repr=False)
    tls: HttpTls | None = None
    headers: list[NameStringValuePair] | None = None
    headers_list: str | None = field(default=None, repr=False)
    compression: str | None = None
    max_request_size: int | None = None
    max_response_size: int | None = None
    timeout: int | None = None
    encoding: OtlpHttpEncoding | None = None


@dataclass
class OtlpGrpcExporter:
    """OTLP over gRPC; `timeout` in milliseconds."""

    endpoint: str | None = field(default=None, repr=False)
    tls: GrpcTls | None = None
    headers: list[NameStringValuePair] | None = None
    headers_list: str | None = field(default=None, repr=False)
    compression: str | None = None
    max_request_size: int | None = None
    max_response_size: int | None = None
    timeout: int | None = None


@dataclass
class ExperimentalOtlpFileExporter:
    """OTLP in lines of JSON; `output_stream` is `stdout`, the default, or a `file://` URL."""

    output_stream: str | None = None


@dataclass
class OtlpHttpMetricExporter:
    """OTLP over HTTP; `endpoint` is the whole URL, `timeout` in milliseconds."""

    endpoint: str | None = field(default=None, repr=False)
    tls: HttpTls | None = None
    headers: list[NameStringValuePair] | None = None
    headers_list: str | None = field(default=None, repr=False)
    compression: str | None = None
    max_request_size: int | None = None
    max_response_size: int | None = None
    timeout: int | None = None
    encoding: OtlpHttpEncoding | None = None
    temporality_preference: ExporterTemporalityPreference | None = None
    default_histogram_aggregation: ExporterDefaultHistogramAggregation | None = None


@dataclass
class OtlpGrpcMetricExporter:
    """OTLP over gRPC; `timeout` in milliseconds."""

    endpoint: str | None = field(default=None, repr=False)
    tls: GrpcTls | None = None
    headers: list[NameStringValuePair] | None = None
    headers_list: str | None = field(default=None, repr=False)
    compression: str | None = None
    max_request_size: int | None = None
    max_response_size: int | None = None
    timeout: int | None = None
    temporality_preference: ExporterTemporalityPreference | None = None
    default_histogram_aggregation: ExporterDefaultHistogramAggregation | None = None


@dataclass
class ExperimentalOtlpFileMetricExporter:
    """OTLP in lines of JSON; `output_stream` is `stdout`, the default, or a `file://` URL."""

    output_stream: str | None = None
    temporality_preference: ExporterTemporalityPreference | None = None
    default_histogram_aggregation: ExporterDefaultHistogramAggregation | None = None


@dataclass
class ConsoleMetricExporter:
    temporality_preference: ExporterTemporalityPreference | None = None
    default_histogram_aggregation: ExporterDefaultHistogramAggregation | None = None


@dataclass
class ExperimentalPrometheusMetricExporter:
    host: str | None = None
    port: int | None = None
    scope_info_enabled: bool | None = None
    target_info_enabled_development: bool | None = None
    resource_constant_labels: IncludeExclude | None = None
    translation_strategy: ExperimentalPrometheusTranslationStrategy | None = None


# Spans


@dataclass
class TracerProvider:
    """Spans."""

    processors: list[SpanProcessor]
    limits: SpanLimits | None = None
    sampler: Sampler | None = None
    id_generator: IdGenerator | None = None
    tracer_configurator_development: ExperimentalTracerConfigurator | None = None


@_component
class SpanProcessor:
    """One processor by its name."""

    batch: BatchSpanProcessor | None = None
    simple: SimpleSpanProcessor | None = None


@dataclass
class BatchSpanProcessor:
    """Times in milliseconds."""

    exporter: SpanExporter
    schedule_delay: int | None = None
    export_timeout: int | None = None
    max_queue_size: int | None = None
    max_export_batch_size: int | None = None


@dataclass
class SimpleSpanProcessor:
    exporter: SpanExporter


@_component
class SpanExporter:
    """One exporter by its name."""

    otlp_http: OtlpHttpExporter | None = None
    otlp_grpc: OtlpGrpcExporter | None = None
    otlp_file_development: ExperimentalOtlpFileExporter | None = None
    console: ConsoleExporter | None = None


@dataclass
class SpanLimits:
    attribute_value_length_limit: int | None = None
    attribute_value_depth_limit: int | None = None
    attribute_count_limit: int | None = None
    event_count_limit: int | None = None
    link_count_limit: int | None = None
    event_attribute_count_limit: int | None = None
    link_attribute_count_limit: int | None = None


@_component
class IdGenerator:
    """One generator by its name."""

    random: RandomIdGenerator | None = None


@dataclass
class ExperimentalTracerConfigurator:
    """Switches tracers off and on by patterns for their names, the first that matches; `*` and `?`."""

    default_config: ExperimentalTracerConfig | None = None
    tracers: list[ExperimentalTracerMatcherAndConfig] | None = None


@dataclass
class ExperimentalTracerMatcherAndConfig:
    name: str
    config: ExperimentalTracerConfig


@dataclass
class ExperimentalTracerConfig:
    enabled: bool | None = None


# Samplers


@_component
class Sampler:
    """One sampler by its name."""

    always_off: AlwaysOffSampler | None = None
    always_on: AlwaysOnSampler | None = None
    always_record: AlwaysRecordSampler | None = None
    composite_development: ExperimentalComposableSampler | None = None
    jaeger_remote_development: ExperimentalJaegerRemoteSampler | None = None
    parent_based: ParentBasedSampler | None = None
    probability_development: ExperimentalProbabilitySampler | None = None
    trace_id_ratio_based: TraceIdRatioBasedSampler | None = None


@dataclass
class AlwaysRecordSampler:
    root: Sampler


@dataclass
class ParentBasedSampler:
    root: Sampler | None = None
    remote_parent_sampled: Sampler | None = None
    remote_parent_not_sampled: Sampler | None = None
    local_parent_sampled: Sampler | None = None
    local_parent_not_sampled: Sampler | None = None


@dataclass
class TraceIdRatioBasedSampler:
    ratio: float | None = None


@dataclass
class ExperimentalProbabilitySampler:
    ratio: float | None = None


@dataclass
class ExperimentalJaegerRemoteSampler:
    endpoint: str = field(repr=False)
    initial_sampler: Sampler
    interval: int | None = None


@_component
class ExperimentalComposableSampler:
    """One composable sampler by its name."""

    always_off: ExperimentalComposableAlwaysOffSampler | None = None
    always_on: ExperimentalComposableAlwaysOnSampler | None = None
    parent_threshold: ExperimentalComposableParentThresholdSampler | None = None
    probability: ExperimentalComposableProbabilitySampler | None = None
    rule_based: ExperimentalComposableRuleBasedSampler | None = None


@dataclass
class ExperimentalComposableParentThresholdSampler:
    root: ExperimentalComposableSampler


@dataclass
class ExperimentalComposableProbabilitySampler:
    ratio: float | None = None


@dataclass
class ExperimentalComposableRuleBasedSampler:
    rules: list[ExperimentalComposableRuleBasedSamplerRule] | None = None


@dataclass
class ExperimentalComposableRuleBasedSamplerRule:
    """The sampler for the spans that meet all conditions; without one, for all spans."""

    sampler: ExperimentalComposableSampler
    attribute_values: ExperimentalComposableRuleBasedSamplerRuleAttributeValues | None = None
    attribute_patterns: ExperimentalComposableRuleBasedSamplerRuleAttributePatterns | None = None
    span_kinds: list[SpanKind] | None = None
    parent: list[ExperimentalSpanParent] | None = None


@dataclass
class ExperimentalComposableRuleBasedSamplerRuleAttributeValues:
    key: str
    values: list[str]


@dataclass
class ExperimentalComposableRuleBasedSamplerRuleAttributePatterns:
    key: str
    included: list[str] | None = None
    excluded: list[str] | None = None


# Metrics


@dataclass
class MeterProvider:
    """Metrics."""

    readers: list[MetricReader]
    views: list[View] | None = None
    exemplar_filter: ExemplarFilter | None = None
    meter_configurator_development: ExperimentalMeterConfigurator | None = None


@dataclass
class MetricReader:
    """One of both kinds of reader."""

    periodic: PeriodicMetricReader | None = None
    pull: PullMetricReader | None = None


@dataclass
class PeriodicMetricReader:
    """Times in milliseconds."""

    exporter: PushMetricExporter
    interval: int | None = None
    timeout: int | None = None
    max_export_batch_size_development: int | None = None
    producers: list[MetricProducer] | None = None
    cardinality_limits: CardinalityLimits | None = None


@dataclass
class PullMetricReader:
    exporter: PullMetricExporter
    producers: list[MetricProducer] | None = None
    cardinality_limits: CardinalityLimits | None = None


@_component
class PushMetricExporter:
    """One exporter by its name."""

    otlp_http: OtlpHttpMetricExporter | None = None
    otlp_grpc: OtlpGrpcMetricExporter | None = None
    otlp_file_development: ExperimentalOtlpFileMetricExporter | None = None
    console: ConsoleMetricExporter | None = None


@_component
class PullMetricExporter:
    """One exporter by its name."""

    prometheus_development: ExperimentalPrometheusMetricExporter | None = None


@_component
class MetricProducer:
    """One source of metrics by its name."""

    opencensus: OpenCensusMetricProducer | None = None


@dataclass
class CardinalityLimits:
    """How many sets of attributes a metric tells apart."""

    default: int | None = None
    counter: int | None = None
    gauge: int | None = None
    histogram: int | None = None
    observable_counter: int | None = None
    observable_gauge: int | None = None
    observable_up_down_counter: int | None = None
    up_down_counter: int | None = None


@dataclass
class View:
    """What becomes of the instruments that `selector` selects."""

    selector: ViewSelector
    stream: ViewStream


@dataclass
class ViewSelector:
    instrument_name: str | None = None
    instrument_type: InstrumentType | None = None
    unit: str | None = None
    meter_name: str | None = None
    meter_version: str | None = None
    meter_schema_url: str | None = None


@dataclass
class ViewStream:
    name: str | None = None
    description: str | None = None
    aggregation: Aggregation | None = None
    aggregation_cardinality_limit: int | None = None
    attribute_keys: IncludeExclude | None = None


@dataclass
class Aggregation:
    """One aggregation by its name."""

    default: DefaultAggregation | None = None
    drop: DropAggregation | None = None
    explicit_bucket_histogram: ExplicitBucketHistogramAggregation | None = None
    base2_exponential_bucket_histogram: Base2ExponentialBucketHistogramAggregation | None = None
    last_value: LastValueAggregation | None = None
    sum: SumAggregation | None = None


@dataclass
class ExplicitBucketHistogramAggregation:
    boundaries: list[float] | None = None
    record_min_max: bool | None = None


@dataclass
class Base2ExponentialBucketHistogramAggregation:
    max_scale: int | None = None
    max_size: int | None = None
    record_min_max: bool | None = None


@dataclass
class ExperimentalMeterConfigurator:
    """Switches meters off and on by patterns for their names, the first that matches; `*` and `?`."""

    default_config: ExperimentalMeterConfig | None = None
    meters: list[ExperimentalMeterMatcherAndConfig] | None = None


@dataclass
class ExperimentalMeterMatcherAndConfig:
    name: str
    config: ExperimentalMeterConfig


@dataclass
class ExperimentalMeterConfig:
    enabled: bool | None = None


# Log records


@dataclass
class LoggerProvider:
    """Log records."""

    processors: list[LogRecordProcessor]
    limits: LogRecordLimits | None = None
    logger_configurator_development: ExperimentalLoggerConfigurator | None = None


@_component
class LogRecordProcessor:
    """One processor by its name."""

    batch: BatchLogRecordProcessor | None = None
    simple: SimpleLogRecordProcessor | None = None
    event_to_span_event_bridge_development: ExperimentalEventToSpanEventBridgeLogRecordProcessor | None = None


@dataclass
class BatchLogRecordProcessor:
    """Times in milliseconds."""

    exporter: LogRecordExporter
    schedule_delay: int | None = None
    export_timeout: int | None = None
    max_queue_size: int | None = None
    max_export_batch_size: int | None = None


@dataclass
class SimpleLogRecordProcessor:
    exporter: LogRecordExporter


@_component
class LogRecordExporter:
    """One exporter by its name."""

    otlp_http: OtlpHttpExporter | None = None
    otlp_grpc: OtlpGrpcExporter | None = None
    otlp_file_development: ExperimentalOtlpFileExporter | None = None
    console: ConsoleExporter | None = None


@dataclass
class LogRecordLimits:
    attribute_value_length_limit: int | None = None
    attribute_value_depth_limit: int | None = None
    attribute_count_limit: int | None = None


@dataclass
class ExperimentalLoggerConfigurator:
    """Switches loggers off and on by patterns for their names, the first that matches; `*` and `?`."""

    default_config: ExperimentalLoggerConfig | None = None
    loggers: list[ExperimentalLoggerMatcherAndConfig] | None = None


@dataclass
class ExperimentalLoggerMatcherAndConfig:
    name: str
    config: ExperimentalLoggerConfig


@dataclass
class ExperimentalLoggerConfig:
    enabled: bool | None = None
    minimum_severity: SeverityNumber | None = None
    trace_based: bool | None = None


# Instrumentation


@dataclass
class ExperimentalInstrumentation:
    """The instrumentations: `python` has the options of each by its entry point's name."""

    general: ExperimentalGeneralInstrumentation | None = None
    cpp: ExperimentalLanguageSpecificInstrumentation | None = None
    dotnet: ExperimentalLanguageSpecificInstrumentation | None = None
    erlang: ExperimentalLanguageSpecificInstrumentation | None = None
    go: ExperimentalLanguageSpecificInstrumentation | None = None
    java: ExperimentalLanguageSpecificInstrumentation | None = None
    js: ExperimentalLanguageSpecificInstrumentation | None = None
    php: ExperimentalLanguageSpecificInstrumentation | None = None
    python: ExperimentalLanguageSpecificInstrumentation | None = None
    ruby: ExperimentalLanguageSpecificInstrumentation | None = None
    rust: ExperimentalLanguageSpecificInstrumentation | None = None
    swift: ExperimentalLanguageSpecificInstrumentation | None = None


@dataclass
class ExperimentalGeneralInstrumentation:
    """What all instrumentations are asked for."""

    http: ExperimentalHttpInstrumentation | None = None
    code: ExperimentalCodeInstrumentation | None = None
    db: ExperimentalDbInstrumentation | None = None
    gen_ai: ExperimentalGenAiInstrumentation | None = None
    messaging: ExperimentalMessagingInstrumentation | None = None
    rpc: ExperimentalRpcInstrumentation | None = None
    sanitization: ExperimentalSanitization | None = None
    stability_opt_in_list: str | None = None


@dataclass
class ExperimentalCodeInstrumentation:
    semconv: ExperimentalSemconvConfig | None = None


@dataclass
class ExperimentalDbInstrumentation:
    semconv: ExperimentalSemconvConfig | None = None


@dataclass
class ExperimentalGenAiInstrumentation:
    semconv: ExperimentalSemconvConfig | None = None


@dataclass
class ExperimentalHttpClientInstrumentation:
    request_captured_headers: list[str] | None = None
    response_captured_headers: list[str] | None = None
    known_methods: list[str] | None = None


@dataclass
class ExperimentalHttpInstrumentation:
    semconv: ExperimentalSemconvConfig | None = None
    client: ExperimentalHttpClientInstrumentation | None = None
    server: ExperimentalHttpServerInstrumentation | None = None


@dataclass
class ExperimentalHttpServerInstrumentation:
    request_captured_headers: list[str] | None = None
    response_captured_headers: list[str] | None = None
    known_methods: list[str] | None = None


@dataclass
class ExperimentalMessagingInstrumentation:
    semconv: ExperimentalSemconvConfig | None = None


@dataclass
class ExperimentalRpcInstrumentation:
    semconv: ExperimentalSemconvConfig | None = None


@dataclass
class ExperimentalSanitization:
    url: ExperimentalUrlSanitization | None = None


@dataclass
class ExperimentalSemconvConfig:
    version: int | None = None
    experimental: bool | None = None
    dual_emit: bool | None = None


@dataclass
class ExperimentalUrlSanitization:
    sensitive_query_parameters: list[str] | None = None


# What the schema says beyond types, by name: the least and the greatest value of numbers, lists that may be empty, and
# objects that have exactly one property.
BOUNDS: dict[str, tuple[int | None, int | None]] = {
    "attribute_count_limit": (0, None),
    "attribute_value_depth_limit": (1, None),
    "attribute_value_length_limit": (0, None),
    "event_attribute_count_limit": (0, None),
    "event_count_limit": (0, None),
    "export_timeout": (0, None),
    "interval": (0, None),
    "link_attribute_count_limit": (0, None),
    "link_count_limit": (0, None),
    "max_export_batch_size": (1, None),
    "max_export_batch_size_development": (1, None),
    "max_queue_size": (1, None),
    "max_request_size": (0, None),
    "max_response_size": (1, None),
    "max_scale": (-10, 20),
    "max_size": (2, None),
    "ratio": (0, 1),
    "schedule_delay": (0, None),
    "timeout": (0, None),
    "aggregation_cardinality_limit": (1, None),
    **{name.name: (1, None) for name in fields(CardinalityLimits) if name.name != "default"},
}
MAY_BE_EMPTY = ("boundaries", "known_methods", "sensitive_query_parameters")
ONE_OF = (
    Aggregation,
    ExperimentalComposableSampler,
    ExperimentalResourceDetector,
    IdGenerator,
    LogRecordExporter,
    LogRecordProcessor,
    MetricProducer,
    MetricReader,
    PullMetricExporter,
    PushMetricExporter,
    Sampler,
    SpanExporter,
    SpanProcessor,
    TextMapPropagator,
)
