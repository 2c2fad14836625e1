"""A WSGI middleware (PEP 3333) that makes a span and metrics of every request.

    from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware

    application = OpenTelemetryMiddleware(application)

It knows no routes: a span is named after the method and the path. Frameworks that do know them have instrumentations of
their own, which share what is here.
"""

from __future__ import annotations

import logging
import wsgiref.util
from http import HTTPStatus
from timeit import default_timer
from typing import Any, Callable, Dict, Iterable, Iterator, List, MutableMapping, Tuple, TypeVar

from opentelemetry import trace
from opentelemetry.context import attach, detach, get_current
from opentelemetry.instrumentation._http_server import _environ_attributes, _pick, _reads_plainly
from opentelemetry.instrumentation._semantic_conventions import (
    CLIENT_ADDRESS,
    CLIENT_PORT,
    ERROR_TYPE,
    HTTP_FLAVOR,
    HTTP_HOST,
    HTTP_METHOD,
    HTTP_REQUEST_METHOD,
    HTTP_REQUEST_METHOD_ORIGINAL,
    HTTP_SCHEME,
    HTTP_SERVER_NAME,
    HTTP_SERVER_REQUEST_DURATION,
    HTTP_TARGET,
    HTTP_URL,
    HTTP_USER_AGENT,
    NET_HOST_NAME,
    NET_HOST_PORT,
    NET_PEER_IP,
    NET_PEER_NAME,
    NET_PEER_PORT,
    NETWORK_PROTOCOL_VERSION,
    SERVER_ADDRESS,
    SERVER_PORT,
    URL_PATH,
    URL_QUERY,
    URL_SCHEME,
    USER_AGENT_ORIGINAL,
    USER_AGENT_SYNTHETIC_TYPE,
)
from opentelemetry.instrumentation._semconv import (
    HTTP_DURATION_HISTOGRAM_BUCKETS_NEW,
    _get_schema_url,
    _OpenTelemetrySemanticConventionStability,
    _OpenTelemetryStabilitySignalType,
    _report_new,
    _report_old,
    _server_active_requests_count_attrs_new,
    _server_active_requests_count_attrs_old,
    _server_duration_attrs_new,
    _server_duration_attrs_old,
    _set_status,
    _StabilityMode,
    set_int_attribute,
)
from opentelemetry.instrumentation.utils import _start_internal_or_server_span
from opentelemetry.instrumentation.wsgi.version import __version__
from opentelemetry.metrics import Histogram, Meter, MeterProvider, get_meter
from opentelemetry.propagators.textmap import Getter, Setter
from opentelemetry.trace.status import Status, StatusCode
from opentelemetry.util.http import (
    OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS,
    OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST,
    OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE,
    SanitizeValue,
    detect_synthetic_user_agent,
    get_custom_headers,
    normalise_request_header_name,
    normalise_response_header_name,
    normalize_user_agent,
    redact_url,
    sanitize_method,
)

_Environ = Dict[str, Any]
_Headers = List[Tuple[str, str]]
RequestHook = Callable[[trace.Span, _Environ], None]
ResponseHook = Callable[[trace.Span, _Environ, str, _Headers], None]

# A part of a response's body. The name is one of the reference's.
T = TypeVar("T")

_CARRIER_KEY_PREFIX = "HTTP_"
_CARRIER_KEY_PREFIX_LEN = len(_CARRIER_KEY_PREFIX)
_HTTP_VERSION_PREFIX = "HTTP/"
# Looked up among the attributes of every request: there are fewer of them.
_ACTIVE_OLD = tuple(_server_active_requests_count_attrs_old)
_ACTIVE_NEW = tuple(_server_active_requests_count_attrs_new)
_ACTIVE_BOTH = tuple(dict.fromkeys(_ACTIVE_OLD + _ACTIVE_NEW))
_DURATION_OLD = tuple(_server_duration_attrs_old)
_DURATION_NEW = tuple(_server_duration_attrs_new)

# As applications write them: Werkzeug has their phrases in upper case.
_USUAL_STATUSES = {
    f"{status.value} {phrase}": status.value
    for status in HTTPStatus
    if status < 500
    for phrase in (status.phrase, status.phrase.upper())
}

_logger = logging.getLogger(__name__)


class WSGIGetter(Getter[_Environ]):
    """Reads headers out of a WSGI environ."""

    def get(self, carrier: _Environ, key: str) -> list[str] | None:
        """The values of a header: one at most, since servers join them. None when it is not there."""
        value = carrier.get(_CARRIER_KEY_PREFIX + key.upper().replace("-", "_"))
        return None if value is None else [value]

    def keys(self, carrier: _Environ) -> list[str]:
        """The names of all headers, in lower case."""
        return [
            key[_CARRIER_KEY_PREFIX_LEN:].lower().replace("_", "-")
            for key in carrier
            if key.startswith(_CARRIER_KEY_PREFIX)
        ]


_reads_plainly("environ", WSGIGetter)
wsgi_getter = WSGIGetter()


class ResponsePropagationSetter(Setter[_Headers]):
    """Adds headers to those that a WSGI application answers with."""

    def set(self, carrier: _Headers, key: str, value: str) -> None:
        """Adds a header behind the others."""
        carrier.append((key, value))


default_response_propagation_setter = ResponsePropagationSetter()


def get_default_span_name(environ: _Environ) -> str:
    """The method and the path of a request; `HTTP` for a method that is not known."""
    method = sanitize_method(environ.get("REQUEST_METHOD", "").strip())
    if method == "_OTHER":
        return "HTTP"
    path = environ.get("PATH_INFO", "").strip()
    return f"{method} {path}" if method and path else method


def collect_request_attributes(
    environ: _Environ, sem_conv_opt_in_mode: _StabilityMode = _StabilityMode.DEFAULT
) -> dict[str, Any]:
    """The attributes of a request, as far as they are known before it is handled."""
    old, new = _report_old(sem_conv_opt_in_mode), _report_new(sem_conv_opt_in_mode)
    attributes = _environ_attributes(environ, old, new)
    if attributes is None:
        attributes = {}
        if old:
            _collect_old(attributes, environ)
        if new:
            _collect_new(attributes, environ)
    return attributes


def _collect_old(attributes: dict[str, Any], environ: _Environ) -> None:
    get = environ.get
    host, target, address = get("HTTP_HOST"), _target(environ), get("REMOTE_ADDR")
    method = sanitize_method(get("REQUEST_METHOD", "")).strip()
    if method:
        attributes[HTTP_METHOD] = method
    server = get("SERVER_NAME")
    if server is not None:
        attributes[HTTP_SERVER_NAME] = server
    scheme = get("wsgi.url_scheme")
    if scheme:
        attributes[HTTP_SCHEME] = scheme
    if host:
        attributes[NET_HOST_NAME] = attributes[HTTP_HOST] = host
    set_int_attribute(attributes, NET_HOST_PORT, get("SERVER_PORT"))
    if target:
        attributes[HTTP_TARGET] = target
    else:
        attributes[HTTP_URL] = redact_url(wsgiref.util.request_uri(environ))
    if address:
        attributes[NET_PEER_IP] = address
    set_int_attribute(attributes, NET_PEER_PORT, get("REMOTE_PORT"))
    name = get("REMOTE_HOST")
    if name and name != address:
        attributes[NET_PEER_NAME] = name
    _set_user_agent(attributes, HTTP_USER_AGENT, get("HTTP_USER_AGENT"))
    version = _version(get("SERVER_PROTOCOL", ""))
    if version:
        attributes[HTTP_FLAVOR] = version


def _collect_new(attributes: dict[str, Any], environ: _Environ) -> None:
    get = environ.get
    original = get("REQUEST_METHOD", "").strip()
    method = sanitize_method(get("REQUEST_METHOD", "")).strip()
    if original and original != method:
        attributes[HTTP_REQUEST_METHOD_ORIGINAL] = original
    # A name goes before an address.
    address, name = get("REMOTE_ADDR"), get("REMOTE_HOST")
    known = [
        (HTTP_REQUEST_METHOD, method),
        (URL_SCHEME, get("wsgi.url_scheme")),
        (SERVER_ADDRESS, get("HTTP_HOST")),
        (CLIENT_ADDRESS, name or address),
        (NETWORK_PROTOCOL_VERSION, _version(get("SERVER_PROTOCOL", ""))),
    ]
    if _target(environ):
        known += [(URL_PATH, get("PATH_INFO")), (URL_QUERY, get("QUERY_STRING"))]
    for key, value in known:
        if value:
            attributes[key] = value
    set_int_attribute(attributes, SERVER_PORT, get("SERVER_PORT"))
    set_int_attribute(attributes, CLIENT_PORT, get("REMOTE_PORT"))
    _set_user_agent(attributes, USER_AGENT_ORIGINAL, get("HTTP_USER_AGENT"))


def _target(environ: _Environ) -> str | None:
    # What servers call it: gunicorn and werkzeug the one, uWSGI the other.
    target: str | None = environ.get("RAW_URI")
    return environ.get("REQUEST_URI") if target is None else target


def _version(protocol: str) -> str:
    known = protocol[: len(_HTTP_VERSION_PREFIX)].upper() == _HTTP_VERSION_PREFIX
    return protocol[len(_HTTP_VERSION_PREFIX) :] if known else protocol


def _set_user_agent(attributes: dict[str, Any], key: str, header: Any) -> None:
    user_agent = normalize_user_agent(header)
    if user_agent:
        attributes[key] = user_agent
        kind = detect_synthetic_user_agent(user_agent)
        if kind:
            attributes[USER_AGENT_SYNTHETIC_TYPE] = kind


def add_response_attributes(
    span: trace.Span,
    start_response_status: str,
    response_headers: Any,
    duration_attrs: MutableMapping[str, Any] | None = None,
    sem_conv_opt_in_mode: _StabilityMode = _StabilityMode.DEFAULT,
) -> None:
    """Puts the status that an application answers with on its span, and among the attributes of metrics."""
    attributes = {} if duration_attrs is None else duration_attrs
    code, text = _USUAL_STATUSES.get(start_response_status, 0), ""
    if not code:
        text = start_response_status.partition(" ")[0]
        try:
            code = int(text)
        except ValueError:
            code = -1
    _set_status(span, attributes, code, text, server_span=True, sem_conv_opt_in_mode=sem_conv_opt_in_mode)


class _CapturedHeaders:
    """The headers that the environment wants on spans. It is read once, for the first request."""

    def __init__(self) -> None:
        self._request: list[str] | None = None

    def _read(self) -> None:
        self._response = get_custom_headers(OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE)
        secret = get_custom_headers(OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS)
        self._sanitize = SanitizeValue(secret)
        # Last: another thread that finds it finds the others too.
        self._request = get_custom_headers(OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST)

    def of_request(self, environ: _Environ) -> dict[str, list[str]]:
        """The attributes for a request's headers."""
        if self._request is None:
            self._read()
        if not self._request:
            return {}
        headers = {
            key[_CARRIER_KEY_PREFIX_LEN:].replace("_", "-"): value
            for key, value in environ.items()
            if key.startswith(_CARRIER_KEY_PREFIX)
        }
        return self._sanitize.sanitize_header_values(headers, self._request, normalise_request_header_name)

    def of_response(self, response_headers: _Headers) -> dict[str, list[str]]:
        """The attributes for a response's headers; several of one name are joined."""
        if self._request is None:
            self._read()
        if not self._response:
            return {}
        headers: dict[str, str] = {}
        for name, value in response_headers or ():
            name = name.lower()
            headers[name] = f"{headers[name]},{value}" if name in headers else value
        return self._sanitize.sanitize_header_values(headers, self._response, normalise_response_header_name)

    def add_request(self, span: trace.Span, environ: _Environ) -> None:
        if self._request is None:
            self._read()
        if self._request and _is_servers(span):
            _add_attributes(span, self.of_request(environ))

    def add_response(self, span: trace.Span, response_headers: _Headers) -> None:
        if self._request is None:
            self._read()
        if self._response and _is_servers(span):
            _add_attributes(span, self.of_response(response_headers))


def _is_servers(span: trace.Span) -> bool:
    return span.is_recording() and getattr(span, "kind", None) is trace.SpanKind.SERVER


def _add_attributes(span: trace.Span, attributes: dict[str, list[str]]) -> None:
    for key, value in attributes.items():
        span.set_attribute(key, value)


def collect_custom_request_headers_attributes(environ: _Environ) -> dict[str, list[str]]:
    """The attributes for the request's headers that the environment wants on spans."""
    return _CapturedHeaders().of_request(environ)


def collect_custom_response_headers_attributes(response_headers: _Headers) -> dict[str, list[str]]:
    """The attributes for the response's headers that the environment wants on spans."""
    return _CapturedHeaders().of_response(response_headers)


def _parse_status_code(resp_status: str) -> int | None:
    try:
        return int(resp_status.partition(" ")[0])
    except ValueError:
        return None


def _parse_active_request_count_attrs(
    req_attrs: dict[str, Any], sem_conv_opt_in_mode: _StabilityMode = _StabilityMode.DEFAULT
) -> dict[str, Any]:
    return _pick(req_attrs, _active_keys(sem_conv_opt_in_mode))


def _active_keys(mode: _StabilityMode) -> tuple[str, ...]:
    """The attributes of requests that are under way."""
    if not _report_old(mode):
        return _ACTIVE_NEW
    return _ACTIVE_BOTH if _report_new(mode) else _ACTIVE_OLD


def _parse_duration_attrs(
    req_attrs: dict[str, Any], sem_conv_opt_in_mode: _StabilityMode = _StabilityMode.DEFAULT
) -> dict[str, Any]:
    # The generations have a histogram each: its attributes are never mixed.
    return _pick(req_attrs, _DURATION_NEW if sem_conv_opt_in_mode is _StabilityMode.HTTP else _DURATION_OLD)


def _create_duration_histograms(
    meter: Meter, sem_conv_opt_in_mode: _StabilityMode
) -> tuple[Histogram | None, Histogram | None]:
    """The histogram of the old generation, in milliseconds, and that of the stable one, in seconds: those that are
    wanted."""
    old = new = None
    if _report_old(sem_conv_opt_in_mode):
        old = meter.create_histogram(
            name="http.server.duration", unit="ms", description="Measures the duration of inbound HTTP requests."
        )
    if _report_new(sem_conv_opt_in_mode):
        new = meter.create_histogram(
            name=HTTP_SERVER_REQUEST_DURATION,
            unit="s",
            description="Duration of HTTP server requests.",
            explicit_bucket_boundaries_advisory=HTTP_DURATION_HISTOGRAM_BUCKETS_NEW,
        )
    return old, new


class OpenTelemetryMiddleware:
    """Wraps a WSGI application.

    `request_hook` is called with the span and the environ of a request before the application is; `response_hook` with
    the span, the environ, the status and the headers when the application answers. What a hook raises is logged. The
    providers are by default the global ones.

    A request's span ends when its response is closed or exhausted, and is current whenever the application runs. The
    metrics measure the call of the application, not the sending of what it returned.
    """

    def __init__(
        self,
        wsgi: Callable[..., Any],
        request_hook: RequestHook | None = None,
        response_hook: ResponseHook | None = None,
        tracer_provider: trace.TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
    ) -> None:
        stability = _OpenTelemetrySemanticConventionStability
        stability._initialize()
        mode = stability._get_opentelemetry_stability_opt_in_mode(_OpenTelemetryStabilitySignalType.HTTP)
        schema_url = _get_schema_url(mode)
        self.wsgi = wsgi
        self.tracer = trace.get_tracer(__name__, __version__, tracer_provider, schema_url=schema_url)
        self.meter = get_meter(__name__, __version__, meter_provider, schema_url=schema_url)
        self.duration_histogram_old, self.duration_histogram_new = _create_duration_histograms(self.meter, mode)
        self.active_requests_counter = self.meter.create_up_down_counter(
            name="http.server.active_requests", unit="{request}", description="Number of active HTTP server requests."
        )
        self.request_hook = request_hook
        self.response_hook = response_hook
        self._sem_conv_opt_in_mode = mode
        self._captured = _CapturedHeaders()

    def __call__(self, environ: _Environ, start_response: Callable[..., Any]) -> Iterable[Any]:
        """Answers a request with what the application answers."""
        attributes = collect_request_attributes(environ, self._sem_conv_opt_in_mode)
        active = _parse_active_request_count_attrs(attributes, self._sem_conv_opt_in_mode)
        span, token = _start_internal_or_server_span(
            tracer=self.tracer,
            span_name=get_default_span_name(environ),
            start_time=None,
            context_carrier=environ,
            context_getter=wsgi_getter,
            attributes=attributes,
        )
        handling = get_current()
        start = default_timer()
        self.active_requests_counter.add(1, active)
        try:
            self._captured.add_request(span, environ)
            if self.request_hook:
                _call_hook(self.request_hook, span, environ)
            with trace.use_span(span):
                iterable = self.wsgi(environ, self._answer(span, environ, start_response, attributes))
            return _Response(iterable, span, handling)
        except BaseException as error:
            if isinstance(error, Exception) and _report_new(self._sem_conv_opt_in_mode):
                attributes[ERROR_TYPE] = type(error).__qualname__
                span.set_attribute(ERROR_TYPE, type(error).__qualname__)
                span.set_status(Status(StatusCode.ERROR, str(error)))
            span.end()
            raise
        finally:
            if token is not None:
                detach(token)
            self._measure(default_timer() - start, span, attributes)
            self.active_requests_counter.add(-1, active)

    def _answer(
        self, span: trace.Span, environ: _Environ, start_response: Callable[..., Any], attributes: dict[str, Any]
    ) -> Callable[..., Any]:
        def answer(status: str, response_headers: _Headers, *args: Any, **kwargs: Any) -> Any:
            add_response_attributes(span, status, response_headers, attributes, self._sem_conv_opt_in_mode)
            self._captured.add_response(span, response_headers)
            if self.response_hook:
                _call_hook(self.response_hook, span, environ, status, response_headers)
            return start_response(status, response_headers, *args, **kwargs)

        return answer

    def _measure(self, seconds: float, span: trace.Span, attributes: dict[str, Any]) -> None:
        # For exemplars.
        in_span = trace.set_span_in_context(span)
        if self.duration_histogram_old:
            old = _parse_duration_attrs(attributes, _StabilityMode.DEFAULT)
            self.duration_histogram_old.record(max(round(seconds * 1000), 0), old, context=in_span)
        if self.duration_histogram_new:
            new = _parse_duration_attrs(attributes, _StabilityMode.HTTP)
            self.duration_histogram_new.record(max(seconds, 0), new, context=in_span)


def _call_hook(hook: Callable[..., Any], *arguments: Any) -> None:
    try:
        hook(*arguments)
    except Exception:
        _logger.exception("A hook of the instrumentation raised")


class _Response:
    """What an application returned. Its span is current while it is iterated, and only then: the server may do other
    things between two parts. The end, an error, or `close` ends the span."""

    def __init__(self, iterable: Iterable[Any], span: trace.Span, handling: Any) -> None:
        self._iterable = iterable
        self._iterator: Iterator[Any] | None = None
        self._span = span
        self._context = trace.set_span_in_context(span, handling)
        self._closed = False

    def __iter__(self) -> _Response:
        return self

    def __next__(self) -> Any:
        if self._closed:
            raise StopIteration
        token = attach(self._context)
        try:
            if self._iterator is None:
                self._iterator = iter(self._iterable)
            return next(self._iterator)
        except BaseException as error:
            if isinstance(error, Exception) and not isinstance(error, StopIteration):
                self._span.record_exception(error)
                self._span.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {error}"))
            self.close()
            raise
        finally:
            detach(token)

    def close(self) -> None:
        """Closes what the application returned, which the server has to do, and ends the span."""
        if self._closed:
            return
        self._closed = True
        token = attach(self._context)
        try:
            close = getattr(self._iterable, "close", None)
            if close is not None:
                close()
        finally:
            detach(token)
            self._span.end()

    def __del__(self) -> None:
        # A server that forgets to close.
        self.close()
