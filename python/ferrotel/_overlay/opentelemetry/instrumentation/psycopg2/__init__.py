"""Instruments psycopg2: a span of each statement.

    from opentelemetry.instrumentation.psycopg2 import Psycopg2Instrumentor

    Psycopg2Instrumentor().instrument()  # connections made from now on, by `psycopg2.connect`
    Psycopg2Instrumentor.instrument_connection(connection)  # or this one

Connections stay psycopg2's own, as its extensions want them: what makes their cursors is a class derived from the
program's own cursor factory. A cursor that the program asks for with a class of its own
(`connection.cursor(cursor_factory=...)`) has no spans.
"""

from __future__ import annotations

import logging
import threading
import weakref
from importlib.metadata import PackageNotFoundError, distribution
from typing import Any, Callable, Collection, Sequence

import psycopg2
from opentelemetry.instrumentation import dbapi
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor
from opentelemetry.instrumentation.psycopg2.package import (
    _instruments_any,
    _instruments_psycopg2,
    _instruments_psycopg2_binary,
)
from opentelemetry.instrumentation.psycopg2.version import __version__
from opentelemetry.trace import TracerProvider
from psycopg2 import extras
from psycopg2.extensions import cursor as pg_cursor
from psycopg2.sql import Composable

_logger = logging.getLogger(__name__)

# Of a class of instrumented cursors: the cursor factory that the program asked for.
_PROGRAM_FACTORY = "_otel_program_factory"


class Psycopg2Instrumentor(BaseInstrumentor):
    """Instruments psycopg2.

    What `instrument` takes: `tracer_provider`, `meter_provider` (default: the global ones), `capture_parameters`,
    `enable_commenter`, `commenter_options` and `enable_attribute_commenter`, as in
    `opentelemetry.instrumentation.dbapi`.
    """

    _CONNECTION_ATTRIBUTES = {
        "database": "info.dbname",
        "port": "info.port",
        "host": "info.host",
        "user": "info.user",
    }
    _DATABASE_SYSTEM = "postgresql"
    # What made the cursors of a connection before.
    _INSTRUMENTED_CONNECTIONS: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()
    _INSTRUMENTED_CONNECTIONS_LOCK = threading.RLock()

    def instrumentation_dependencies(self) -> Collection[str]:
        # Both packages are the same library: the one that is installed counts.
        for name, release in (("psycopg2", _instruments_psycopg2), ("psycopg2-binary", _instruments_psycopg2_binary)):
            try:
                distribution(name)
                return (release,)
            except PackageNotFoundError:
                pass
        return _instruments_any

    def _instrument(self, **kwargs: Any) -> None:
        dbapi.wrap_connect(
            __name__,
            psycopg2,
            "connect",
            self._DATABASE_SYSTEM,
            self._CONNECTION_ATTRIBUTES,
            version=__version__,
            tracer_provider=kwargs.get("tracer_provider"),
            capture_parameters=kwargs.get("capture_parameters", False),
            enable_commenter=kwargs.get("enable_commenter", False),
            db_api_integration_factory=DatabaseApiIntegration,
            commenter_options=kwargs.get("commenter_options", {}),
            enable_attribute_commenter=kwargs.get("enable_attribute_commenter", False),
            meter_provider=kwargs.get("meter_provider"),
        )

    def _uninstrument(self, **kwargs: Any) -> None:
        dbapi.unwrap_connect(psycopg2, "connect")

    @staticmethod
    def instrument_connection(
        connection: Any,
        tracer_provider: TracerProvider | None = None,
        enable_commenter: bool = False,
        commenter_options: dict[Any, Any] | None = None,
        enable_attribute_commenter: bool = False,
    ) -> Any:
        """Instruments a connection, and returns it. A second time, this only warns."""
        made_before = Psycopg2Instrumentor._INSTRUMENTED_CONNECTIONS
        with Psycopg2Instrumentor._INSTRUMENTED_CONNECTIONS_LOCK:
            if connection in made_before:
                _logger.warning("Attempting to instrument Psycopg connection while already instrumented")
                return connection
            integration = DatabaseApiIntegration(
                __name__,
                Psycopg2Instrumentor._DATABASE_SYSTEM,
                connection_attributes=Psycopg2Instrumentor._CONNECTION_ATTRIBUTES,
                version=__version__,
                tracer_provider=tracer_provider,
                enable_commenter=enable_commenter,
                commenter_options=commenter_options,
                connect_module=psycopg2,
                enable_attribute_commenter=enable_attribute_commenter,
            )
            integration.get_connection_attributes(connection)
            made_before[connection] = _trace_cursors(connection, integration)
        return connection

    @staticmethod
    def uninstrument_connection(connection: Any) -> Any:
        """Makes a connection's cursors what they were without instrumentation, and returns it."""
        with Psycopg2Instrumentor._INSTRUMENTED_CONNECTIONS_LOCK:
            Psycopg2Instrumentor._INSTRUMENTED_CONNECTIONS.pop(connection, None)
            connection.cursor_factory = _program_factory(connection)
        return connection


class DatabaseApiIntegration(dbapi.DatabaseApiIntegration):
    def wrapped_connection(self, connect_method: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Connects, and returns a connection whose cursors are instrumented."""
        connection = connect_method(*args, **kwargs)
        self.get_connection_attributes(connection)
        try:
            _trace_cursors(connection, self)
        except Exception:
            _logger.warning("The statements of a connection have no spans", exc_info=True)
        return connection


def _trace_cursors(connection: Any, integration: DatabaseApiIntegration) -> Any:
    """Makes a connection's cursors instrumented ones; what made them before, or None."""
    program_factory = _program_factory(connection)
    base_factory = program_factory or _own_factory(type(connection))
    connection.cursor_factory = _new_cursor_factory(integration, base_factory, program_factory)
    return program_factory


def _program_factory(connection: Any) -> Any:
    factory = connection.cursor_factory
    return vars(factory).get(_PROGRAM_FACTORY, factory) if isinstance(factory, type) else factory


def _own_factory(connection_class: Any) -> Any:
    """The cursors that a class of connections in `psycopg2.extras` makes when there is no cursor factory, or None."""
    for base in connection_class.__mro__:
        if base.__module__ == extras.__name__:
            return getattr(extras, base.__name__.replace("Connection", "Cursor"), None)
    return None


class CursorTracer(dbapi.CursorTracer[Any]):
    """Knows statements that `psycopg2.sql` puts together."""

    def get_operation_name(self, cursor: Any, args: Sequence[Any]) -> str:
        return super().get_operation_name(cursor, _as_text(cursor, args))

    def get_statement(self, cursor: Any, args: Sequence[Any]) -> Any:
        return super().get_statement(cursor, _as_text(cursor, args))


def _as_text(cursor: Any, args: Sequence[Any]) -> Sequence[Any]:
    if args and isinstance(args[0], Composable):
        return (args[0].as_string(cursor),)
    return args


def _new_cursor_factory(db_api: Any, base_factory: Any = None, program_factory: Any = None) -> Any:
    """A class of cursors whose statements have spans; `program_factory` is what the program asked for."""
    tracer = CursorTracer(db_api)
    base = base_factory or pg_cursor

    class TracedCursorFactory(base):  # type: ignore[misc, valid-type]
        def execute(self, *args: Any, **kwargs: Any) -> Any:
            return tracer.traced_execution(self, super().execute, *args, **kwargs)

        def executemany(self, *args: Any, **kwargs: Any) -> Any:
            return tracer.traced_execution(self, super().executemany, *args, **kwargs)

        def callproc(self, *args: Any, **kwargs: Any) -> Any:
            return tracer.traced_execution(self, super().callproc, *args, **kwargs)

    setattr(TracedCursorFactory, _PROGRAM_FACTORY, program_factory)
    return TracedCursorFactory
