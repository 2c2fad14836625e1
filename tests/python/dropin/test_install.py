"""ferrotel alone, beside the official packages in either order, switched off, and taken away again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Callable

import pytest

from .conftest import API_AND_SDK, Environment

pytestmark = pytest.mark.slow

#: One span through the SDK, told as JSON: the file of each module and what the exporter got.
ONE_SPAN = """
import json
from opentelemetry import baggage, context, propagate, trace
from opentelemetry.sdk import resources, trace as sdk
from opentelemetry.sdk.trace import export
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.exporter.otlp.proto.grpc import trace_exporter as grpc
from opentelemetry.exporter.otlp.proto.http import trace_exporter as http
exporter = InMemorySpanExporter()
provider = sdk.TracerProvider()
provider.add_span_processor(export.SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
with trace.get_tracer("test").start_as_current_span("work", attributes={"n": 1}):
    pass
span, = exporter.get_finished_spans()
modules = [baggage, context, propagate, trace, resources, sdk, export, grpc, http]
print(json.dumps({
    "files": [module.__file__ for module in modules],
    "span": [span.name, dict(span.attributes), span.resource.attributes["telemetry.sdk.name"]],
}))
"""


def assert_traces_on_ferrotel(environment: Environment) -> None:
    told = json.loads(environment.output(ONE_SPAN))
    assert told["span"] == ["work", {"n": 1}, "ferrotel"]
    assert [file for file in told["files"] if environment.overlay not in Path(file).parents] == []


def test_alone(alone: Environment) -> None:
    assert_traces_on_ferrotel(alone)


def test_alone_needs_no_other_distribution(alone: Environment) -> None:
    assert alone.output("import importlib.metadata as m; print(m.requires('ferrotel'))") == "None"


def test_every_module_imports_alone(alone: Environment) -> None:
    modules = sorted(
        ".".join(path.relative_to(alone.overlay).with_suffix("").parts).replace(".__init__", "")
        for path in alone.overlay.rglob("*.py")
    )
    assert "opentelemetry.sdk.trace" in modules
    # Sets the process up when it is imported.
    modules.remove("opentelemetry.instrumentation.auto_instrumentation.sitecustomize")
    code = f"""
import importlib
for name in {modules!r}:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        print(name.split(".")[2], error.name)
"""
    # An instrumentation does not import for want of what it instruments.
    assert set(alone.output(code).splitlines()) == {
        "celery celery",
        "django django",
        "fastapi starlette",
        "flask flask",
        "redis redis",
        "requests requests",
        "psycopg2 psycopg2",
        "sqlalchemy sqlalchemy",
    }


def test_every_entry_point_loads(alone: Environment) -> None:
    code = """
import importlib.metadata
points = [point for point in importlib.metadata.distribution("ferrotel").entry_points]
for point in points:
    try:
        point.load()
    except ModuleNotFoundError as error:
        # Only for want of what it instruments.
        library = {"fastapi": "starlette"}.get(point.name, point.name)
        assert (point.group, error.name) == ("opentelemetry_instrumentor", library), (point, error)
print(len(points), sorted({point.group for point in points})[-1])
"""
    count, last_group = alone.output(code).split()
    assert int(count) >= 27
    assert last_group == "opentelemetry_traces_sampler"


def test_only_the_package_and_the_pth_lie_in_site_packages(
    alone: Environment, new_environment: Callable[[], Environment]
) -> None:
    bare = {path.name for path in new_environment().site_packages.iterdir()}
    added = {path.name for path in alone.site_packages.iterdir()} - bare
    metadata = {name for name in added if name.startswith("ferrotel-") and name.endswith(".dist-info")}
    assert len(metadata) == 1
    assert added - metadata == {"ferrotel", "ferrotel_activate.pth"}


def test_official_packages_installed_before(official_first: Environment) -> None:
    assert_traces_on_ferrotel(official_first)


def test_official_packages_installed_after(ferrotel_first: Environment) -> None:
    assert_traces_on_ferrotel(ferrotel_first)


@pytest.mark.parametrize("value", ["1", "true", "ON"])
def test_switched_off(official_first: Environment, value: str) -> None:
    told = json.loads(official_first.output(ONE_SPAN, FERROTEL_DISABLED=value))
    assert told["span"] == ["work", {"n": 1}, "opentelemetry"]
    official = official_first.site_packages / "opentelemetry"
    assert [file for file in told["files"] if official not in Path(file).parents] == []


@pytest.mark.parametrize("value", ["", "0", "false"])
def test_not_switched_off(official_first: Environment, value: str) -> None:
    assert official_first.overlay in official_first.file_of("opentelemetry.trace", FERROTEL_DISABLED=value).parents


def test_official_instrumentation_runs_on_our_api(ferrotel_first: Environment) -> None:
    """The instrumentation's own wrapper, around a call that needs no database, records a span with our SDK."""
    code = """
import asyncio, json
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
import opentelemetry.instrumentation.asyncpg as instrumentation
import asyncpg
exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))

async def execute(self, query):
    return "OK"

asyncpg.Connection.execute = execute
instrumentation.AsyncPGInstrumentor().instrument(tracer_provider=provider)
connection = asyncpg.Connection.__new__(asyncpg.Connection)
connection._params = type("Parameters", (), {"user": "me", "database": "db"})
connection._addr = ("db.example", 5432)
connection._aborted = False
answer = asyncio.run(asyncpg.Connection.execute(connection, "SELECT 1"))
span, = exporter.get_finished_spans()
print(json.dumps([instrumentation.__file__, answer, span.name, span.kind.name, span.attributes["db.statement"]]))
"""
    file, *rest = json.loads(ferrotel_first.output(code))
    assert ferrotel_first.site_packages / "opentelemetry" in Path(file).parents
    assert rest == ["OK", "SELECT", "CLIENT", "SELECT 1"]


def test_the_otlp_exporters_are_ours_beside_the_official_ones(official_first: Environment) -> None:
    program = """
from opentelemetry.exporter.otlp.proto import grpc, http
from opentelemetry.exporter.otlp.proto.grpc import metric_exporter as over_grpc, trace_exporter
from opentelemetry.exporter.otlp.proto.http import metric_exporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

metric_exporter.OTLPMetricExporter(endpoint="http://127.0.0.1:1/v1/metrics").shutdown()
over_grpc.OTLPMetricExporter(endpoint="http://127.0.0.1:1").shutdown()
reader = InMemoryMetricReader()
MeterProvider(metric_readers=[reader]).get_meter("m").create_counter("c").add(1)
assert reader.get_metrics_data() is not None
print(*["ferrotel" in module.__file__ for module in (trace_exporter, metric_exporter, over_grpc)])
print(len(grpc.__path__), len(http.__path__))
"""
    done = official_first.run("-c", program)
    assert (done.stdout, done.returncode) == ("True True True\n1 1\n", 0), done.stderr


def test_uninstalling_leaves_the_official_packages_whole(
    new_environment: Callable[[], Environment], wheel: Path
) -> None:
    environment = new_environment()
    environment.pip("install", *API_AND_SDK)
    before = environment.hashes()
    environment.pip("install", str(wheel))
    assert environment.overlay in environment.file_of("opentelemetry.trace").parents
    assert {name: environment.hashes().get(name) for name in before} == before

    environment.pip("uninstall", "--yes", "ferrotel")
    assert environment.hashes() == before
    assert environment.file_of("opentelemetry.sdk.trace").parents[2] == environment.site_packages / "opentelemetry"
