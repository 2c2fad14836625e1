"""The names beyond the documented API that released packages import from the API."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

import opentelemetry.trace

PRIVATE_NAMES = {
    "opentelemetry.attributes": "_clean_attribute _clean_attribute_value",
    "opentelemetry.context": "_RUNTIME_CONTEXT _SUPPRESS_INSTRUMENTATION_KEY _SUPPRESS_HTTP_INSTRUMENTATION_KEY "
    "_ON_EMIT_RECURSION_COUNT_KEY _load_runtime_context logger",
    "opentelemetry.context.context": "_RuntimeContext",
    "opentelemetry.environment_variables": "_OTEL_PYTHON_LOGGER_PROVIDER",
    "opentelemetry.metrics": "_Gauge _NoOpGauge",
    "opentelemetry.metrics._internal": "_METER_PROVIDER _METER_PROVIDER_SET_ONCE _PROXY_METER_PROVIDER _ProxyMeter "
    "_ProxyMeterProvider _InstrumentRegistrationStatus _set_meter_provider get_meter",
    "opentelemetry.metrics._internal.instrument": "Gauge Histogram NoOpGauge _MetricsHistogramAdvisory "
    "_ProxyInstrument _ProxyAsynchronousInstrument _ProxyCounter _name_regex _unit_regex",
    "opentelemetry.metrics._internal.observation": "Observation",
    "opentelemetry._logs._internal": "_LOGGER_PROVIDER _LOGGER_PROVIDER_SET_ONCE _PROXY_LOGGER_PROVIDER ProxyLogger "
    "ProxyLoggerProvider _set_logger_provider",
    "opentelemetry.trace": "BoundedAttributes _TRACER_PROVIDER _TRACER_PROVIDER_SET_ONCE _PROXY_TRACER_PROVIDER "
    "_DefaultTracer _DefaultTracerProvider _LinkBase _Links _SPAN_KEY _agnosticcontextmanager _set_tracer_provider "
    "NoOpTracer NoOpTracerProvider ProxyTracer ProxyTracerProvider logger",
    "opentelemetry.trace.propagation": "SPAN_KEY _SPAN_KEY Span INVALID_SPAN",
    "opentelemetry.trace.span": "_SPAN_ID_MAX_VALUE _TRACE_ID_MAX_VALUE",
    "opentelemetry.util._decorator": "_agnosticcontextmanager _AgnosticContextManager",
    "opentelemetry.util._importlib_metadata": "entry_points version EntryPoint EntryPoints PackageNotFoundError "
    "Distribution distributions requires",
    "opentelemetry.util._once": "Once",
    "opentelemetry.util._providers": "_load_provider",
    "opentelemetry.util.types": "_ExtendedAttributes AttributesAsKey",
    "opentelemetry.version": "__version__",
}


@pytest.mark.parametrize("module", PRIVATE_NAMES)
def test_private_names_that_others_import(module: str) -> None:
    found = importlib.import_module(module)
    assert [name for name in PRIVATE_NAMES[module].split() if not hasattr(found, name)] == []


def test_namespace_packages_stay_open_for_other_distributions() -> None:
    overlay = Path(opentelemetry.trace.__file__).parents[1]
    for package in (overlay, overlay / "util", overlay / "propagators", overlay / "exporter"):
        assert package.is_dir()
        assert not (package / "__init__.py").exists()


def test_type_checkers_find_the_packages() -> None:
    overlay = Path(opentelemetry.trace.__file__).parents[1]
    typed = "_logs attributes context environment_variables metrics trace util version"
    assert [name for name in typed.split() if not (overlay / name / "py.typed").is_file()] == []
