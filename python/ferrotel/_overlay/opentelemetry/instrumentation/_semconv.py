"""The two generations of semantic conventions: which is wanted (OTEL_SEMCONV_STABILITY_OPT_IN), and setting
attributes in it."""

from __future__ import annotations

import os
import threading
from enum import Enum
from typing import Any, Container, Mapping, MutableMapping

from opentelemetry.instrumentation._semantic_conventions import (
    CLIENT_ADDRESS,
    CLIENT_PORT,
    DB_NAME,
    DB_NAMESPACE,
    DB_OPERATION,
    DB_OPERATION_NAME,
    DB_QUERY_TEXT,
    DB_REDIS_DATABASE_INDEX,
    DB_STATEMENT,
    DB_SYSTEM,
    DB_SYSTEM_NAME,
    DB_USER,
    ERROR_TYPE,
    HTTP_FLAVOR,
    HTTP_HOST,
    HTTP_METHOD,
    HTTP_REQUEST_METHOD,
    HTTP_REQUEST_METHOD_ORIGINAL,
    HTTP_RESPONSE_STATUS_CODE,
    HTTP_ROUTE,
    HTTP_SCHEME,
    HTTP_SERVER_NAME,
    HTTP_STATUS_CODE,
    HTTP_TARGET,
    HTTP_URL,
    HTTP_USER_AGENT,
    NET_HOST_NAME,
    NET_HOST_PORT,
    NET_PEER_IP,
    NET_PEER_NAME,
    NET_PEER_PORT,
    NET_TRANSPORT,
    NETWORK_PROTOCOL_VERSION,
    NETWORK_TRANSPORT,
    SERVER_ADDRESS,
    SERVER_PORT,
    URL_FULL,
    URL_PATH,
    URL_QUERY,
    URL_SCHEME,
    USER_AGENT_ORIGINAL,
)
from opentelemetry.instrumentation.environment_variables import OTEL_SEMCONV_STABILITY_OPT_IN
from opentelemetry.instrumentation.utils import http_status_to_status_code
from opentelemetry.trace import Span
from opentelemetry.trace.status import Status, StatusCode
from opentelemetry.util.types import AttributeValue

_Attributes = MutableMapping[str, AttributeValue]

# Bounds of the duration histograms: milliseconds in the old generation, seconds in the stable one.
HTTP_DURATION_HISTOGRAM_BUCKETS_OLD = (
    *(0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0),
    *(500.0, 750.0, 1000.0, 2500.0, 5000.0, 7500.0, 10000.0),
)
HTTP_DURATION_HISTOGRAM_BUCKETS_NEW = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)

# The attributes of metrics.
_client_duration_attrs_old = [
    HTTP_STATUS_CODE,
    HTTP_HOST,
    HTTP_METHOD,
    HTTP_FLAVOR,
    HTTP_SCHEME,
    NET_PEER_PORT,
    NET_PEER_NAME,
]
_client_duration_attrs_new = [
    ERROR_TYPE,
    HTTP_REQUEST_METHOD,
    HTTP_RESPONSE_STATUS_CODE,
    NETWORK_PROTOCOL_VERSION,
    SERVER_ADDRESS,
    SERVER_PORT,
]
_server_duration_attrs_old = [
    HTTP_METHOD,
    HTTP_HOST,
    HTTP_SCHEME,
    HTTP_STATUS_CODE,
    HTTP_FLAVOR,
    HTTP_SERVER_NAME,
    NET_HOST_NAME,
    NET_HOST_PORT,
]
_server_duration_attrs_new = [
    ERROR_TYPE,
    HTTP_REQUEST_METHOD,
    HTTP_RESPONSE_STATUS_CODE,
    HTTP_ROUTE,
    NETWORK_PROTOCOL_VERSION,
    URL_SCHEME,
]
_server_active_requests_count_attrs_old = [HTTP_METHOD, HTTP_HOST, HTTP_SCHEME, HTTP_FLAVOR, HTTP_SERVER_NAME]
_server_active_requests_count_attrs_new = [HTTP_REQUEST_METHOD, URL_SCHEME]

_SCHEMAS = "https://opentelemetry.io/schemas/"
# Of the generation before there were schema URLs.
_LEGACY_SCHEMA_VERSION = "1.11.0"


class _OpenTelemetryStabilitySignalType(Enum):
    HTTP = "http"
    DATABASE = "database"
    GEN_AI = "gen_ai"


class _StabilityMode(Enum):
    """Which generation is wanted: the old one (DEFAULT), the stable one, or both (DUP)."""

    DEFAULT = "default"
    HTTP = "http"
    HTTP_DUP = "http/dup"
    DATABASE = "database"
    DATABASE_DUP = "database/dup"
    GEN_AI_LATEST_EXPERIMENTAL = "gen_ai_latest_experimental"


_SIGNAL_MODES = {
    _OpenTelemetryStabilitySignalType.HTTP: (_StabilityMode.HTTP, _StabilityMode.HTTP_DUP),
    _OpenTelemetryStabilitySignalType.GEN_AI: (_StabilityMode.DEFAULT, _StabilityMode.GEN_AI_LATEST_EXPERIMENTAL),
    _OpenTelemetryStabilitySignalType.DATABASE: (_StabilityMode.DATABASE, _StabilityMode.DATABASE_DUP),
}
_STABLE_SCHEMA_VERSIONS = {
    _OpenTelemetryStabilitySignalType.HTTP: "1.21.0",
    _OpenTelemetryStabilitySignalType.DATABASE: "1.25.0",
    _OpenTelemetryStabilitySignalType.GEN_AI: "1.26.0",
}


def _report_new(mode: _StabilityMode) -> bool:
    return mode is not _StabilityMode.DEFAULT


def _report_old(mode: _StabilityMode) -> bool:
    return mode not in (_StabilityMode.HTTP, _StabilityMode.DATABASE)


class _OpenTelemetrySemanticConventionStability:
    """What OTEL_SEMCONV_STABILITY_OPT_IN says, read once."""

    _initialized = False
    _lock = threading.RLock()
    _OTEL_SEMCONV_STABILITY_SIGNAL_MAPPING: dict[_OpenTelemetryStabilitySignalType, _StabilityMode] = {}

    @classmethod
    def _initialize(cls) -> None:
        with cls._lock:
            if cls._initialized:
                return
            opt_in = [wish.strip() for wish in os.environ.get(OTEL_SEMCONV_STABILITY_OPT_IN, "").split(",")]
            cls._OTEL_SEMCONV_STABILITY_SIGNAL_MAPPING = {
                signal: cls._filter_mode(opt_in, stable, both) for signal, (stable, both) in _SIGNAL_MODES.items()
            }
            cls._initialized = True

    @staticmethod
    def _filter_mode(opt_in_list: list[str], stable_mode: _StabilityMode, dup_mode: _StabilityMode) -> _StabilityMode:
        # Who asks for the stable generation and for both gets both.
        for mode in (dup_mode, stable_mode):
            if mode.value in opt_in_list:
                return mode
        return _StabilityMode.DEFAULT

    @classmethod
    def _get_opentelemetry_stability_opt_in_mode(cls, signal_type: _OpenTelemetryStabilitySignalType) -> _StabilityMode:
        return cls._OTEL_SEMCONV_STABILITY_SIGNAL_MAPPING.get(signal_type, _StabilityMode.DEFAULT)


def _get_semconv_opt_in_modes(
    signal_types: tuple[_OpenTelemetryStabilitySignalType, ...],
) -> dict[_OpenTelemetryStabilitySignalType, _StabilityMode]:
    stability = _OpenTelemetrySemanticConventionStability
    stability._initialize()
    return {signal: stability._get_opentelemetry_stability_opt_in_mode(signal) for signal in signal_types}


def _filter_semconv_duration_attrs(
    attrs: Mapping[str, AttributeValue],
    old_attrs: Container[AttributeValue],
    new_attrs: Container[AttributeValue],
    sem_conv_opt_in_mode: _StabilityMode = _StabilityMode.DEFAULT,
) -> dict[str, AttributeValue]:
    # The generations have a histogram each: its attributes are never mixed.
    allowed = new_attrs if sem_conv_opt_in_mode is _StabilityMode.HTTP else old_attrs
    return {key: value for key, value in attrs.items() if key in allowed}


def _filter_semconv_active_request_count_attr(
    attrs: Mapping[str, AttributeValue],
    old_attrs: Container[AttributeValue],
    new_attrs: Container[AttributeValue],
    sem_conv_opt_in_mode: _StabilityMode = _StabilityMode.DEFAULT,
) -> dict[str, AttributeValue]:
    old, new = _report_old(sem_conv_opt_in_mode), _report_new(sem_conv_opt_in_mode)
    return {key: value for key, value in attrs.items() if (old and key in old_attrs) or (new and key in new_attrs)}


def set_string_attribute(result: _Attributes, key: str, value: AttributeValue) -> None:
    """Sets an attribute, unless its value is empty."""
    if value:
        result[key] = value


def set_int_attribute(result: _Attributes, key: str, value: AttributeValue) -> None:
    """Sets an attribute to a number, unless the value is empty or no number."""
    if value:
        try:
            result[key] = int(value)  # type: ignore[arg-type]
        except (ValueError, TypeError):
            pass


def _set_text(result: _Attributes, old: str | None, new: str | None, value: Any, mode: _StabilityMode) -> None:
    if old is not None and _report_old(mode):
        set_string_attribute(result, old, value)
    if new is not None and _report_new(mode):
        set_string_attribute(result, new, value)


def _set_number(result: _Attributes, old: str, new: str, value: Any, mode: _StabilityMode) -> None:
    if _report_old(mode):
        set_int_attribute(result, old, value)
    if _report_new(mode):
        set_int_attribute(result, new, value)


# HTTP, both sides


def _set_http_method(result: _Attributes, original: str, normalized: str, sem_conv_opt_in_mode: _StabilityMode) -> None:
    original, normalized = original.strip(), normalized.strip()
    if original != normalized:
        _set_text(result, None, HTTP_REQUEST_METHOD_ORIGINAL, original, sem_conv_opt_in_mode)
    _set_text(result, HTTP_METHOD, HTTP_REQUEST_METHOD, normalized, sem_conv_opt_in_mode)


def _set_http_status_code(result: _Attributes, code: str | int, sem_conv_opt_in_mode: _StabilityMode) -> None:
    _set_number(result, HTTP_STATUS_CODE, HTTP_RESPONSE_STATUS_CODE, code, sem_conv_opt_in_mode)


def _set_http_url(result: _Attributes, url: str, sem_conv_opt_in_mode: _StabilityMode) -> None:
    _set_text(result, HTTP_URL, URL_FULL, url, sem_conv_opt_in_mode)


def _set_http_scheme(result: _Attributes, scheme: str, sem_conv_opt_in_mode: _StabilityMode) -> None:
    _set_text(result, HTTP_SCHEME, URL_SCHEME, scheme, sem_conv_opt_in_mode)


def _set_http_flavor_version(result: _Attributes, version: str, sem_conv_opt_in_mode: _StabilityMode) -> None:
    _set_text(result, HTTP_FLAVOR, NETWORK_PROTOCOL_VERSION, version, sem_conv_opt_in_mode)


def _set_http_user_agent(result: _Attributes, user_agent: str, sem_conv_opt_in_mode: _StabilityMode) -> None:
    _set_text(result, HTTP_USER_AGENT, USER_AGENT_ORIGINAL, user_agent, sem_conv_opt_in_mode)


# HTTP clients


def _set_http_host_client(result: _Attributes, host: str, sem_conv_opt_in_mode: _StabilityMode) -> None:
    _set_text(result, HTTP_HOST, SERVER_ADDRESS, host, sem_conv_opt_in_mode)


def _set_http_net_peer_name_client(result: _Attributes, peer_name: str, sem_conv_opt_in_mode: _StabilityMode) -> None:
    _set_text(result, NET_PEER_NAME, SERVER_ADDRESS, peer_name, sem_conv_opt_in_mode)


def _set_http_peer_port_client(result: _Attributes, port: str | int, sem_conv_opt_in_mode: _StabilityMode) -> None:
    _set_number(result, NET_PEER_PORT, SERVER_PORT, port, sem_conv_opt_in_mode)


def _set_http_network_protocol_version(result: _Attributes, version: str, sem_conv_opt_in_mode: _StabilityMode) -> None:
    _set_text(result, HTTP_FLAVOR, NETWORK_PROTOCOL_VERSION, version, sem_conv_opt_in_mode)


# HTTP servers


def _set_http_net_host(result: _Attributes, host: str, sem_conv_opt_in_mode: _StabilityMode) -> None:
    _set_text(result, NET_HOST_NAME, SERVER_ADDRESS, host, sem_conv_opt_in_mode)


def _set_http_net_host_port(result: _Attributes, port: str | int, sem_conv_opt_in_mode: _StabilityMode) -> None:
    _set_number(result, NET_HOST_PORT, SERVER_PORT, port, sem_conv_opt_in_mode)


def _set_http_target(
    result: _Attributes, target: str, path: str | None, query: str | None, sem_conv_opt_in_mode: _StabilityMode
) -> None:
    _set_text(result, HTTP_TARGET, None, target, sem_conv_opt_in_mode)
    _set_text(result, None, URL_PATH, path, sem_conv_opt_in_mode)
    _set_text(result, None, URL_QUERY, query, sem_conv_opt_in_mode)


def _set_http_host_server(result: _Attributes, host: str, sem_conv_opt_in_mode: _StabilityMode) -> None:
    # What the socket says goes before what the request says.
    new = None if result.get(SERVER_ADDRESS) else SERVER_ADDRESS
    _set_text(result, HTTP_HOST, new, host, sem_conv_opt_in_mode)


def _set_http_peer_ip_server(result: _Attributes, ip: str, sem_conv_opt_in_mode: _StabilityMode) -> None:
    # A name goes before an address.
    new = None if result.get(CLIENT_ADDRESS) else CLIENT_ADDRESS
    _set_text(result, NET_PEER_IP, new, ip, sem_conv_opt_in_mode)


def _set_http_peer_port_server(result: _Attributes, port: str | int, sem_conv_opt_in_mode: _StabilityMode) -> None:
    _set_number(result, NET_PEER_PORT, CLIENT_PORT, port, sem_conv_opt_in_mode)


def _set_http_net_peer_name_server(result: _Attributes, name: str, sem_conv_opt_in_mode: _StabilityMode) -> None:
    _set_text(result, NET_PEER_NAME, CLIENT_ADDRESS, name, sem_conv_opt_in_mode)


# Databases


def _set_db_system(result: _Attributes, system: str, sem_conv_opt_in_mode: _StabilityMode) -> None:
    _set_text(result, DB_SYSTEM, DB_SYSTEM_NAME, system, sem_conv_opt_in_mode)


def _set_db_name(result: _Attributes, name: str, sem_conv_opt_in_mode: _StabilityMode) -> None:
    _set_text(result, DB_NAME, DB_NAMESPACE, name, sem_conv_opt_in_mode)


def _set_db_statement(result: _Attributes, statement: str | None, sem_conv_opt_in_mode: _StabilityMode) -> None:
    # An empty statement is one too.
    if statement is None:
        return
    if _report_old(sem_conv_opt_in_mode):
        result[DB_STATEMENT] = statement
    if _report_new(sem_conv_opt_in_mode):
        result[DB_QUERY_TEXT] = statement


def _set_db_user(result: _Attributes, user: str, sem_conv_opt_in_mode: _StabilityMode) -> None:
    _set_text(result, DB_USER, None, user, sem_conv_opt_in_mode)


def _set_db_operation(result: _Attributes, operation: str, sem_conv_opt_in_mode: _StabilityMode) -> None:
    _set_text(result, DB_OPERATION, DB_OPERATION_NAME, operation, sem_conv_opt_in_mode)


def _set_db_redis_database_index(
    result: _Attributes, database_index: int, sem_conv_opt_in_mode: _StabilityMode
) -> None:
    # Zero is an index too.
    if _report_old(sem_conv_opt_in_mode) and database_index is not None:
        result[DB_REDIS_DATABASE_INDEX] = int(database_index)


def _set_net_transport(
    result: _Attributes,
    old_transport: AttributeValue,
    new_transport: AttributeValue,
    sem_conv_opt_in_mode: _StabilityMode,
) -> None:
    _set_text(result, NET_TRANSPORT, None, old_transport, sem_conv_opt_in_mode)
    _set_text(result, None, NETWORK_TRANSPORT, new_transport, sem_conv_opt_in_mode)


def _set_status(
    span: Span,
    metrics_attributes: _Attributes,
    status_code: int,
    status_code_str: str,
    server_span: bool = True,
    sem_conv_opt_in_mode: _StabilityMode = _StabilityMode.DEFAULT,
) -> None:
    """Puts an HTTP status on a span, and among the attributes of metrics. A negative code stands for one that is no
    number."""
    old, new = _report_old(sem_conv_opt_in_mode), _report_new(sem_conv_opt_in_mode)
    if 100 <= status_code < (500 if server_span else 400):
        # What most responses have, which leaves the span's status as it is.
        recording = span.is_recording()
        if old:
            metrics_attributes[HTTP_STATUS_CODE] = status_code
            if recording:
                span.set_attribute(HTTP_STATUS_CODE, status_code)
        if new:
            metrics_attributes[HTTP_RESPONSE_STATUS_CODE] = status_code
            if recording:
                span.set_attribute(HTTP_RESPONSE_STATUS_CODE, status_code)
        return
    attributes: dict[str, AttributeValue] = {}
    if status_code < 0:
        status = Status(StatusCode.ERROR, "Non-integer HTTP status: " + status_code_str)
    else:
        status = Status(http_status_to_status_code(status_code, server_span=server_span))
        if old:
            attributes[HTTP_STATUS_CODE] = status_code
        if new:
            attributes[HTTP_RESPONSE_STATUS_CODE] = status_code
    if new and status.status_code is StatusCode.ERROR:
        attributes[ERROR_TYPE] = status_code_str
    metrics_attributes.update(attributes)
    if span.is_recording():
        for key, value in attributes.items():
            span.set_attribute(key, value)
        span.set_status(status)


def _get_schema_url(mode: _StabilityMode) -> str:
    """The schema URL of an instrumentation of HTTP."""
    return _SCHEMAS + (_LEGACY_SCHEMA_VERSION if mode is _StabilityMode.DEFAULT else "1.21.0")


def _get_schema_version_for_opt_in_mode(signal_type: _OpenTelemetryStabilitySignalType, mode: _StabilityMode) -> str:
    if mode is _StabilityMode.DEFAULT:
        return _LEGACY_SCHEMA_VERSION
    return _STABLE_SCHEMA_VERSIONS.get(signal_type, _LEGACY_SCHEMA_VERSION)


def _get_schema_url_for_signal_types(signal_types: list[_OpenTelemetryStabilitySignalType]) -> str:
    """The schema URL of an instrumentation of several: the newest of theirs, in the generations that are wanted."""
    stability = _OpenTelemetrySemanticConventionStability
    versions = [
        _get_schema_version_for_opt_in_mode(signal, stability._get_opentelemetry_stability_opt_in_mode(signal))
        for signal in signal_types
    ]
    return _SCHEMAS + max([_LEGACY_SCHEMA_VERSION, *versions], key=lambda version: [*map(int, version.split("."))])
