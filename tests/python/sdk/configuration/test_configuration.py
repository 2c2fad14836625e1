"""The configurator: what it reads from the environment, loads and sets up."""

from __future__ import annotations

import io
import json
import logging
import logging.config
import os
import subprocess
import sys
import types
from typing import Any, ClassVar, Iterator, Sequence

import pytest

from opentelemetry.sdk import _configuration
from opentelemetry.sdk._configuration import (
    _get_exporter_names,
    _get_id_generator,
    _get_sampler,
    _import_config_components,
    _import_exporters,
    _import_id_generator,
    _import_sampler,
    _import_tracer_configurator,
    _init_logging,
    _init_metrics,
    _init_tracing,
    _initialize_components,
    _OTelSDKConfigurator,
)
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics._internal import _default_meter_configurator, _disable_meter_configurator
from opentelemetry.sdk.metrics.export import (
    ConsoleMetricExporter,
    InMemoryMetricReader,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import (
    ConsoleSpanExporter,
    SimpleSpanProcessor,
    SpanExporter,
    SpanExportResult,
)
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Sampler


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("OTEL_"):
            monkeypatch.delenv(name)


@pytest.fixture
def tracing_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """The providers of the other signals are not made the global ones."""
    monkeypatch.setattr(_configuration, "set_meter_provider", MeterProvider.shutdown)
    monkeypatch.setattr(_configuration, "set_logger_provider", LoggerProvider.shutdown)
    monkeypatch.setattr(_configuration, "_signals_said_to_be_missing", set())


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[TracerProvider]:
    """The providers that were made the global one, which is not done."""
    providers: list[TracerProvider] = []
    monkeypatch.setattr(_configuration, "set_tracer_provider", providers.append)
    return providers


def install(monkeypatch: pytest.MonkeyPatch, **components: Any) -> None:
    """Entry points of any group under these names."""

    def entry_points(*, group: str, name: str) -> list[Any]:
        return [types.SimpleNamespace(load=lambda: components[name])] if name in components else []

    monkeypatch.setattr(_configuration, "entry_points", entry_points)


class Remembering(SpanExporter):
    def __init__(self, label: str = "default") -> None:
        self.label = label
        self.spans: list[ReadableSpan] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.spans.extend(spans)
        return SpanExportResult.SUCCESS


@pytest.mark.parametrize(
    ("environment", "names"),
    [
        ({}, []),
        ({"OTEL_TRACES_EXPORTER": ""}, []),
        ({"OTEL_TRACES_EXPORTER": " None "}, []),
        ({"OTEL_TRACES_EXPORTER": "console, zipkin"}, ["console", "zipkin"]),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, ["otlp_proto_grpc"]),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": " grpc "}, ["otlp_proto_grpc"]),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, ["otlp_proto_http"]),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}, ["otlp_json_http"]),
        (
            {
                "OTEL_TRACES_EXPORTER": "otlp",
                "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
                "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc",
            },
            ["otlp_proto_grpc"],
        ),
        (
            {"OTEL_TRACES_EXPORTER": "otlp_proto_http", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"},
            ["otlp_proto_http"],
        ),
    ],
)
def test_exporter_names(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, environment: dict[str, str], names: list[str]
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert _get_exporter_names("traces") == names
    assert not caplog.records


def test_an_exporter_stronger_than_the_protocol_is_reported(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "otlp_proto_grpc")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
    assert _get_exporter_names("traces") == ["otlp_proto_grpc"]
    assert [record.getMessage() for record in caplog.records] == [
        "Conflicting values for traces OTLP exporter protocol, using 'otlp_proto_grpc'"
    ]


def test_an_unknown_protocol_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "otlp")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "carrier pigeon")
    with pytest.raises(RuntimeError, match="Unsupported OTLP protocol 'carrier pigeon' is configured"):
        _get_exporter_names("traces")


def test_own_components_need_no_entry_points(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise AssertionError("looked for entry points")

    monkeypatch.setattr(_configuration, "entry_points", fail)
    traces, metrics, logs = _import_exporters(
        ["console", "otlp_proto_grpc", "otlp_proto_http", "otlp_json_http"], [], []
    )
    assert list(traces) == ["console", "otlp_proto_grpc", "otlp_proto_http", "otlp_json_http"]
    assert traces["console"] is ConsoleSpanExporter
    assert traces["otlp_proto_grpc"].__module__.startswith("opentelemetry.exporter.otlp.proto.grpc")
    assert traces["otlp_proto_http"].__module__.startswith("opentelemetry.exporter.otlp.proto.http")
    assert traces["otlp_json_http"].__module__.startswith("opentelemetry.exporter.otlp.json.http")
    assert (metrics, logs) == ({}, {})
    assert type(_import_id_generator("random")) is RandomIdGenerator
    for name in ("always_on", "always_off", "parentbased_always_on", "parentbased_always_off"):
        assert isinstance(_import_sampler(name), Sampler)


def test_components_of_other_distributions(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, mine=Remembering, not_one=dict)
    assert _import_exporters(["mine"], [], [])[0] == {"mine": Remembering}
    with pytest.raises(RuntimeError, match="not_one is not a trace exporter"):
        _import_exporters(["not_one"], [], [])
    with pytest.raises(RuntimeError, match="Requested component 'nosuch' not found in entry point 'group'"):
        _import_config_components(["nosuch"], "group")
    with pytest.raises(RuntimeError, match="not_one is not an IdGenerator"):
        _import_id_generator("not_one")


@pytest.mark.parametrize(
    ("name", "argument", "description", "warnings"),
    [
        ("always_off", None, "AlwaysOffSampler", []),
        ("traceidratio", "0.25", "TraceIdRatioBased{0.25}", []),
        (
            "traceidratio",
            "x",
            "TraceIdRatioBased{1.0}",
            ["Could not convert TRACES_SAMPLER_ARG to float. Using default value 1.0."],
        ),
        ("mine", "some argument", "mine:some argument", []),
        ("mine", None, "mine:None", []),
        (
            "nosuch",
            None,
            None,
            ["Using default sampler. Failed to initialize sampler, nosuch: "],
        ),
        (None, None, None, []),
    ],
)
def test_samplers(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    name: str | None,
    argument: str | None,
    description: str | None,
    warnings: list[str],
) -> None:
    class Mine(type(ALWAYS_ON)):  # type: ignore[misc]
        def __init__(self, argument: str | None) -> None:
            self.argument = argument

        def get_description(self) -> str:
            return f"mine:{self.argument}"

    install(monkeypatch, mine=Mine)
    if argument is not None:
        monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", argument)
    sampler = _import_sampler(name)
    assert (sampler and sampler.get_description()) == description
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == len(warnings)
    assert all(message.startswith(expected) for message, expected in zip(messages, warnings))


def test_a_factory_that_gives_no_sampler_is_reported_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    install(monkeypatch, mine=lambda argument: None)
    assert _import_sampler("mine") is None
    (record,) = caplog.records
    assert "which is not a Sampler" in record.getMessage()


def test_names_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (_get_sampler(), _get_id_generator()) == (None, "random")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "s")
    monkeypatch.setenv("OTEL_PYTHON_ID_GENERATOR", "i")
    assert (_get_sampler(), _get_id_generator()) == ("s", "i")


def test_tracer_configurator(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    configurator: Any = object()
    install(monkeypatch, mine=configurator)
    assert _import_tracer_configurator(" mine ") is configurator
    assert _import_tracer_configurator(None) is None
    assert not caplog.records
    assert _import_tracer_configurator("nosuch") is None
    assert "Using default tracer configurator. Failed to load tracer configurator, nosuch" in caplog.text


def test_init_tracing_makes_the_provider(made: list[TracerProvider]) -> None:
    class Seeing(SpanProcessor):
        seen: list[str] = []

        def on_end(self, span: ReadableSpan) -> None:
            self.seen.append(span.name)

    exporters: list[Remembering] = []

    class Exporting(Remembering):
        def __init__(self, label: str = "default") -> None:
            super().__init__(label)
            exporters.append(self)

    class Counting(IdGenerator):
        def generate_span_id(self) -> int:
            return 5

        def generate_trace_id(self) -> int:
            return 6

    _init_tracing(
        {"mine": Exporting},
        id_generator=Counting(),
        sampler=ALWAYS_ON,
        resource=Resource({"service.name": "shop"}),
        exporter_args_map={Exporting: {"label": "given"}},
        span_processors=[Seeing()],
        export_span_processor=SimpleSpanProcessor,
    )
    (provider,) = made
    provider.get_tracer("test").start_span("one").end()
    (exporter,) = exporters
    (span,) = exporter.spans
    assert exporter.label == "given"
    assert Seeing.seen == ["one"]
    assert span.name == "one"
    assert span.context is not None
    assert (span.context.trace_id, span.context.span_id) == (6, 5)
    assert span.resource.attributes["service.name"] == "shop"
    provider.shutdown()


def test_initialize_components_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, made: list[TracerProvider], tracing_only: None
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=shop,a=environment")
    given = {"a": "given"}
    _initialize_components(auto_instrumentation_version="1.2", resource_attributes=given)
    (provider,) = made
    assert provider.sampler.get_description() == "AlwaysOffSampler"
    assert type(provider.id_generator) is RandomIdGenerator
    attributes = provider.resource.attributes
    assert [attributes[name] for name in ("service.name", "a", "telemetry.auto.version")] == ["shop", "given", "1.2"]
    assert given == {"a": "given"}
    provider.shutdown()


def test_arguments_are_stronger_than_the_environment(
    monkeypatch: pytest.MonkeyPatch, made: list[TracerProvider], tracing_only: None
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_on")
    monkeypatch.setenv("OTEL_PYTHON_ID_GENERATOR", "nosuch")
    generator = RandomIdGenerator()
    _initialize_components(sampler=ALWAYS_OFF, id_generator=generator)
    (provider,) = made
    assert provider.sampler is ALWAYS_OFF
    assert provider.id_generator is generator
    provider.shutdown()


def test_a_missing_exporter_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "nosuch")
    with pytest.raises(RuntimeError, match="'nosuch' not found in entry point 'opentelemetry_traces_exporter'"):
        _initialize_components()


class RememberingLogs(InMemoryLogRecordExporter):
    made: ClassVar[list[RememberingLogs]] = []

    def __init__(self, label: str = "default") -> None:
        super().__init__()
        self.label = label
        self.made.append(self)


@pytest.fixture
def untouched_logging() -> Iterator[None]:
    """Everything of `logging` is put back."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    functions = logging.basicConfig, logging.config.dictConfig, logging.config.fileConfig
    yield
    logging.basicConfig, logging.config.dictConfig, logging.config.fileConfig = functions
    root.handlers[:] = handlers
    root.setLevel(level)


def test_logs_are_set_up_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, made: list[TracerProvider], tracing_only: None, untouched_logging: None
) -> None:
    install(monkeypatch, mine=RememberingLogs)
    providers: list[LoggerProvider] = []
    monkeypatch.setattr(_configuration, "set_logger_provider", providers.append)
    monkeypatch.setenv("OTEL_LOGS_EXPORTER", "mine")
    monkeypatch.setenv("OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED", " True ")
    with pytest.warns(DeprecationWarning) as warned:
        _initialize_components(exporter_args_map={RememberingLogs: {"label": "given"}})
    assert any("LoggingHandler" in str(warning.message) for warning in warned)
    (provider,) = providers
    logging.getLogger("app").warning("hello %s", "world")
    provider.shutdown()
    exporter = RememberingLogs.made.pop()
    assert exporter.label == "given"
    assert [record.log_record.body for record in exporter.get_finished_logs()] == ["hello world"]
    (tracer_provider,) = made
    tracer_provider.shutdown()


@pytest.mark.parametrize("before", (False, True))
@pytest.mark.parametrize("how", ("basic", "dict"))
def test_console_output_survives_the_handler(
    capsys: pytest.CaptureFixture[str], untouched_logging: None, monkeypatch: pytest.MonkeyPatch, how: str, before: bool
) -> None:
    providers: list[LoggerProvider] = []
    monkeypatch.setattr(_configuration, "set_logger_provider", providers.append)

    def configure() -> None:
        if how == "basic":
            logging.basicConfig(format="console: %(message)s", stream=sys.stdout, level=logging.INFO)
            return
        console = {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "f"}
        logging.config.dictConfig(
            {
                "version": 1,
                "disable_existing_loggers": False,
                "formatters": {"f": {"format": "console: %(message)s"}},
                "handlers": {"console": console},
                "root": {"handlers": ["console"], "level": "INFO"},
            }
        )

    # pytest's own are in the way.
    logging.getLogger().handlers[:] = []
    if before:
        configure()
    with pytest.warns(DeprecationWarning):
        _init_logging({"mine": RememberingLogs})
    if not before:
        configure()
    logging.getLogger("app").info("hello")
    providers[0].shutdown()
    assert capsys.readouterr().out == "console: hello\n"
    assert [record.log_record.body for record in RememberingLogs.made.pop().get_finished_logs()] == ["hello"]


def test_a_program_without_handlers_does_not_fall_silent(
    capsys: pytest.CaptureFixture[str], untouched_logging: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_configuration, "set_logger_provider", LoggerProvider.shutdown)
    # pytest's own are in the way.
    logging.getLogger().handlers[:] = []
    last_resort = logging.StreamHandler(sys.stderr)
    last_resort.setLevel(logging.WARNING)
    monkeypatch.setattr(logging, "lastResort", last_resort)
    with pytest.warns(DeprecationWarning):
        _init_logging({})
    logging.getLogger("app").info("not shown without configuration")
    logging.getLogger("app").warning("shown as ever")
    assert capsys.readouterr().err == "shown as ever\n"


def test_an_exporter_that_cannot_be_imported_is_reported_and_leaves_tracing_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tracing_only: None
) -> None:
    def load() -> None:
        raise ModuleNotFoundError("No module named 'hidden'")

    monkeypatch.setattr(_configuration, "entry_points", lambda **_: [types.SimpleNamespace(load=load)])
    traces, metrics, logs = _import_exporters(["console"], ["hidden"], [])
    assert (list(traces), metrics, logs) == (["console"], {}, {})
    (record,) = caplog.records
    assert "but it cannot be imported (No module named 'hidden'): none are exported." in record.getMessage()


def test_metrics_exporters_get_a_periodic_reader_and_readers_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[MeterProvider] = []
    monkeypatch.setattr(_configuration, "set_meter_provider", made.append)
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "123456")
    _, exporters, _ = _import_exporters([], ["console"], [])
    out = io.StringIO()
    _init_metrics(
        {**exporters, "memory": InMemoryMetricReader},
        Resource.create({"service.name": "shop"}),
        {ConsoleMetricExporter: {"out": out}},
        _disable_meter_configurator,
    )
    (provider,) = made
    periodic, memory = provider._metric_readers
    assert isinstance(periodic, PeriodicExportingMetricReader)
    assert periodic._export_interval_millis == 123456
    assert isinstance(memory, InMemoryMetricReader)
    counter = provider.get_meter("meter").create_counter("orders")
    counter.add(1)
    assert memory.get_metrics_data() is None
    provider._set_meter_configurator(meter_configurator=_default_meter_configurator)
    counter.add(2)
    provider.shutdown()
    collected = json.loads(out.getvalue())
    assert collected["resource_metrics"][0]["resource"]["attributes"]["service.name"] == "shop"


def test_signals_that_nobody_asked_for_are_not_mentioned(
    caplog: pytest.LogCaptureFixture, made: list[TracerProvider], tracing_only: None
) -> None:
    _initialize_components()
    assert not caplog.records
    made[0].shutdown()


def test_management_agents_are_called_before_and_after(
    monkeypatch: pytest.MonkeyPatch, made: list[TracerProvider], tracing_only: None
) -> None:
    calls: list[tuple[str, int, object]] = []
    install(
        monkeypatch,
        pre_sdk_init_function=lambda resource: calls.append(("before", len(made), resource)),
        post_sdk_init_function=lambda resource: calls.append(("after", len(made), resource)),
    )
    _initialize_components()
    assert [call[:2] for call in calls] == [("before", 0), ("after", 1)]
    assert calls[0][2] == calls[1][2] == made[0].resource
    made[0].shutdown()


def test_a_distro_subclasses_the_configurator(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[dict[str, object]] = []
    monkeypatch.setattr(_configuration, "_initialize_components", lambda **kwargs: calls.append(kwargs))

    class Distro(_OTelSDKConfigurator):
        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

        def _configure(self, **kwargs: Any) -> None:
            super()._configure(sampler=ALWAYS_ON, **kwargs)

    assert type(_OTelSDKConfigurator()) is _OTelSDKConfigurator
    distro = Distro("mine")
    distro.configure(auto_instrumentation_version="1")
    assert calls == [{"sampler": ALWAYS_ON, "auto_instrumentation_version": "1"}]
    assert Distro("mine") is distro
    assert distro.name == "mine"


def test_a_configuration_file_needs_its_own_distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_CONFIG_FILE", "otel.yaml")
    monkeypatch.setitem(sys.modules, "opentelemetry.configuration", None)
    with pytest.raises(RuntimeError, match="pip install opentelemetry-configuration"):
        _OTelSDKConfigurator().configure()


def test_a_configuration_file_decides_alone(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    loaded: list[object] = []
    fake = types.ModuleType("opentelemetry.configuration")
    fake.load_config_file = lambda path: f"<{path}>"  # type: ignore[attr-defined]
    fake.configure_sdk = loaded.append  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "opentelemetry.configuration", fake)
    monkeypatch.setenv("OTEL_CONFIG_FILE", "otel.yaml")
    _OTelSDKConfigurator().configure(sampler=ALWAYS_ON)
    assert loaded == ["<otel.yaml>"]
    assert [record.getMessage() for record in caplog.records] == [
        "OTEL_CONFIG_FILE is set; ignoring configurator kwargs: ['sampler']"
    ]


def test_a_whole_program_configured_by_its_environment() -> None:
    program = """
from opentelemetry.sdk._configuration import _OTelSDKConfigurator
class Configurator(_OTelSDKConfigurator): pass
Configurator().configure()
from opentelemetry import trace
with trace.get_tracer("program").start_as_current_span("work"):
    pass
"""
    environment = {
        **os.environ,
        "OTEL_TRACES_EXPORTER": "console",
        "OTEL_SERVICE_NAME": "shop",
        "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": "1",
        "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "process",
    }
    ran = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    span = json.loads(ran.stdout)
    assert ran.stderr == ""
    assert span["name"] == "work"
    assert span["resource"]["attributes"]["service.name"] == "shop"
    assert "process.pid" in span["resource"]["attributes"]
