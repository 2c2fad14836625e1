"""Instruments drivers that follow Python's Database API (PEP 249): a span of each statement.

    from opentelemetry.instrumentation.dbapi import trace_integration, wrap_connect

    trace_integration(mysql.connector, "connect", "mysql")  # connections made from now on
    connection = instrument_connection(__name__, connection, "mysql")  # or this one

Instrumentations of drivers build on it. What they and these functions take:

- `connection_attributes`: where a connection has `database`, `port`, `host` and `user`, with dots for attributes of
  attributes. Default: under these names.
- `capture_parameters`: record a statement's parameters too. Default: False, since they may be secret.
- `enable_commenter`: say in a comment of each recorded statement what it belongs to. Default: False.
- `commenter_options`: which of `db_driver`, `dbapi_threadsafety`, `dbapi_level`, `driver_paramstyle`, `libpq_version`,
  `mysql_client_version` and `opentelemetry_values` (the span, as `traceparent`) to leave out: `{"dbapi_level": False}`.
- `enable_attribute_commenter`: record statements with their comments. Default: False.
- `db_api_integration_factory`: a class to use instead of `DatabaseApiIntegration`.
- `tracer_provider`, `meter_provider`: default: the global ones.
"""

from __future__ import annotations

import functools
import logging
import re
import sys
import time
from typing import Any, Awaitable, Callable, Dict, Generic, Optional, Sequence, Type, TypeVar

from opentelemetry.instrumentation._object_proxy import IterableProxy, ObjectProxy, unwrap_function, wrap_function
from opentelemetry.instrumentation._semantic_conventions import (
    DB_NAMESPACE,
    DB_OPERATION_NAME,
    DB_SYSTEM_NAME,
    ERROR_TYPE,
    SERVER_ADDRESS,
    SERVER_PORT,
)
from opentelemetry.instrumentation._semconv import (
    _get_schema_url_for_signal_types,
    _OpenTelemetrySemanticConventionStability,
    _OpenTelemetryStabilitySignalType,
    _report_new,
    _set_db_name,
    _set_db_statement,
    _set_db_system,
    _set_db_user,
    _set_http_net_peer_name_client,
    _set_http_peer_port_client,
)
from opentelemetry.instrumentation.dbapi.version import __version__
from opentelemetry.instrumentation.sqlcommenter_utils import _add_sql_comment
from opentelemetry.instrumentation.utils import _get_opentelemetry_values, is_instrumentation_enabled, unwrap
from opentelemetry.metrics import MeterProvider, get_meter
from opentelemetry.trace import Span, SpanKind, TracerProvider, get_tracer
from opentelemetry.util._importlib_metadata import version as util_version

# The type of t-strings, which some drivers take as statements.
_Template: Any = ()
if sys.version_info >= (3, 14):
    from string.templatelib import Template as _Template

_DB_STATEMENT_PARAMETERS = "db.statement.parameters"
# Modules that are named otherwise than the package that they come from.
_DB_DRIVER_ALIASES = {"MySQLdb": "mysqlclient"}

_DATABASE, _HTTP = _OpenTelemetryStabilitySignalType.DATABASE, _OpenTelemetryStabilitySignalType.HTTP

_logger = logging.getLogger(__name__)

ConnectionT = TypeVar("ConnectionT")
CursorT = TypeVar("CursorT")

_Options = Optional[Dict[str, Any]]
_Factory = Optional[Type["DatabaseApiIntegration"]]


def trace_integration(
    connect_module: Any,
    connect_method_name: str,
    database_system: str,
    connection_attributes: _Options = None,
    tracer_provider: TracerProvider | None = None,
    capture_parameters: bool = False,
    enable_commenter: bool = False,
    db_api_integration_factory: _Factory = None,
    enable_attribute_commenter: bool = False,
    commenter_options: _Options = None,
    meter_provider: MeterProvider | None = None,
) -> None:
    """Instruments the connections that a driver makes from now on, with spans of this module."""
    wrap_connect(
        __name__,
        connect_module,
        connect_method_name,
        database_system,
        connection_attributes,
        version=__version__,
        tracer_provider=tracer_provider,
        capture_parameters=capture_parameters,
        enable_commenter=enable_commenter,
        db_api_integration_factory=db_api_integration_factory,
        enable_attribute_commenter=enable_attribute_commenter,
        commenter_options=commenter_options,
        meter_provider=meter_provider,
    )


def wrap_connect(
    name: str,
    connect_module: Any,
    connect_method_name: str,
    database_system: str,
    connection_attributes: _Options = None,
    version: str = "",
    tracer_provider: TracerProvider | None = None,
    capture_parameters: bool = False,
    enable_commenter: bool = False,
    db_api_integration_factory: _Factory = None,
    commenter_options: _Options = None,
    enable_attribute_commenter: bool = False,
    meter_provider: MeterProvider | None = None,
) -> None:
    """Instruments the connections that a driver makes from now on, with spans of the module `name`.

    When the driver's function is not there, this is logged.
    """

    def connect(wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any) -> Any:
        try:
            integration = (db_api_integration_factory or DatabaseApiIntegration)(
                name,
                database_system,
                connection_attributes=connection_attributes,
                version=version,
                tracer_provider=tracer_provider,
                capture_parameters=capture_parameters,
                enable_commenter=enable_commenter,
                commenter_options=commenter_options,
                connect_module=connect_module,
                enable_attribute_commenter=enable_attribute_commenter,
                meter_provider=meter_provider,
            )
        except Exception:
            _logger.exception("A connection to %s is made without telemetry", database_system)
            return wrapped(*args, **kwargs)
        return integration.wrapped_connection(wrapped, args, kwargs)

    try:
        wrap_function(connect_module, connect_method_name, connect)
    except Exception as error:
        _logger.warning("Failed to integrate with DB API. %s", error)


def unwrap_connect(connect_module: Any, connect_method_name: str) -> None:
    """Restores a driver's function: the connections that it makes from now on are not instrumented."""
    if not unwrap_function(connect_module, connect_method_name):
        unwrap(connect_module, connect_method_name)


def instrument_connection(
    name: str,
    connection: Any,
    database_system: str,
    connection_attributes: _Options = None,
    version: str = "",
    tracer_provider: TracerProvider | None = None,
    capture_parameters: bool = False,
    enable_commenter: bool = False,
    commenter_options: _Options = None,
    connect_module: Any = None,
    enable_attribute_commenter: bool = False,
    db_api_integration_factory: _Factory = None,
    meter_provider: MeterProvider | None = None,
) -> Any:
    """A connection with spans of its statements. Of one that has them already, this only warns."""
    if isinstance(connection, ObjectProxy):
        _logger.warning("Connection already instrumented")
        return connection
    integration = (db_api_integration_factory or DatabaseApiIntegration)(
        name,
        database_system,
        connection_attributes=connection_attributes,
        version=version,
        tracer_provider=tracer_provider,
        capture_parameters=capture_parameters,
        enable_commenter=enable_commenter,
        commenter_options=commenter_options,
        connect_module=connect_module,
        enable_attribute_commenter=enable_attribute_commenter,
        meter_provider=meter_provider,
    )
    integration.get_connection_attributes(connection)
    return get_traced_connection_proxy(connection, integration)


def uninstrument_connection(connection: Any) -> Any:
    """The connection behind an instrumented one. Of another, this only warns."""
    if isinstance(connection, ObjectProxy):
        return connection.__wrapped__
    _logger.warning("Connection is not instrumented")
    return connection


class DatabaseApiIntegration:
    """What is known of a connection, and the instruments for its statements."""

    def __init__(
        self,
        name: str,
        database_system: str,
        connection_attributes: _Options = None,
        version: str = "",
        tracer_provider: TracerProvider | None = None,
        capture_parameters: bool = False,
        enable_commenter: bool = False,
        commenter_options: _Options = None,
        connect_module: Any = None,
        enable_attribute_commenter: bool = False,
        meter_provider: MeterProvider | None = None,
    ) -> None:
        stability = _OpenTelemetrySemanticConventionStability
        stability._initialize()
        self._sem_conv_opt_in_mode_db = stability._get_opentelemetry_stability_opt_in_mode(_DATABASE)
        self._sem_conv_opt_in_mode_http = stability._get_opentelemetry_stability_opt_in_mode(_HTTP)
        if connection_attributes is None:
            connection_attributes = {"database": "database", "port": "port", "host": "host", "user": "user"}
        self.connection_attributes = connection_attributes
        self._name = name
        self._version = version
        self._tracer = get_tracer(
            name,
            instrumenting_library_version=version,
            tracer_provider=tracer_provider,
            schema_url=_get_schema_url_for_signal_types([_DATABASE, _HTTP]),
        )
        self._meter: Any = None
        self._duration_histogram: Any = None
        self._returned_rows_histogram: Any = None
        if _report_new(self._sem_conv_opt_in_mode_db):
            self._create_histograms(meter_provider)
        self.capture_parameters = capture_parameters
        self.enable_commenter = enable_commenter
        self.commenter_options = commenter_options
        self.enable_attribute_commenter = enable_attribute_commenter
        self.database_system = database_system
        self.connection_props: dict[str, Any] = {}
        self.span_attributes: dict[str, Any] = {}
        self.name = ""
        self.database: Any = ""
        self._server_address: Any = None
        self._server_port: Any = None
        self.connect_module = connect_module
        self._constant: dict[str, Any] = {}
        self._constant_for: Any = None
        self.commenter_data: dict[str, Any] = {}
        try:
            self.commenter_data = self.calculate_commenter_data()
        except Exception:
            _logger.warning("Comments say nothing of the driver", exc_info=True)

    def _create_histograms(self, meter_provider: MeterProvider | None) -> None:
        self._meter = get_meter(
            self._name,
            self._version,
            meter_provider,
            schema_url=_get_schema_url_for_signal_types([_DATABASE]),
        )
        self._duration_histogram = self._meter.create_histogram(
            name="db.client.operation.duration",
            unit="s",
            description="Duration of database client operations.",
        )
        self._returned_rows_histogram = self._meter.create_histogram(
            name="db.client.response.returned_rows",
            unit="{row}",
            description="The actual number of records returned by the database operation.",
        )

    def _get_db_version(self, db_driver: str) -> Any:
        if db_driver in _DB_DRIVER_ALIASES:
            return util_version(_DB_DRIVER_ALIASES[db_driver])
        return getattr(self.connect_module, "__version__", "unknown")

    def calculate_commenter_data(self) -> dict[str, Any]:
        """What comments say of the driver."""
        if not self.enable_commenter:
            return {}
        driver = self.connect_module
        name = getattr(driver, "__name__", "unknown")
        data = {
            "db_driver": f"{name}:{self._get_db_version(name).split(' ')[0]}",
            "dbapi_threadsafety": getattr(driver, "threadsafety", "unknown"),
            # PEP 249: who does not say is of before 2.0.
            "dbapi_level": getattr(driver, "apilevel", "1.0"),
            "driver_paramstyle": getattr(driver, "paramstyle", "unknown"),
        }
        if self.database_system == "postgresql":
            # Psycopg 3 asks its library, psycopg2 knows what it was built with.
            try:
                libpq = driver.pq.version()
            except AttributeError:
                libpq = getattr(driver, "__libpq_version__", None)
            if libpq is not None:
                data["libpq_version"] = libpq
        elif self.database_system == "mysql":
            data["mysql_client_version"] = ""
            if name == "MySQLdb":
                data["mysql_client_version"] = driver._mysql.get_client_info()
            elif name == "pymysql":
                data["mysql_client_version"] = driver.get_client_info()
        return data

    def wrapped_connection(
        self, connect_method: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Connects, and returns the connection with spans of its statements."""
        connection = connect_method(*args, **kwargs)
        self.get_connection_attributes(connection)
        return get_traced_connection_proxy(connection, self)

    def get_connection_attributes(self, connection: object) -> None:
        """Asks the connection what it is connected to."""
        try:
            self._ask(connection)
        except Exception:
            _logger.warning("A connection does not say what it is connected to", exc_info=True)

    def _ask(self, connection: object) -> None:
        for key, path in self.connection_attributes.items():
            value = functools.reduce(lambda holder, name: getattr(holder, name, None), path.split("."), connection)
            if value:
                # Some drivers keep it as they send it.
                self.connection_props[key] = value.decode(errors="ignore") if isinstance(value, bytes) else value
        self.database = self.connection_props.get("database", "")
        self.name = f"{self.database_system}.{self.database}" if self.database else self.database_system
        user, host, port = map(self.connection_props.get, ("user", "host", "port"))
        if user is not None:
            _set_db_user(self.span_attributes, str(user), self._sem_conv_opt_in_mode_db)
        if host is not None:
            _set_http_net_peer_name_client(self.span_attributes, host, self._sem_conv_opt_in_mode_http)
            self._server_address = host
        if port is not None:
            _set_http_peer_port_client(self.span_attributes, port, self._sem_conv_opt_in_mode_http)
            self._server_port = port

    def _constant_attributes(self) -> dict[str, Any]:
        """What every span of the connection has."""
        key = self.database_system, self.database
        if self._constant_for != key:
            constant: dict[str, Any] = {}
            _set_db_system(constant, self.database_system, self._sem_conv_opt_in_mode_db)
            _set_db_name(constant, self.database, self._sem_conv_opt_in_mode_db)
            self._constant, self._constant_for = constant, key
        return self._constant


class TracedConnectionProxy(ObjectProxy, Generic[ConnectionT]):
    """Stands for a connection: its cursors are instrumented."""

    __slots__ = ("_self_db_api_integration",)

    def __init__(self, connection: ConnectionT, db_api_integration: DatabaseApiIntegration | None = None) -> None:
        object.__setattr__(self, "__wrapped__", connection)
        object.__setattr__(self, "_self_db_api_integration", db_api_integration)

    def cursor(self, *args: Any, **kwargs: Any) -> Any:
        return get_traced_cursor_proxy(self.__wrapped__.cursor(*args, **kwargs), self._self_db_api_integration)

    def __enter__(self) -> Any:
        return super().__enter__()

    def __exit__(self, *args: Any, **kwargs: Any) -> Any:
        return super().__exit__(*args, **kwargs)


def get_traced_connection_proxy(
    connection: Any, db_api_integration: DatabaseApiIntegration | None, *args: Any, **kwargs: Any
) -> Any:
    return TracedConnectionProxy(connection, db_api_integration)


class CursorTracer(Generic[CursorT]):
    """Makes the spans of a cursor's statements. Drivers with statements of their own kind override `get_*`."""

    _leading_comment_remover = re.compile(r"^/\*.*?\*/")

    def __init__(self, db_api_integration: DatabaseApiIntegration) -> None:
        self._db_api_integration = db_api_integration
        self._commenter_enabled = db_api_integration.enable_commenter
        self._commenter_options = db_api_integration.commenter_options or {}
        self._enable_attribute_commenter = db_api_integration.enable_attribute_commenter
        self._connect_module = db_api_integration.connect_module

    def get_operation_name(self, cursor: Any, args: Sequence[Any]) -> str:
        """The statement's first word; empty when there is none."""
        statement = args[0] if args else None
        if isinstance(statement, _Template):
            statement = statement.strings[0]
        return _first_word(statement) if isinstance(statement, str) else ""

    def get_statement(self, cursor: Any, args: Sequence[Any]) -> Any:
        """The statement as text; empty when it is of an unknown kind."""
        statement = args[0] if args else ""
        if isinstance(statement, str):
            return statement
        if isinstance(statement, bytes):
            return statement.decode("utf8", "replace")
        return _with_names(statement) if isinstance(statement, _Template) else ""

    def traced_execution(self, cursor: Any, query_method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Calls the cursor's method within a span."""
        if not is_instrumentation_enabled():
            return query_method(*args, **kwargs)
        integration = self._db_api_integration
        operation = self._operation(cursor, args)
        name = operation or integration.database or integration.name
        with integration._tracer.start_as_current_span(name, kind=SpanKind.CLIENT) as span:
            if span.is_recording():
                args = self._describe(span, cursor, args)
            if integration._duration_histogram is None:
                return query_method(*args, **kwargs)
            started, failure = time.perf_counter(), None
            try:
                return query_method(*args, **kwargs)
            except Exception as error:
                failure = error
                raise
            finally:
                self._record_metrics(cursor, operation, started, failure)

    async def traced_execution_async(
        self, cursor: Any, query_method: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any
    ) -> Any:
        """Awaits the cursor's method within a span."""
        if not is_instrumentation_enabled():
            return await query_method(*args, **kwargs)
        integration = self._db_api_integration
        operation = self._operation(cursor, args)
        name = operation or integration.database or integration.name
        with integration._tracer.start_as_current_span(name, kind=SpanKind.CLIENT) as span:
            if span.is_recording():
                args = self._describe(span, cursor, args)
            started, failure = time.perf_counter(), None
            try:
                return await query_method(*args, **kwargs)
            except Exception as error:
                failure = error
                raise
            finally:
                self._record_metrics(cursor, operation, started, failure)

    def _operation(self, cursor: Any, args: Sequence[Any]) -> str:
        try:
            return self.get_operation_name(cursor, args)
        except Exception:
            # A statement that the driver may refuse too, and then says so.
            _logger.debug("A statement has no operation", exc_info=True)
            return ""

    def _describe(self, span: Span, cursor: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Sets the span's attributes; the arguments, with the comment that they are to have."""
        commented = args
        if args and self._commenter_enabled:
            commented = self._update_args_with_added_sql_comment(args, cursor)
        try:
            self._populate_span(span, cursor, *(commented if self._enable_attribute_commenter else args))
        except Exception:
            _logger.debug("A statement is not recorded", exc_info=True)
        return commented

    def _populate_span(self, span: Span, cursor: Any, *args: Any) -> None:
        if not span.is_recording():
            return
        integration = self._db_api_integration
        attributes = dict(integration._constant_attributes())
        _set_db_statement(attributes, self.get_statement(cursor, args), integration._sem_conv_opt_in_mode_db)
        attributes.update(integration.span_attributes)
        if integration.capture_parameters and len(args) > 1:
            attributes[_DB_STATEMENT_PARAMETERS] = str(args[1])
        span.set_attributes(attributes)

    def _update_args_with_added_sql_comment(self, args: Sequence[Any], cursor: Any) -> tuple[Any, ...]:
        try:
            statement = args[0]
            self._capture_mysql_version(cursor)
            if not isinstance(statement, str) and not isinstance(statement, _Template):
                # psycopg's statements that are put together need the connection for its encoding.
                as_string = getattr(statement, "as_string", None)
                statement = str(statement if as_string is None else as_string(cursor.connection))
            return (_add_sql_comment(statement, **self._get_commenter_data()), *args[1:])
        except Exception as error:
            _logger.exception("Exception while generating sql comment: %s", error)
            return tuple(args)

    def _get_commenter_data(self) -> dict[str, Any]:
        data = dict(self._db_api_integration.commenter_data)
        if self._commenter_options.get("opentelemetry_values", True):
            data.update(_get_opentelemetry_values())
        return {key: value for key, value in data.items() if self._commenter_options.get(key, True)}

    def _capture_mysql_version(self, cursor: Any) -> None:
        # mysql.connector's library is known only once there is a connection.
        integration = self._db_api_integration
        if integration.database_system != "mysql" or integration.connect_module.__name__ != "mysql.connector":
            return
        if integration.commenter_data["mysql_client_version"]:
            return
        found = "unknown"
        # The second for a cursor of a connection that is wrapped itself.
        for connection in ("_cnx", "_connection"):
            try:
                found = getattr(cursor, connection)._cmysql.get_client_info()
                break
            except AttributeError as error:
                failure = error
        else:
            _logger.debug("Could not set mysql_client_version: %s", failure)
        integration.commenter_data["mysql_client_version"] = found

    def _get_metric_attributes(self, operation_name: str, error: BaseException | None) -> dict[str, Any]:
        integration = self._db_api_integration
        attributes: dict[str, Any] = {DB_SYSTEM_NAME: integration.database_system}
        if integration.database:
            attributes[DB_NAMESPACE] = integration.database
        if operation_name:
            attributes[DB_OPERATION_NAME] = operation_name
        if integration._server_address is not None:
            attributes[SERVER_ADDRESS] = integration._server_address
        if integration._server_port is not None:
            attributes[SERVER_PORT] = integration._server_port
        if error is not None:
            attributes[ERROR_TYPE] = type(error).__qualname__
        return attributes

    def _record_metrics(self, cursor: Any, operation_name: str, start_time: float, error: BaseException | None) -> None:
        integration = self._db_api_integration
        if integration._duration_histogram is None:
            # The old generation has no metrics of statements.
            return
        elapsed = time.perf_counter() - start_time
        attributes = self._get_metric_attributes(operation_name, error)
        integration._duration_histogram.record(elapsed, attributes=attributes)
        if error is None:
            rows = getattr(cursor, "rowcount", None)
            if isinstance(rows, int) and rows >= 0:
                integration._returned_rows_histogram.record(rows, attributes=attributes)


def _first_word(statement: str) -> str:
    if statement.startswith("/*"):
        statement = CursorTracer._leading_comment_remover.sub("", statement)
    words = statement.split(None, 1)
    return words[0] if words else ""


def _with_names(template: Any) -> str:
    """A t-string with what it was written with instead of the values."""
    names = [f"{{{each.expression}}}" for each in template.interpolations]
    return "".join(text for pair in zip(template.strings, [*names, ""]) for text in pair)


class TracedCursorProxy(IterableProxy, Generic[CursorT]):
    """Stands for a cursor: its statements have spans."""

    __slots__ = ("_self_cursor_tracer",)

    def __init__(self, cursor: CursorT, db_api_integration: DatabaseApiIntegration) -> None:
        object.__setattr__(self, "__wrapped__", cursor)
        object.__setattr__(self, "_self_cursor_tracer", CursorTracer(db_api_integration))

    def execute(self, *args: Any, **kwargs: Any) -> Any:
        cursor = self.__wrapped__
        result = self._self_cursor_tracer.traced_execution(cursor, cursor.execute, *args, **kwargs)
        # What follows in a chain of calls is traced too.
        return self if result is cursor else result

    def executemany(self, *args: Any, **kwargs: Any) -> Any:
        cursor = self.__wrapped__
        result = self._self_cursor_tracer.traced_execution(cursor, cursor.executemany, *args, **kwargs)
        return self if result is cursor else result

    def callproc(self, *args: Any, **kwargs: Any) -> Any:
        cursor = self.__wrapped__
        return self._self_cursor_tracer.traced_execution(cursor, cursor.callproc, *args, **kwargs)

    def __enter__(self) -> Any:
        return super().__enter__()

    def __exit__(self, *args: Any, **kwargs: Any) -> Any:
        return super().__exit__(*args, **kwargs)


def get_traced_cursor_proxy(cursor: Any, db_api_integration: Any, *args: Any, **kwargs: Any) -> Any:
    return TracedCursorProxy(cursor, db_api_integration)
