"""Setting up the SDK from the environment: what auto-instrumentation calls, and what distros subclass.

A distro subclasses `_OTelSDKConfigurator` and calls `super()._configure(...)` with the arguments of
`_initialize_components` that it wants to decide itself; the environment decides the rest.
"""

from __future__ import annotations

import functools
import logging
import logging.config
import os
import warnings
from abc import ABC, abstractmethod
from importlib import import_module
from os import environ
from typing import Any, Callable, Mapping, Protocol, Sequence

from opentelemetry._logs import set_logger_provider
from opentelemetry.environment_variables import (
    OTEL_LOGS_EXPORTER,
    OTEL_METRICS_EXPORTER,
    OTEL_PYTHON_ID_GENERATOR,
    OTEL_TRACES_EXPORTER,
)
from opentelemetry.metrics import set_meter_provider
from opentelemetry.sdk._configuration._built_in import load_built_in
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler, LogRecordProcessor
from opentelemetry.sdk._logs._internal import _LoggerConfiguratorT
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter
from opentelemetry.sdk.environment_variables import (
    _OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED,
    OTEL_CONFIG_FILE,
    OTEL_EXPORTER_OTLP_LOGS_PROTOCOL,
    OTEL_EXPORTER_OTLP_METRICS_PROTOCOL,
    OTEL_EXPORTER_OTLP_PROTOCOL,
    OTEL_EXPORTER_OTLP_TRACES_PROTOCOL,
    OTEL_PYTHON_LOGGER_CONFIGURATOR,
    OTEL_PYTHON_METER_CONFIGURATOR,
    OTEL_PYTHON_TRACER_CONFIGURATOR,
    OTEL_TRACES_SAMPLER,
    OTEL_TRACES_SAMPLER_ARG,
)
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics._internal import _MeterConfiguratorT
from opentelemetry.sdk.metrics.export import MetricExporter, MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import TELEMETRY_AUTO_VERSION, Attributes, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider, _TracerConfiguratorT
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import Sampler
from opentelemetry.trace import set_tracer_provider
from opentelemetry.util._importlib_metadata import entry_points

_logger = logging.getLogger(__name__)


_EXPORTER_OTLP = "otlp"
_EXPORTER_OTLP_PROTO_GRPC = "otlp_proto_grpc"
_EXPORTER_OTLP_PROTO_HTTP = "otlp_proto_http"
_EXPORTER_OTLP_JSON_HTTP = "otlp_json_http"

_EXPORTER_BY_OTLP_PROTOCOL = {
    "grpc": _EXPORTER_OTLP_PROTO_GRPC,
    "http/protobuf": _EXPORTER_OTLP_PROTO_HTTP,
    "http/json": _EXPORTER_OTLP_JSON_HTTP,
}
_EXPORTER_ENV_BY_SIGNAL_TYPE = {
    "traces": OTEL_TRACES_EXPORTER,
    "metrics": OTEL_METRICS_EXPORTER,
    "logs": OTEL_LOGS_EXPORTER,
}
_PROTOCOL_ENV_BY_SIGNAL_TYPE = {
    "traces": OTEL_EXPORTER_OTLP_TRACES_PROTOCOL,
    "metrics": OTEL_EXPORTER_OTLP_METRICS_PROTOCOL,
    "logs": OTEL_EXPORTER_OTLP_LOGS_PROTOCOL,
}
_RANDOM_ID_GENERATOR = "random"
_DEFAULT_ID_GENERATOR = _RANDOM_ID_GENERATOR
_OTEL_SAMPLER_ENTRY_POINT_GROUP = "opentelemetry_traces_sampler"

ExporterArgsMap = Mapping[Any, Mapping[str, Any]]
"""Constructor arguments by exporter class."""


class _ConfigurationExporterSpanProcessorT(Protocol):
    def __call__(self, span_exporter: SpanExporter, *args: Any, **kwargs: Any) -> SpanProcessor: ...


class _ConfigurationExporterLogRecordProcessorT(Protocol):
    def __call__(self, exporter: LogRecordExporter, *args: Any, **kwargs: Any) -> LogRecordProcessor: ...


class _BaseConfigurator(ABC):
    """Sets up an SDK. Each class has one instance."""

    _instance: _BaseConfigurator | None = None
    _is_instrumented = False

    def __new__(cls, *args: Any, **kwargs: Any) -> _BaseConfigurator:
        # Its own, not one that it inherits: a distro is not the class that it derives from.
        instance: _BaseConfigurator | None = vars(cls).get("_instance")
        if instance is None:
            instance = cls._instance = super().__new__(cls)
        return instance

    @abstractmethod
    def _configure(self, **kwargs: Any) -> None:
        """Does the work."""

    def configure(self, **kwargs: Any) -> None:
        """Sets up the SDK."""
        self._configure(**kwargs)


class _OTelSDKConfigurator(_BaseConfigurator):
    """Sets up this SDK from the environment; to be subclassed by distros, not to be an entry point itself."""

    def _configure(self, **kwargs: Any) -> None:
        config_file = environ.get(OTEL_CONFIG_FILE)
        if not config_file:
            _initialize_components(**kwargs)
            return
        try:
            configuration: Any = import_module("opentelemetry.configuration")
            configure_sdk, load_config_file = configuration.configure_sdk, configuration.load_config_file
        except (ImportError, AttributeError) as error:
            raise RuntimeError(
                f"{OTEL_CONFIG_FILE} is set but opentelemetry-configuration is not installed. "
                "Install it with: pip install opentelemetry-configuration"
            ) from error
        if kwargs:
            _logger.warning("%s is set; ignoring configurator kwargs: %s", OTEL_CONFIG_FILE, sorted(kwargs))
        configure_sdk(load_config_file(config_file))


def _initialize_components(
    auto_instrumentation_version: str | None = None,
    trace_exporter_names: list[str] | None = None,
    metric_exporter_names: list[str] | None = None,
    log_exporter_names: list[str] | None = None,
    sampler: Sampler | None = None,
    resource_attributes: Attributes | None = None,
    id_generator: IdGenerator | None = None,
    setup_logging_handler: bool | None = None,
    exporter_args_map: ExporterArgsMap | None = None,
    span_processors: Sequence[SpanProcessor] | None = None,
    export_span_processor: _ConfigurationExporterSpanProcessorT | None = None,
    log_record_processors: Sequence[LogRecordProcessor] | None = None,
    export_log_record_processor: _ConfigurationExporterLogRecordProcessorT | None = None,
    tracer_configurator: _TracerConfiguratorT | None = None,
    meter_configurator: _MeterConfiguratorT | None = None,
    logger_configurator: _LoggerConfiguratorT | None = None,
) -> None:
    """Makes the providers of all signals and makes them the global ones. What is not given comes from the environment.

    Raises RuntimeError for a component that is asked for and not installed.
    """
    attributes = dict(resource_attributes or {})
    if auto_instrumentation_version:
        attributes[TELEMETRY_AUTO_VERSION] = auto_instrumentation_version
    resource = Resource.create(attributes)

    # A management agent (OpAMP) may change the configuration before it is read.
    _run_opamp("pre_sdk_init_function", resource)

    span_exporters, metric_exporters, log_exporters = _import_exporters(
        (trace_exporter_names or []) + _get_exporter_names("traces"),
        (metric_exporter_names or []) + _get_exporter_names("metrics"),
        (log_exporter_names or []) + _get_exporter_names("logs"),
    )
    if sampler is None:
        sampler = _import_sampler(_get_sampler())
    if id_generator is None:
        id_generator = _import_id_generator(_get_id_generator())
    if tracer_configurator is None:
        tracer_configurator = _import_tracer_configurator(_get_tracer_configurator())
    if meter_configurator is None:
        meter_configurator = _import_meter_configurator(_get_meter_configurator())
    if logger_configurator is None:
        logger_configurator = _import_logger_configurator(_get_logger_configurator())
    if setup_logging_handler is None:
        wish = os.getenv(_OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED, "false")
        setup_logging_handler = wish.strip().lower() == "true"

    _init_tracing(
        exporters=span_exporters,
        id_generator=id_generator,
        sampler=sampler,
        resource=resource,
        exporter_args_map=exporter_args_map,
        span_processors=span_processors,
        export_span_processor=export_span_processor,
        tracer_configurator=tracer_configurator,
    )
    _init_metrics(
        exporters_or_readers=metric_exporters,
        resource=resource,
        exporter_args_map=exporter_args_map,
        meter_configurator=meter_configurator,
    )
    _init_logging(
        log_exporters,
        resource,
        setup_logging_handler,
        exporter_args_map=exporter_args_map,
        log_record_processors=log_record_processors,
        export_log_record_processor=export_log_record_processor,
        logger_configurator=logger_configurator,
    )

    _run_opamp("post_sdk_init_function", resource)


def _init_tracing(
    exporters: Mapping[str, type[SpanExporter]],
    id_generator: IdGenerator | None = None,
    sampler: Sampler | None = None,
    resource: Resource | None = None,
    exporter_args_map: ExporterArgsMap | None = None,
    span_processors: Sequence[SpanProcessor] | None = None,
    export_span_processor: _ConfigurationExporterSpanProcessorT | None = None,
    tracer_configurator: _TracerConfiguratorT | None = None,
) -> None:
    provider = TracerProvider(
        id_generator=id_generator,
        sampler=sampler,
        resource=resource,
        _tracer_configurator=tracer_configurator,
    )
    # Before the exporters are made: they may ask for the global provider.
    set_tracer_provider(provider)
    for processor in span_processors or ():
        provider.add_span_processor(processor)
    make_processor: Callable[[SpanExporter], SpanProcessor] = export_span_processor or BatchSpanProcessor
    for exporter_class in exporters.values():
        provider.add_span_processor(make_processor(_made(exporter_class, exporter_args_map)))


def _init_metrics(
    exporters_or_readers: Mapping[str, Any],
    resource: Resource | None = None,
    exporter_args_map: ExporterArgsMap | None = None,
    meter_configurator: _MeterConfiguratorT | None = None,
) -> None:
    readers: list[MetricReader] = []
    for component in exporters_or_readers.values():
        made = _made(component, exporter_args_map)
        readers.append(made if issubclass(component, MetricReader) else PeriodicExportingMetricReader(made))
    provider = MeterProvider(resource=resource, metric_readers=readers, _meter_configurator=meter_configurator)
    set_meter_provider(provider)


def _init_logging(
    exporters: Mapping[str, Any],
    resource: Resource | None = None,
    setup_logging_handler: bool = True,
    exporter_args_map: ExporterArgsMap | None = None,
    log_record_processors: Sequence[LogRecordProcessor] | None = None,
    export_log_record_processor: _ConfigurationExporterLogRecordProcessorT | None = None,
    logger_configurator: _LoggerConfiguratorT | None = None,
) -> None:
    provider = LoggerProvider(resource=resource, _logger_configurator=logger_configurator)
    set_logger_provider(provider)
    for processor in log_record_processors or ():
        provider.add_log_record_processor(processor)
    make_processor: Callable[[LogRecordExporter], LogRecordProcessor] = (
        export_log_record_processor or BatchLogRecordProcessor
    )
    for exporter_class in exporters.values():
        provider.add_log_record_processor(make_processor(_made(exporter_class, exporter_args_map)))
    if setup_logging_handler:
        warnings.warn(
            "The `OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED` environment variable "
            "and the `LoggingHandler` in `opentelemetry-sdk` that it controls are deprecated. "
            "Install `opentelemetry-instrumentation-logging` package instead.",
            DeprecationWarning,
            stacklevel=2,
        )
        handler = LoggingHandler(level=logging.NOTSET, logger_provider=provider)
        handler._keeps_last_resort = True
        logging.getLogger().addHandler(handler)
        _overwrite_logging_config_fns(handler)


def _overwrite_logging_config_fns(handler: logging.Handler) -> None:
    """Hides the handler from the functions that configure logging: they would remove it, or do nothing for it."""
    root = logging.getLogger()

    def hiding_handler(configure: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(configure)
        def configure_without_handler(*args: Any, **kwargs: Any) -> Any:
            hidden = handler in root.handlers
            if hidden:
                root.handlers.remove(handler)
            try:
                return configure(*args, **kwargs)
            finally:
                if hidden:
                    root.addHandler(handler)

        return configure_without_handler

    for module, name in ((logging.config, "fileConfig"), (logging.config, "dictConfig"), (logging, "basicConfig")):
        setattr(module, name, hiding_handler(getattr(module, name)))


def _made(component: Callable[..., Any], arguments: ExporterArgsMap | None) -> Any:
    return component(**(arguments or {}).get(component, {}))


_signals_said_to_be_missing: set[str] = set()


def _say_that_signal_is_missing(signal_type: str, reason: str) -> None:
    if signal_type in _signals_said_to_be_missing:
        return
    _signals_said_to_be_missing.add(signal_type)
    _logger.warning(
        "An exporter of %s is configured, but %s: none are exported. %s=none in the environment ends this message.",
        signal_type,
        reason,
        _EXPORTER_ENV_BY_SIGNAL_TYPE[signal_type],
    )


def _get_sampler() -> str | None:
    return environ.get(OTEL_TRACES_SAMPLER)


def _get_id_generator() -> str:
    return environ.get(OTEL_PYTHON_ID_GENERATOR, _DEFAULT_ID_GENERATOR)


def _get_tracer_configurator() -> str | None:
    return environ.get(OTEL_PYTHON_TRACER_CONFIGURATOR)


def _get_meter_configurator() -> str | None:
    return environ.get(OTEL_PYTHON_METER_CONFIGURATOR)


def _get_logger_configurator() -> str | None:
    return environ.get(OTEL_PYTHON_LOGGER_CONFIGURATOR)


def _get_exporter_names(signal_type: str) -> list[str]:
    """The entry points that OTEL_TRACES_EXPORTER, OTEL_METRICS_EXPORTER or OTEL_LOGS_EXPORTER asks for."""
    names = environ.get(_EXPORTER_ENV_BY_SIGNAL_TYPE.get(signal_type, ""))
    if not names or names.strip().lower() == "none":
        return []
    return [_get_exporter_entry_point(name.strip(), signal_type) for name in names.split(",")]


def _get_exporter_entry_point(exporter_name: str, signal_type: str) -> str:
    """The entry point for this exporter, where "otlp" means the one for the configured protocol (default: grpc)."""
    if exporter_name not in (_EXPORTER_OTLP, _EXPORTER_OTLP_PROTO_GRPC, _EXPORTER_OTLP_PROTO_HTTP):
        return exporter_name
    protocol = environ.get(_PROTOCOL_ENV_BY_SIGNAL_TYPE[signal_type]) or environ.get(OTEL_EXPORTER_OTLP_PROTOCOL)
    protocol = (protocol or "").strip()
    for_protocol = _EXPORTER_BY_OTLP_PROTOCOL.get(protocol or "grpc")
    if exporter_name == _EXPORTER_OTLP:
        if for_protocol is None:
            raise RuntimeError(f"Unsupported OTLP protocol '{protocol}' is configured")
        return for_protocol
    if protocol and for_protocol not in (None, exporter_name):
        _logger.warning(
            "Conflicting values for %s OTLP exporter protocol, using '%s'",
            signal_type,
            exporter_name,
        )
    return exporter_name


def _import_config_components(
    selected_components: Sequence[str],
    entry_point_name: str,
) -> list[tuple[str, Any]]:
    """The named components of an entry point group, loaded. Raises RuntimeError for one that there is not."""
    return [(name, _import_component(name, entry_point_name)) for name in selected_components]


def _import_component(name: str, group: str) -> Any:
    component = load_built_in(group, name)
    if component is not None:
        return component
    try:
        found = next(iter(entry_points(group=group, name=name)))
    except KeyError:
        raise RuntimeError(f"Requested entry point '{group}' not found") from None
    except StopIteration:
        raise RuntimeError(f"Requested component '{name}' not found in entry point '{group}'") from None
    return found.load()


def _import_exporters(
    trace_exporter_names: Sequence[str],
    metric_exporter_names: Sequence[str],
    log_exporter_names: Sequence[str],
) -> tuple[dict[str, type[SpanExporter]], dict[str, Any], dict[str, Any]]:
    """The classes of the named exporters (for metrics: readers too), by name, for the three signals."""
    return (
        _exporters(trace_exporter_names, "opentelemetry_traces_exporter", SpanExporter, "a trace exporter"),
        _exporters_if_there_are(
            "metrics",
            metric_exporter_names,
            "opentelemetry_metrics_exporter",
            (MetricExporter, MetricReader),
            "a metric exporter",
        ),
        _exporters_if_there_are(
            "logs",
            log_exporter_names,
            "opentelemetry_logs_exporter",
            (LogRecordExporter,),
            "a log exporter",
        ),
    )


def _exporters_if_there_are(
    signal_type: str,
    names: Sequence[str],
    group: str,
    expected: tuple[Any, ...],
    what: str,
) -> dict[str, Any]:
    try:
        return _exporters(names, group, expected, what)
    except ImportError as error:
        # The entry point is another distribution's, for a module that this one hides and has no equivalent of.
        _say_that_signal_is_missing(signal_type, f"it cannot be imported ({error})")
        return {}


def _exporters(
    names: Sequence[str],
    group: str,
    expected: type | tuple[Any, ...],
    what: str,
) -> dict[str, Any]:
    exporters = {}
    for name, exporter in _import_config_components(names, group):
        if not issubclass(exporter, expected):
            raise RuntimeError(f"{name} is not {what}")
        exporters[name] = exporter
    return exporters


def _import_sampler_factory(sampler_name: str) -> Callable[[float | str | None], Sampler]:
    factory: Callable[[float | str | None], Sampler]
    _, factory = _import_config_components([sampler_name.strip()], _OTEL_SAMPLER_ENTRY_POINT_GROUP)[0]
    return factory


def _import_sampler(sampler_name: str | None) -> Sampler | None:
    """The sampler of this name with the argument from the environment; None, with a warning, when that fails."""
    if not sampler_name:
        return None
    try:
        factory = _import_sampler_factory(sampler_name)
        argument = os.getenv(OTEL_TRACES_SAMPLER_ARG)
        takes_ratio = sampler_name in ("traceidratio", "parentbased_traceidratio")
        sampler = factory(_ratio(argument) if takes_ratio else argument)
        if not isinstance(sampler, Sampler):
            raise ValueError(f"Sampler factory, {factory}, produced output, {sampler}, which is not a Sampler.")
        return sampler
    except Exception as error:
        _logger.warning(
            "Using default sampler. Failed to initialize sampler, %s: %s",
            sampler_name,
            error,
        )
        return None


def _ratio(text: str | None) -> float:
    try:
        return float(text or "")
    except ValueError:
        _logger.warning("Could not convert TRACES_SAMPLER_ARG to float. Using default value 1.0.")
        return 1.0


def _import_id_generator(id_generator_name: str) -> IdGenerator:
    name, id_generator = _import_config_components([id_generator_name.strip()], "opentelemetry_id_generator")[0]
    if not issubclass(id_generator, IdGenerator):
        raise RuntimeError(f"{name} is not an IdGenerator")
    made: IdGenerator = id_generator()
    return made


def _import_tracer_configurator(tracer_configurator_name: str | None) -> _TracerConfiguratorT | None:
    configurator: _TracerConfiguratorT | None = _import_configurator("tracer", tracer_configurator_name)
    return configurator


def _import_meter_configurator(meter_configurator_name: str | None) -> _MeterConfiguratorT | None:
    configurator: _MeterConfiguratorT | None = _import_configurator("meter", meter_configurator_name)
    return configurator


def _import_logger_configurator(logger_configurator_name: str | None) -> _LoggerConfiguratorT | None:
    configurator: _LoggerConfiguratorT | None = _import_configurator("logger", logger_configurator_name)
    return configurator


def _import_configurator(kind: str, name: str | None) -> Any:
    if not name:
        return None
    try:
        return _import_config_components([name.strip()], f"_opentelemetry_{kind}_configurator")[0][1]
    except Exception as error:
        _logger.warning(
            "Using default %s configurator. Failed to load %s configurator, %s: %s",
            kind,
            kind,
            name,
            error,
        )
        return None


def _import_opamp(name: str) -> Callable[[Resource], None] | None:
    """The function that a management agent (OpAMP) wants called with the resource; None when there is none."""
    entry_point = next(iter(entry_points(group="_opentelemetry_opamp", name=name)), None)
    if entry_point is None:
        _logger.debug("No OpAMP init function found")
        return None
    try:
        function: Callable[[Resource], None] = entry_point.load()
        return function
    except AttributeError as error:
        _logger.warning("Failed to load OpAMP init function from entry point, %s: %s", entry_point, error)
        return None


def _run_opamp(name: str, resource: Resource) -> None:
    function = _import_opamp(name)
    if function is not None:
        function(resource)
