"""An ASGI middleware that makes a span and metrics of every request, and a span of every WebSocket.

    from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware

    application = OpenTelemetryMiddleware(application)

It knows no routes: a span is named after the method and the path. Frameworks that do know them have instrumentations of
their own, which share what is here.
"""

from __future__ import annotations

import inspect
import os
from typing import Any, Awaitable, Callable, MutableMapping, Sequence

from opentelemetry import trace
from opentelemetry.context import attach, detach, get_current
from opentelemetry.instrumentation._semantic_conventions import (  # noqa: F401
    HTTP_SERVER_NAME,
    HTTP_SERVER_REQUEST_DURATION,
    HTTP_TARGET,
    USER_AGENT_SYNTHETIC_TYPE,
)
from opentelemetry.instrumentation._semconv import (  # noqa: F401
    HTTP_DURATION_HISTOGRAM_BUCKETS_NEW,
    _get_schema_url,
    _OpenTelemetrySemanticConventionStability,
    _OpenTelemetryStabilitySignalType,
    _StabilityMode,
)
from opentelemetry.instrumentation.asgi._exchange import (
    _Event,
    _Exchange,
    _Instruments,
    _Receive,
    _report,
    _ResponseHeaders,
    _Send,
    set_status_code,
)
from opentelemetry.instrumentation.asgi._lifespan import delivering_at_shutdown
from opentelemetry.instrumentation.asgi._scope import (
    ASGIGetter,
    ASGISetter,
    _address,
    _collect,
    _collect_target_attribute,
    _Table,
    _table,
    _table_getter,
    asgi_getter,
    asgi_setter,
    collect_custom_headers_attributes,
    collect_request_attributes,
    get_default_span_details,
    get_host_port_url_tuple,
)
from opentelemetry.instrumentation.asgi.types import ClientRequestHook, ClientResponseHook, ServerRequestHook
from opentelemetry.instrumentation.asgi.version import __version__
from opentelemetry.instrumentation.utils import is_http_instrumentation_enabled
from opentelemetry.metrics import Meter, MeterProvider, get_meter
from opentelemetry.propagate import extract
from opentelemetry.trace import INVALID_SPAN, Span, SpanKind, Tracer, TracerProvider, set_span_in_context
from opentelemetry.util.http import (
    OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS,
    OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST,
    OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE,
    ExcludeList,
    SanitizeValue,
    get_custom_headers,
    normalise_request_header_name,
    parse_excluded_urls,
)

__all__ = [
    "ASGIGetter",
    "ASGISetter",
    "ClientRequestHook",
    "ClientResponseHook",
    "OpenTelemetryMiddleware",
    "ServerRequestHook",
    "_collect_target_attribute",
    "asgi_getter",
    "asgi_setter",
    "collect_custom_headers_attributes",
    "collect_request_attributes",
    "get_default_span_details",
    "get_host_port_url_tuple",
    "set_status_code",
]

_SPANS = "FERROTEL_ASGI_SPANS"

_Scope = MutableMapping[str, Any]
_App = Callable[[_Scope, _Receive, _Send], Awaitable[None]]


class OpenTelemetryMiddleware:
    """Wraps an ASGI application.

    - `excluded_urls`: regular expressions, with commas between them, for the URLs of requests that get no telemetry.
    - `default_span_details`: a function that takes a scope and returns a span's name and a dict of attributes.
    - `server_request_hook`: called with the span and the scope, before the application is.
    - `client_request_hook`, `client_response_hook`: called with the span of a `receive` or a `send`, the scope and the
      event. Who gives one has these spans made.
    - `tracer_provider`, `meter_provider`: by default the global ones. `tracer` and `meter` go before them.
    - `http_capture_headers_server_request`, `..._server_response`, `..._sanitize_fields`: lists of regular expressions,
      by default the environment's.
    - `exclude_spans`: which of the spans of `"receive"` and `"send"` are not made. By default neither is made, except
      what FERROTEL_ASGI_SPANS says (`receive,send`); a list, also an empty one, has all others made.

    The span of a request is current in the application, and ends when the last part of the response is sent, or when
    the application returns. What a hook raises is logged, and recorded on the span that it was given.
    """

    def __init__(
        self,
        app: Callable[..., Any],
        excluded_urls: ExcludeList | str | None = None,
        default_span_details: Callable[[Any], tuple[str, dict[str, Any]]] | None = None,
        server_request_hook: ServerRequestHook = None,
        client_request_hook: ClientRequestHook = None,
        client_response_hook: ClientResponseHook = None,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        tracer: Tracer | None = None,
        meter: Meter | None = None,
        http_capture_headers_server_request: list[str] | None = None,
        http_capture_headers_server_response: list[str] | None = None,
        http_capture_headers_sanitize_fields: list[str] | None = None,
        exclude_spans: Sequence[str] | None = None,
    ) -> None:
        stability = _OpenTelemetrySemanticConventionStability
        stability._initialize()
        mode = stability._get_opentelemetry_stability_opt_in_mode(_OpenTelemetryStabilitySignalType.HTTP)
        schema_url = _get_schema_url(mode)
        if tracer is None:
            tracer = trace.get_tracer(__name__, __version__, tracer_provider, schema_url=schema_url)
        if meter is None:
            meter = get_meter(__name__, __version__, meter_provider, schema_url=schema_url)
        self.app: Any = _single_callable(app)
        self.tracer = tracer
        self.meter = meter
        self.excluded_urls = parse_excluded_urls(excluded_urls) if isinstance(excluded_urls, str) else excluded_urls
        self.default_span_details = default_span_details or get_default_span_details
        self.server_request_hook = _safe(server_request_hook)
        self.client_request_hook = _safe(client_request_hook)
        self.client_response_hook = _safe(client_response_hook)
        self.http_capture_headers_server_request = http_capture_headers_server_request or get_custom_headers(
            OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST
        )
        self.http_capture_headers_server_response = http_capture_headers_server_response or get_custom_headers(
            OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE
        )
        self.http_capture_headers_sanitize_fields = SanitizeValue(
            http_capture_headers_sanitize_fields
            or get_custom_headers(OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS)
        )
        self.exclude_receive_span = not _is_wanted("receive", exclude_spans, client_request_hook)
        self.exclude_send_span = not _is_wanted("send", exclude_spans, client_response_hook)
        self._sem_conv_opt_in_mode = mode
        self._instruments = _Instruments(meter, mode)
        self._captured = None
        if self.http_capture_headers_server_response:
            self._captured = _ResponseHeaders(
                self.http_capture_headers_server_response, self.http_capture_headers_sanitize_fields
            )
        # To make a request's URL takes longer than much of the rest.
        self._excludes = bool(getattr(self.excluded_urls, "_excluded_urls", self.excluded_urls))
        self._removed = False

    async def __call__(self, scope: _Scope, receive: _Receive, send: _Send) -> None:
        """Answers a request with what the application answers."""
        exchange = None
        if scope["type"] == "http" or scope["type"] == "websocket":
            try:
                headers = _table(scope)
                exchange = self._begin(scope, headers, send)
            except Exception:
                _report("The telemetry of a request could not be started")
        elif scope["type"] == "lifespan" and not self._removed:
            send = delivering_at_shutdown(send)
        if exchange is None:
            await self.app(scope, receive, send)
            return
        token: Any = attach(exchange.context)
        try:
            if self.server_request_hook is not None:
                self.server_request_hook(exchange.span, scope)
            await self.app(
                scope,
                receive if self.exclude_receive_span else self._receive(exchange, receive),
                exchange.send if self.exclude_send_span else self._send(exchange),
            )
        except GeneratorExit:
            # The coroutine is thrown away, perhaps in another context.
            token = None
            raise
        except Exception as error:
            exchange.fail(error)
            raise
        finally:
            if token is not None:
                detach(token)
            exchange.finish(headers)

    def _begin(self, scope: _Scope, headers: _Table, send: _Send) -> _Exchange | None:
        """Starts the span of a request: SERVER, with what its headers say as its parent, or INTERNAL when a span is
        current."""
        current = get_current()
        # Most requests find nothing at all in their context.
        if self._removed or (current and not is_http_instrumentation_enabled()):
            return None
        excluded: Any = self.excluded_urls
        if self._excludes and excluded.url_disabled(_address(scope, headers)[2]):
            return None
        name, details = self.default_span_details(scope)
        attributes = _collect(scope, headers, self._sem_conv_opt_in_mode)
        attributes.update(details)
        parent, kind = current, SpanKind.INTERNAL
        if not current or trace.get_current_span() is INVALID_SPAN:
            parent, kind = extract(headers, getter=_table_getter), SpanKind.SERVER
        span = self.tracer.start_span(name, parent, kind, attributes)
        if self.http_capture_headers_server_request and kind is SpanKind.SERVER and span.is_recording():
            found: Any = collect_custom_headers_attributes(
                scope,
                self.http_capture_headers_sanitize_fields,
                self.http_capture_headers_server_request,
                normalise_request_header_name,
            )
            span.set_attributes(found)
        return _Exchange(
            name,
            scope,
            send,
            span,
            set_span_in_context(span, parent),
            attributes,
            self._instruments if scope["type"] == "http" else None,
            self._captured,
            self._sem_conv_opt_in_mode,
        )

    def _receive(self, exchange: _Exchange, receive: _Receive) -> _Receive:
        scope = exchange.scope
        name = f"{exchange.name} {scope['type']} receive"

        async def receive_in_span() -> _Event:
            with self.tracer.start_as_current_span(name) as span:
                event = await receive()
                if self.client_request_hook is not None:
                    self.client_request_hook(span, scope, event)
                if span.is_recording():
                    if event["type"] == "websocket.receive":
                        set_status_code(span, 200, None, self._sem_conv_opt_in_mode)
                    span.set_attribute("asgi.event.type", event["type"])
            return event

        return receive_in_span

    def _send(self, exchange: _Exchange) -> _Send:
        scope = exchange.scope
        name = f"{exchange.name} {scope['type']} send"

        async def send_in_span(event: _Event) -> None:
            with self.tracer.start_as_current_span(name) as span:
                if self.client_response_hook is not None:
                    self.client_response_hook(span, scope, event)
                if span.is_recording():
                    kind = event["type"]
                    span.set_attribute("asgi.event.type", kind)
                    status = 200 if kind == "websocket.send" else event.get("status")
                    if status:
                        set_status_code(span, status, None, self._sem_conv_opt_in_mode)
            await exchange.send(event)

        return send_in_span


def _safe(hook: Callable[..., None] | None) -> Callable[..., None] | None:
    if hook is None:
        return None

    def called(span: Span, *arguments: Any) -> None:
        try:
            hook(span, *arguments)
        except Exception as error:
            _report("A hook of the instrumentation raised")
            span.record_exception(error)

    return called


def _is_wanted(direction: str, exclude_spans: Sequence[str] | None, hook: Any) -> bool:
    if exclude_spans is not None:
        return direction not in exclude_spans
    asked = os.environ.get(_SPANS, "").split(",")
    return hook is not None or direction in [word.strip().lower() for word in asked]


def _single_callable(app: Callable[..., Any]) -> _App:
    """An application as ASGI 3 has it. Those of ASGI 2 are called with the scope alone, and what they return with the
    rest."""
    if not _is_double_callable(app):
        return app

    async def single(scope: _Scope, receive: _Receive, send: _Send) -> None:
        await app(scope)(receive, send)

    return single


def _is_double_callable(app: Any) -> bool:
    # What the libraries of ASGI 2 leave on applications, which knows better than their signatures.
    for hint, double in (("_asgi_single_callable", False), ("_asgi_double_callable", True)):
        if getattr(app, hint, False):
            return double
    if inspect.iscoroutinefunction(app) or inspect.iscoroutinefunction(type(app).__call__):
        return False
    try:
        inspect.signature(app).bind(None, None, None)
    except TypeError:
        return True
    except ValueError:
        # It has no signature that can be read.
        return False
    return False
