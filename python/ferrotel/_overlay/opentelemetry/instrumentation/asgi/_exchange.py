"""One request, from its first event to its last: what becomes of its span, and what is measured."""

from __future__ import annotations

import logging
from timeit import default_timer
from typing import Any, Awaitable, Callable, MutableMapping

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.instrumentation._http_server import _pick
from opentelemetry.instrumentation._semantic_conventions import (
    HTTP_RESPONSE_STATUS_CODE,
    HTTP_SERVER_REQUEST_DURATION,
    HTTP_STATUS_CODE,
    HTTP_TARGET,
)
from opentelemetry.instrumentation._semconv import (
    HTTP_DURATION_HISTOGRAM_BUCKETS_NEW,
    _report_new,
    _report_old,
    _server_active_requests_count_attrs_new,
    _server_active_requests_count_attrs_old,
    _server_duration_attrs_new,
    _server_duration_attrs_old,
    _set_status,
    _StabilityMode,
)
from opentelemetry.instrumentation.asgi._scope import (
    _collect_target_attribute,
    _content_length,
    _Table,
    asgi_setter,
    collect_custom_headers_attributes,
)
from opentelemetry.instrumentation.propagators import get_global_response_propagator
from opentelemetry.metrics import Histogram, Meter
from opentelemetry.trace import Span, SpanKind
from opentelemetry.trace.status import Status, StatusCode
from opentelemetry.util.http import SanitizeValue, normalise_response_header_name

_Event = MutableMapping[str, Any]
_Send = Callable[[_Event], Awaitable[None]]
_Receive = Callable[[], Awaitable[_Event]]

_EXCEPTION_RECORDED = "opentelemetry.exception_recorded"
"""In a scope: what the span says of the exception that is on its way to the server, when it says it already."""

_DURATION_OLD = tuple(_server_duration_attrs_old)
_DURATION_NEW = tuple(_server_duration_attrs_new)

_logger = logging.getLogger(__name__)
_reported: set[str] = set()


def _report(what: str) -> None:
    """Logs what is being raised: with its traceback the first time, at the level of debugging from then on."""
    level = logging.DEBUG if what in _reported else logging.ERROR
    _reported.add(what)
    _logger.log(level, what, exc_info=True)


def set_status_code(
    span: Span,
    status_code: Any,
    metric_attributes: dict[str, Any] | None = None,
    sem_conv_opt_in_mode: _StabilityMode = _StabilityMode.DEFAULT,
) -> None:
    """Puts the status of a response on a span, and among the attributes of metrics."""
    try:
        code = int(status_code)
    except (TypeError, ValueError):
        code = -1
    attributes = {} if metric_attributes is None else metric_attributes
    _set_status(span, attributes, code, str(status_code), server_span=True, sem_conv_opt_in_mode=sem_conv_opt_in_mode)


class _Instruments:
    """The instruments of an application, in the generations that are wanted."""

    def __init__(self, meter: Meter, mode: _StabilityMode) -> None:
        histogram = meter.create_histogram
        old, new = _report_old(mode), _report_new(mode)
        self.duration_old: Histogram | None = None
        self.duration_new: Histogram | None = None
        active: list[str] = []
        if old:
            self.duration_old = histogram(
                name="http.server.duration", unit="ms", description="Measures the duration of inbound HTTP requests."
            )
            self.response_size = histogram(
                name="http.server.response.size",
                unit="By",
                description="measures the size of HTTP response messages (compressed).",
            )
            self.request_size = histogram(
                name="http.server.request.size",
                unit="By",
                description="Measures the size of HTTP request messages (compressed).",
            )
            active += _server_active_requests_count_attrs_old
        if new:
            self.duration_new = histogram(
                name=HTTP_SERVER_REQUEST_DURATION,
                unit="s",
                description="Duration of HTTP server requests.",
                explicit_bucket_boundaries_advisory=HTTP_DURATION_HISTOGRAM_BUCKETS_NEW,
            )
            self.response_body_size = histogram(
                name="http.server.response.body.size", unit="By", description="Size of HTTP server response bodies."
            )
            self.request_body_size = histogram(
                name="http.server.request.body.size", unit="By", description="Size of HTTP server request bodies."
            )
            active += _server_active_requests_count_attrs_new
        self.active = meter.create_up_down_counter(
            name="http.server.active_requests", unit="{request}", description="Number of active HTTP server requests."
        )
        self._active = tuple(dict.fromkeys(active))

    def begin(self, attributes: dict[str, Any]) -> dict[str, Any]:
        """Counts a request as active. Returns the attributes under which it is."""
        active = _pick(attributes, self._active)
        self.active.add(1, active)
        return active

    def end(
        self,
        active: dict[str, Any],
        seconds: float,
        attributes: dict[str, Any],
        target: str | None,
        sizes: tuple[int | None, int | None],
        context: Context,
    ) -> None:
        """Measures a request that is over: its time, and the lengths of its body and its response's."""
        request, response = sizes
        if self.duration_old is not None:
            old = _pick(attributes, _DURATION_OLD)
            if target:
                old[HTTP_TARGET] = target
            self.duration_old.record(max(round(seconds * 1000), 0), old, context=context)
            if response is not None:
                self.response_size.record(response, old, context=context)
            if request is not None:
                self.request_size.record(request, old, context=context)
        if self.duration_new is not None:
            new = _pick(attributes, _DURATION_NEW)
            self.duration_new.record(max(seconds, 0.0), new, context=context)
            if response is not None:
                self.response_body_size.record(response, new, context=context)
            if request is not None:
                self.request_body_size.record(request, new, context=context)
        self.active.add(-1, active)


class _ResponseHeaders:
    """The headers of responses that are wanted on spans."""

    def __init__(self, wanted: list[str], sanitize: SanitizeValue) -> None:
        self._wanted = wanted
        self._sanitize = sanitize

    def add(self, span: Span, event: _Event) -> None:
        if event.get("headers") and span.is_recording() and getattr(span, "kind", None) is SpanKind.SERVER:
            found: Any = collect_custom_headers_attributes(
                event, self._sanitize, self._wanted, normalise_response_header_name
            )
            span.set_attributes(found)


class _Exchange:
    """A request while the application handles it. `send` is what the application gets for the server's."""

    __slots__ = (
        "_active",
        "_attributes",
        "_captured",
        "_forward",
        "_instruments",
        "_mode",
        "_response_size",
        "_start",
        "_talks",
        "_trailers",
        "context",
        "name",
        "scope",
        "span",
    )

    def __init__(
        self,
        name: str,
        scope: MutableMapping[str, Any],
        send: _Send,
        span: Span,
        context: Context,
        attributes: dict[str, Any],
        instruments: _Instruments | None,
        captured: _ResponseHeaders | None,
        mode: _StabilityMode,
    ) -> None:
        self.name = name
        self.scope = scope
        self.span = span
        self.context = context
        self._forward = send
        self._attributes = attributes
        self._captured = captured
        self._mode = mode
        self._trailers = False
        self._talks = False
        self._response_size: int | None = None
        self._start = default_timer()
        # None for a WebSocket, which is not measured.
        self._instruments = instruments
        self._active = {} if instruments is None else instruments.begin(attributes)

    def send(self, event: _Event) -> Awaitable[None]:
        """Sends an event. The response's last one ends the span when it is sent."""
        try:
            if self._look_at(event):
                return self._send_last(event)
        except Exception:
            _report("An event of an ASGI application could not be looked at")
        # Not a coroutine around the server's: most events need none.
        return self._forward(event)

    async def _send_last(self, event: _Event) -> None:
        await self._forward(event)
        self.span.end()

    def _look_at(self, event: _Event) -> bool:
        """Takes from an event what the span and the metrics need. Is it the response's last?"""
        kind = event["type"]
        if kind == "http.response.body":
            return not self._trailers and not event.get("more_body", False)
        if kind == "http.response.start":
            self._set_status(event["status"])
            self._trailers = event.get("trailers", False)
            self._response_size = _content_length(event)
            self._answer(event)
        elif kind == "http.response.trailers":
            if self._captured is not None:
                self._captured.add(self.span, event)
            return not event.get("more_trailers", False)
        elif kind == "websocket.send":
            # What the reference says of a WebSocket that works.
            if not self._talks:
                self._talks = True
                self._set_status(200)
        elif kind == "websocket.accept":
            self._answer(event)
        elif kind == "websocket.http.response.start":
            self._set_status(event["status"])
            self._answer(event)
        elif kind == "http.response.pathsend":
            return not self._trailers
        return False

    def _set_status(self, status: Any) -> None:
        mode, span, attributes = self._mode, self.span, self._attributes
        if type(status) is not int or not 100 <= status < 500:
            set_status_code(span, status, attributes, mode)
            error = self.scope.get(_EXCEPTION_RECORDED)
            if error and span.is_recording():
                # A status of 500 alone says less.
                span.set_status(Status(StatusCode.ERROR, error))
            return
        # What most responses have, which leaves the span's status as it is.
        recording = span.is_recording()
        if mode is not _StabilityMode.HTTP:
            attributes[HTTP_STATUS_CODE] = status
            if recording:
                span.set_attribute(HTTP_STATUS_CODE, status)
        if mode is not _StabilityMode.DEFAULT:
            attributes[HTTP_RESPONSE_STATUS_CODE] = status
            if recording:
                span.set_attribute(HTTP_RESPONSE_STATUS_CODE, status)

    def _answer(self, event: _Event) -> None:
        if self._captured is not None:
            self._captured.add(self.span, event)
        propagator = get_global_response_propagator()
        if propagator is not None:
            propagator.inject(event, context=trace.set_span_in_context(self.span, Context()), setter=asgi_setter)

    def fail(self, error: Exception) -> None:
        """The application raised."""
        if self.span.is_recording() and not self.scope.pop(_EXCEPTION_RECORDED, None):
            _record(self.span, error)

    def finish(self, headers: _Table) -> None:
        """The application has returned or raised."""
        try:
            if self._instruments is not None:
                self._instruments.end(
                    self._active,
                    default_timer() - self._start,
                    self._attributes,
                    _collect_target_attribute(self.scope),
                    (self._request_size(headers), self._response_size),
                    self.context,
                )
        except Exception:
            _report("A request could not be measured")
        if self.span.is_recording():
            self.span.end()

    def _request_size(self, headers: _Table) -> int | None:
        known = headers.get(b"content-length")
        if known is None:
            # The application, or a middleware, may have put other headers into the scope.
            return None if len(self.scope.get("headers") or ()) == len(headers) else _content_length(self.scope)
        return int(known) if isinstance(known, bytes) and known.isdigit() else None


def _record(span: Span, error: BaseException) -> str:
    """Records an exception. Returns how the span's status describes it."""
    description = type(error).__name__
    try:
        description = f"{description}: {error}"
    except Exception:
        # Its text is the program's own code.
        _report("An exception has no text")
    span.record_exception(error)
    span.set_status(Status(StatusCode.ERROR, description))
    return description
