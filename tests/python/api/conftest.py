"""The API's global providers, as new for each test and put back afterwards."""

from __future__ import annotations

from typing import Iterator

import pytest

import opentelemetry._logs._internal as logs_internal
import opentelemetry.metrics._internal as metrics_internal
from opentelemetry import trace
from opentelemetry.trace import _unrecorded
from opentelemetry.util import _providers
from opentelemetry.util._once import Once


@pytest.fixture(autouse=True)
def fresh_globals(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(trace, "_TRACER_PROVIDER_SET_ONCE", Once())
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)
    monkeypatch.setattr(trace, "_PROXY_TRACER_PROVIDER", trace.ProxyTracerProvider())
    monkeypatch.setattr(metrics_internal, "_METER_PROVIDER_SET_ONCE", Once())
    monkeypatch.setattr(metrics_internal, "_METER_PROVIDER", None)
    monkeypatch.setattr(metrics_internal, "_PROXY_METER_PROVIDER", metrics_internal._ProxyMeterProvider())
    monkeypatch.setattr(logs_internal, "_LOGGER_PROVIDER_SET_ONCE", Once())
    monkeypatch.setattr(logs_internal, "_LOGGER_PROVIDER", None)
    monkeypatch.setattr(_unrecorded, "_asked", Once())
    monkeypatch.setattr(_unrecorded, "_unused_provider", None)
    monkeypatch.setattr(_providers, "_failed", set())
    yield
