"""Instruments SQLAlchemy: spans of connecting and of each statement, and the use of connection pools as a metric.

from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor

SQLAlchemyInstrumentor().instrument()  # engines made from now on
SQLAlchemyInstrumentor().instrument(engine=engine)  # and this one
"""

from __future__ import annotations

from functools import wraps
from importlib import import_module
from typing import Any, Callable, Collection, Iterator, Sequence

from opentelemetry.instrumentation._semconv import (
    _get_schema_url_for_signal_types,
    _OpenTelemetrySemanticConventionStability,
    _OpenTelemetryStabilitySignalType,
)
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor
from opentelemetry.instrumentation.sqlalchemy.engine import EngineTracer, _connect_in_span, _EngineTelemetry
from opentelemetry.instrumentation.sqlalchemy.package import _instruments
from opentelemetry.instrumentation.sqlalchemy.version import __version__
from opentelemetry.metrics import get_meter
from opentelemetry.trace import get_tracer
from sqlalchemy.engine.base import Engine

# What makes engines. Since 1.4 there are `sqlalchemy.engine.create` and asyncio's.
_CREATE_ENGINE = (
    ("sqlalchemy", "create_engine"),
    ("sqlalchemy.engine", "create_engine"),
    ("sqlalchemy.engine.create", "create_engine"),
    ("sqlalchemy.ext.asyncio", "create_async_engine"),
    # `async_engine_from_config` takes it from there.
    ("sqlalchemy.ext.asyncio.engine", "create_async_engine"),
)


class SQLAlchemyInstrumentor(BaseInstrumentor):
    """Instruments SQLAlchemy.

    What `instrument` takes:

    - `engine`, `engines`: engines that are there already, asynchronous ones too. Their tracers are returned.
    - `tracer_provider`, `meter_provider`: default: the global ones.
    - `enable_commenter` (default: False): say in a comment of each statement what it belongs to.
    - `commenter_options`: which of `db_driver`, `db_framework` and `opentelemetry_values` (the span, as `traceparent`)
      to leave out: `{"db_driver": False}`.
    - `enable_attribute_commenter` (default: False): record statements with their comments.
    """

    _replaced: list[tuple[Any, str, Any, Any]] = []

    def instrumentation_dependencies(self) -> Collection[str]:
        return _instruments

    def _instrument(self, **kwargs: Any) -> Any:
        signals = [_OpenTelemetryStabilitySignalType.DATABASE, _OpenTelemetryStabilitySignalType.HTTP]
        _OpenTelemetrySemanticConventionStability._initialize()
        schema_url = _get_schema_url_for_signal_types(signals)
        tracer = get_tracer(__name__, __version__, kwargs.get("tracer_provider"), schema_url=schema_url)
        meter = get_meter(__name__, __version__, kwargs.get("meter_provider"), schema_url=schema_url)
        telemetry = _EngineTelemetry(
            tracer,
            meter.create_up_down_counter(
                name="db.client.connections.usage",
                unit="connections",
                description="The number of connections that are currently in state described by the state attribute.",
            ),
            kwargs.get("enable_commenter", False),
            kwargs.get("commenter_options"),
            kwargs.get("enable_attribute_commenter", False),
        )
        self._replaced = []
        # All are imported before one is changed: they import from one another.
        for module, name in list(_modules()):
            self._replace(module, name, telemetry.around_create)
        self._replace(Engine, "connect", lambda connect: _connect_in_span(tracer, connect))
        if kwargs.get("engine") is not None:
            return telemetry.trace(kwargs["engine"])
        if isinstance(kwargs.get("engines"), Sequence):
            return [telemetry.trace(engine) for engine in kwargs["engines"]]
        return None

    def _replace(self, owner: Any, name: str, around: Callable[[Any], Any]) -> None:
        original = vars(owner).get(name)
        if original is None:
            return
        wrapped, replaced = around(original), self._replaced

        @wraps(original)
        def replacement(*args: Any, **kwargs: Any) -> Any:
            # What somebody has put around this one stays; it has nothing to do any more then.
            return (wrapped if replaced else original)(*args, **kwargs)

        replaced.append((owner, name, original, replacement))
        setattr(owner, name, replacement)

    def _uninstrument(self, **kwargs: Any) -> None:
        for owner, name, original, replacement in self._replaced:
            if vars(owner).get(name) is replacement:
                setattr(owner, name, original)
        self._replaced.clear()
        EngineTracer.remove_all_event_listeners()


def _modules() -> Iterator[tuple[Any, str]]:
    for module_name, name in _CREATE_ENGINE:
        try:
            yield import_module(module_name), name
        except ImportError:
            pass
