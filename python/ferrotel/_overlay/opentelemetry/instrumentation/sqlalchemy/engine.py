"""The telemetry of an engine, made from SQLAlchemy's events."""

from __future__ import annotations

import logging
import os
import re
import weakref
from typing import Any, Callable

import sqlalchemy
from opentelemetry import trace
from opentelemetry.context import attach, detach
from opentelemetry.instrumentation._semantic_conventions import NET_TRANSPORT
from opentelemetry.instrumentation._semconv import (
    _OpenTelemetrySemanticConventionStability,
    _OpenTelemetryStabilitySignalType,
    _set_db_name,
    _set_db_operation,
    _set_db_statement,
    _set_db_system,
    _set_db_user,
    _set_http_net_peer_name_client,
    _set_http_peer_port_client,
    _StabilityMode,
)
from opentelemetry.instrumentation.sqlcommenter_utils import _add_sql_comment
from opentelemetry.instrumentation.utils import _get_opentelemetry_values, is_instrumentation_enabled
from opentelemetry.trace.status import Status, StatusCode
from sqlalchemy.event import listen, remove

_logger = logging.getLogger(__name__)

_LEADING_COMMENT = re.compile(r"^/\*.*?\*/")

# What of a dialect calls a cursor's methods.
_EXECUTE = ("do_execute", "do_executemany", "do_execute_no_params")


class _EngineTelemetry:
    """What the engines that are made with one set of options share."""

    def __init__(self, *options: Any) -> None:
        tracer, connections_usage, *self._options = options
        self._instruments = tracer, connections_usage

    def trace(self, engine: Any) -> EngineTracer:
        """Instruments an engine."""
        tracer, connections_usage = self._instruments
        return EngineTracer(tracer, getattr(engine, "sync_engine", engine), connections_usage, *self._options)

    def around_create(self, create: Callable[..., Any]) -> Callable[..., Any]:
        """The function, with the engines that it makes instrumented."""

        def create_traced(*args: Any, **kwargs: Any) -> Any:
            engine = create(*args, **kwargs)
            if is_instrumentation_enabled():
                try:
                    # One function that makes engines may call another.
                    if getattr(engine, "sync_engine", engine) not in EngineTracer._remove_event_listener_params:
                        self.trace(engine)
                except Exception:
                    # What stands for an engine and has no events.
                    _logger.warning("An engine has no telemetry", exc_info=True)
            return engine

        return create_traced


def _connect_in_span(tracer: trace.Tracer, connect: Callable[..., Any]) -> Callable[..., Any]:
    """`Engine.connect`, in a span."""
    database, http = _modes()
    # By engine.
    known: weakref.WeakKeyDictionary[Any, dict[str, Any]] = weakref.WeakKeyDictionary()

    def attributes_of(engine: Any) -> dict[str, Any]:
        attributes = known.get(engine)
        if attributes is None:
            attributes, _ = _get_attributes_from_url(engine.url, database, http)
            _set_db_system(attributes, _normalize_vendor(engine.name), database)
            known[engine] = attributes
        return attributes

    def connect_in_span(engine: Any, *args: Any, **kwargs: Any) -> Any:
        if not is_instrumentation_enabled():
            return connect(engine, *args, **kwargs)
        with tracer.start_as_current_span("connect", kind=trace.SpanKind.CLIENT) as span:
            if span.is_recording():
                try:
                    span.set_attributes(attributes_of(engine))
                except Exception:
                    _logger.debug("An engine does not say what it connects to", exc_info=True)
            return connect(engine, *args, **kwargs)

    return connect_in_span


class EngineTracer:
    """Instruments an engine as long as it lives: spans of its statements, and its pool's use as a metric.

    A statement's span is current while the driver works on it. It is made where the dialect calls the driver: engines
    with a listener pay for each of SQLAlchemy's events, and of those none comes for certain after a statement.
    """

    # By engine. The name is known to tests of programs.
    _remove_event_listener_params: weakref.WeakKeyDictionary[Any, list[EngineTracer]] = weakref.WeakKeyDictionary()

    def __init__(
        self,
        tracer: trace.Tracer,
        engine: Any,
        connections_usage: Any,
        enable_commenter: bool = False,
        commenter_options: dict[str, Any] | None = None,
        enable_attribute_commenter: bool = False,
    ) -> None:
        self._sem_conv_opt_in_mode_db, self._sem_conv_opt_in_mode_http = _modes()
        self.tracer = tracer
        self.connections_usage = connections_usage
        self.vendor = _normalize_vendor(engine.name)
        self.enable_commenter = enable_commenter
        self.commenter_options = commenter_options or {}
        self.enable_attribute_commenter = enable_attribute_commenter
        self._engine_attrs = _get_attributes_from_engine(engine)
        self._idle = {**self._engine_attrs, "state": "idle"}
        self._used = {**self._engine_attrs, "state": "used"}
        # What spans of the URL have, as long as it is the engine's.
        self._url: Any = None
        self._url_attributes: dict[str, Any] = {}
        self._url_has_host = False
        self._listening: list[tuple[str, Callable[..., Any]]] = []
        self._replaced: list[tuple[str, Any, Any]] = []
        if enable_commenter:
            # An engine's log shows the statement as this leaves it.
            self._listen(engine, "before_cursor_execute", self._before_cur_exec, retval=True)
        self._listen(engine, "connect", self._pool_connect)
        self._listen(engine, "close", self._pool_close)
        self._listen(engine, "checkin", self._pool_checkin)
        self._listen(engine, "checkout", self._pool_checkout)
        # Connections by which SQLAlchemy asks about the server, for itself: their statements have no spans.
        self._asking: set[int] = set()
        self._replace(engine.dialect, "initialize", self._without_spans)
        for name in _EXECUTE:
            self._replace(engine.dialect, name, self._within_span)
        self._remove_event_listener_params.setdefault(engine, []).append(self)

    def _replace(self, dialect: Any, name: str, around: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
        method = getattr(dialect, name, None)
        if method is not None:
            replacement = around(method)
            self._replaced.append((name, vars(dialect).get(name), replacement))
            setattr(dialect, name, replacement)

    def _listen(self, engine: Any, event: str, function: Callable[..., Any], **options: Any) -> None:
        try:
            listen(engine, event, function, **options)
        except sqlalchemy.exc.InvalidRequestError:
            # SQLAlchemy 1.0 has no "close".
            return
        self._listening.append((event, function))

    @classmethod
    def remove_all_event_listeners(cls) -> None:
        """Restores all engines."""
        for engine, tracers in list(cls._remove_event_listener_params.items()):
            for tracer in reversed(tracers):
                tracer._remove_from(engine)
        cls._remove_event_listener_params.clear()

    def _remove_from(self, engine: Any) -> None:
        for event, function in self._listening:
            try:
                remove(engine, event, function)
            except sqlalchemy.exc.InvalidRequestError:
                # Its pool is another one by now.
                pass
        for name, before, replacement in self._replaced:
            if vars(engine.dialect).get(name) is not replacement:
                continue
            if before is None:
                delattr(engine.dialect, name)
            else:
                setattr(engine.dialect, name, before)
        # What others have put around ours since stays; ours does nothing any more.
        self._replaced.clear()

    def _pool_connect(self, _dbapi_connection: Any, _connection_record: Any) -> None:
        if is_instrumentation_enabled():
            self.connections_usage.add(1, self._idle)

    def _pool_close(self, _dbapi_connection: Any, _connection_record: Any) -> None:
        if is_instrumentation_enabled():
            self.connections_usage.add(-1, self._idle)

    def _pool_checkin(self, _dbapi_connection: Any, _connection_record: Any) -> None:
        if is_instrumentation_enabled():
            self.connections_usage.add(-1, self._used)
            self.connections_usage.add(1, self._idle)

    def _pool_checkout(self, _dbapi_connection: Any, _connection_record: Any, _connection_proxy: Any) -> None:
        if is_instrumentation_enabled():
            self.connections_usage.add(-1, self._idle)
            self.connections_usage.add(1, self._used)

    def _before_cur_exec(
        self, conn: Any, cursor: Any, statement: Any, params: Any, context: Any, _executemany: Any
    ) -> tuple[Any, Any]:
        # With a context, what the dialect calls ends the span.
        if context is not None and is_instrumentation_enabled():
            try:
                context._otel_span, statement = self._start(conn, cursor, statement)
            except Exception:
                _logger.exception("A statement has no span")
        return statement, params

    def _without_spans(self, initialize: Callable[..., Any]) -> Callable[..., Any]:
        def initialize_without_spans(connection: Any) -> Any:
            self._asking.add(id(connection))
            try:
                return initialize(connection)
            finally:
                self._asking.discard(id(connection))

        return initialize_without_spans

    def _within_span(self, execute: Callable[..., Any]) -> Callable[..., Any]:
        def execute_within_span(*args: Any, **kwargs: Any) -> Any:
            # cursor, statement, perhaps parameters, context
            context = kwargs.get("context") or args[-1]
            span = getattr(context, "_otel_span", None)
            if span is not None:
                context._otel_span = None
            elif self._replaced and not self.enable_commenter and is_instrumentation_enabled():
                try:
                    connection = context.root_connection
                    if not self._asking or id(connection) not in self._asking:
                        span, _ = self._start(connection, args[0], args[1])
                except Exception:
                    _logger.debug("A statement has no span", exc_info=True)
            if span is None:
                return execute(*args, **kwargs)
            with trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
                try:
                    return execute(*args, **kwargs)
                except BaseException as error:
                    _fail(span, error)
                    raise

        return execute_within_span

    def _start(self, conn: Any, cursor: Any, statement: Any) -> tuple[trace.Span, Any]:
        """Starts the statement's span; the span, and the statement with its comment."""
        db_name = _get_db_name_from_cursor_or_conn(self.vendor, conn, cursor)
        operation = self._operation_name(db_name, statement)
        span = self.tracer.start_span(operation, kind=trace.SpanKind.CLIENT)
        if span.is_recording():
            recorded = statement
            if self.enable_commenter:
                statement = self._with_comment(conn, statement, span)
                if self.enable_attribute_commenter:
                    recorded = statement
            attributes = dict(self._connection_attributes(conn, cursor))
            database = self._sem_conv_opt_in_mode_db
            _set_db_statement(attributes, recorded, database)
            _set_db_system(attributes, self.vendor, database)
            _set_db_operation(attributes, operation, database)
            span.set_attributes(attributes)
        return span, statement

    def _connection_attributes(self, conn: Any, cursor: Any) -> dict[str, Any]:
        database, http = self._sem_conv_opt_in_mode_db, self._sem_conv_opt_in_mode_http
        url = conn.engine.url
        if url is not self._url:
            self._url_attributes, self._url_has_host = _get_attributes_from_url(url, database, http)
            self._url = url
        if self._url_has_host:
            return self._url_attributes
        return _get_attributes_from_cursor_or_conn(
            self.vendor, conn, cursor, dict(self._url_attributes), database, http
        )

    def _operation_name(self, db_name: str | None, statement: Any) -> str:
        """The statement's first word and the database."""
        parts = []
        if isinstance(statement, str):
            if statement.startswith("/*"):
                statement = _LEADING_COMMENT.sub("", statement)
            parts = statement.split(None, 1)[:1]
        if db_name:
            parts.append(db_name)
        return " ".join(parts) or self.vendor

    def _with_comment(self, conn: Any, statement: Any, span: trace.Span) -> Any:
        try:
            token = attach(trace.set_span_in_context(span))
            try:
                return _add_sql_comment(str(statement), **self._get_commenter_data(conn))
            finally:
                detach(token)
        except Exception:
            _logger.exception("Exception while generating sql comment")
            return statement

    def _get_commenter_data(self, conn: Any) -> dict[str, Any]:
        data = {"db_driver": conn.engine.driver, "db_framework": f"sqlalchemy:{sqlalchemy.__version__}"}
        if self.commenter_options.get("opentelemetry_values", True):
            data.update(_get_opentelemetry_values())
        return {key: value for key, value in data.items() if self.commenter_options.get(key, True)}


def _fail(span: trace.Span, error: BaseException) -> None:
    try:
        if span.is_recording():
            span.set_status(Status(StatusCode.ERROR, str(error)))
    except Exception:
        _logger.debug("An error of a statement has no text", exc_info=True)


def _modes() -> tuple[_StabilityMode, _StabilityMode]:
    stability = _OpenTelemetrySemanticConventionStability
    stability._initialize()
    return (
        stability._get_opentelemetry_stability_opt_in_mode(_OpenTelemetryStabilitySignalType.DATABASE),
        stability._get_opentelemetry_stability_opt_in_mode(_OpenTelemetryStabilitySignalType.HTTP),
    )


def _normalize_vendor(vendor: str) -> str:
    """A dialect's name as the conventions have it."""
    if not vendor:
        return "db"
    if "sqlite" in vendor:
        return "sqlite"
    return "postgresql" if "postgres" in vendor or vendor == "psycopg2" else vendor


def _get_db_name_from_cursor_or_conn(vendor: str, conn: Any, cursor: Any) -> Any:
    """The database that a cursor works on, as far as its driver says, or the URL of the engine."""
    if not vendor:
        return None
    vendor = vendor.lower()
    if "postgres" in vendor:
        return getattr(getattr(getattr(cursor, "connection", None), "info", None), "dbname", None)
    if "mysql" in vendor:
        # mysql.connector's with C extension has `_cnx`.
        connection = getattr(cursor, "connection", None) or getattr(cursor, "_cnx", None)
        return _first_attribute(connection, "database", "db")
    if "mssql" in vendor or "sqlserver" in vendor:
        connection = getattr(cursor, "connection", None)
        name = _first_attribute(connection, "database", "db") or getattr(
            getattr(connection, "info", None), "database", None
        )
        if name:
            return name
    return getattr(getattr(getattr(conn, "engine", None), "url", None), "database", None)


def _first_attribute(connection: Any, *names: str) -> Any:
    for name in names:
        if hasattr(connection, name):
            value = getattr(connection, name)
            return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    return None


def _get_attributes_from_url(url: Any, database: _StabilityMode, http: _StabilityMode) -> tuple[dict[str, Any], bool]:
    """What the URL says, and whether it names a host."""
    attributes: dict[str, Any] = {}
    _set_http_net_peer_name_client(attributes, url.host, http)
    _set_http_peer_port_client(attributes, url.port, http)
    _set_db_name(attributes, url.database, database)
    _set_db_user(attributes, url.username, database)
    return attributes, bool(url.host)


def _get_attributes_from_cursor_or_conn(
    vendor: str, conn: Any, cursor: Any, attrs: dict[str, Any], database: _StabilityMode, http: _StabilityMode
) -> dict[str, Any]:
    """`attrs` with what the cursor's connection says."""
    if vendor not in ("postgresql", "sqlite"):
        return attrs
    if vendor == "sqlite":
        _set_db_name(attrs, _get_db_name_from_cursor_or_conn(vendor, conn, cursor), database)
        return attrs
    info = getattr(getattr(cursor, "connection", None), "info", None)
    if not info:
        return attrs
    _set_db_name(attrs, _get_db_name_from_cursor_or_conn(vendor, conn, cursor), database)
    host, port = info.host, info.port
    if host and host.startswith("/"):
        attrs[NET_TRANSPORT] = "other"
        if port:
            # So are PostgreSQL's sockets named.
            _set_http_net_peer_name_client(attrs, os.path.join(host, f".s.PGSQL.{port}"), http)
        return attrs
    attrs[NET_TRANSPORT] = "ip_tcp"
    _set_http_net_peer_name_client(attrs, host, http)
    _set_http_peer_port_client(attrs, port, http)
    return attrs


def _get_attributes_from_engine(engine: Any) -> dict[str, Any]:
    """What the metric of a pool has: its name, or what it connects to."""
    name = getattr(getattr(engine, "pool", None), "logging_name", None)
    if not name:
        url = engine.url
        name = f"{url.drivername or ''}://{url.host or ''}:{url.port or ''}/{url.database or ''}"
    return {"pool.name": name}
