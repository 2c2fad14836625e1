"""The middleware that makes a span and metrics of every request to Django."""

from __future__ import annotations

from logging import getLogger
from timeit import default_timer
from typing import Any, Callable

from django import VERSION as django_version
from django.urls import Resolver404, resolve
from django.utils.encoding import iri_to_uri
from opentelemetry import trace
from opentelemetry.context import attach, detach, get_current
from opentelemetry.instrumentation import wsgi as otel_wsgi
from opentelemetry.instrumentation._http_server import _pick
from opentelemetry.instrumentation._semantic_conventions import (
    HTTP_RESPONSE_STATUS_CODE,
    HTTP_ROUTE,
    HTTP_STATUS_CODE,
    HTTP_TARGET,
)
from opentelemetry.instrumentation._semconv import (
    _server_active_requests_count_attrs_new,
    _server_active_requests_count_attrs_old,
    _set_status,
    _StabilityMode,
)
from opentelemetry.instrumentation.django.middleware import _asynchronous, _scope
from opentelemetry.instrumentation.django.middleware._naming import _Observers
from opentelemetry.instrumentation.django.middleware._scope import asgi_getter, asgi_setter  # noqa: F401
from opentelemetry.instrumentation.django.middleware._streaming import _keep_open
from opentelemetry.instrumentation.propagators import get_global_response_propagator
from opentelemetry.instrumentation.wsgi import _DURATION_NEW, _DURATION_OLD, wsgi_getter
from opentelemetry.propagate import extract
from opentelemetry.trace import INVALID_SPAN, Span, SpanKind, set_span_in_context
from opentelemetry.trace.status import Status, StatusCode
from opentelemetry.util.http import (  # noqa: F401
    OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS,
    OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST,
    OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE,
    get_excluded_urls,
    get_traced_request_attrs,
    sanitize_method,
)

DJANGO_3_0 = django_version >= (3, 0)

# A span's name for methods that are not known.
_OTHER = "HTTP"
# No key of one generation is among those that requests have in the other.
_ACTIVE = (*_server_active_requests_count_attrs_old, *_server_active_requests_count_attrs_new)

_logger = getLogger(__name__)


class _Exchange:
    """A request that is being answered."""

    __slots__ = ("active", "attributes", "context", "error", "name", "route", "scope", "span", "started", "token")

    def __init__(self, span: Span, name: str, context: Any, scope: Any, attributes: dict[str, Any]) -> None:
        self.span = span
        # What it is called until its route is known. None from then on.
        self.name: str | None = name
        self.route: str | None = None
        self.context = context
        self.scope = scope
        self.attributes = attributes
        self.active = _pick(attributes, _ACTIVE)
        self.error: BaseException | None = None
        self.started = default_timer()
        self.token: Any = attach(context)


class _DjangoMiddleware:
    """Django's middleware. Asynchronous handlers call it as it is, without a thread between."""

    sync_capable = True
    async_capable = True

    # Names in a request's META that programs know: its span, and what there is to know of it.
    _environ_activation_key = "opentelemetry-instrumentor-django.activation_key"
    _environ_span_key = "opentelemetry-instrumentor-django.span_key"
    # Programs may say there when a request came, in nanoseconds.
    _environ_starttime_key = "opentelemetry-instrumentor-django.starttime_key"

    # What `DjangoInstrumentor` sets. Without a tracer, nothing is done.
    _traced_request_attrs = get_traced_request_attrs("DJANGO")
    _excluded_urls = get_excluded_urls("DJANGO")
    _tracer: Any = None
    _meter: Any = None
    _duration_histogram_old: Any = None
    _duration_histogram_new: Any = None
    _active_request_counter: Any = None
    _sem_conv_opt_in_mode = _StabilityMode.DEFAULT
    _otel_request_hook: Any = None
    _otel_response_hook: Any = None

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self.get_response = get_response
        self._captured = otel_wsgi._CapturedHeaders()
        self._captured_of_scope = _scope._CapturedHeaders()
        self._observers = _Observers()
        self._is_async = _asynchronous._mark(self, get_response)
        if self._is_async:
            # Django would call the other one in a thread.
            self.process_view = self._process_view  # type: ignore[method-assign]

    def __call__(self, request: Any) -> Any:
        """Answers a request: a response, or what becomes one when it is awaited."""
        if self._is_async:
            return self._answer(request)
        exchange = self._begin(request)
        if exchange is None:
            return self.get_response(request)
        try:
            response = self.get_response(request)
        except BaseException:
            self._abandon(exchange)
            raise
        self._end(exchange, request, response)
        return response

    async def _answer(self, request: Any) -> Any:
        exchange = self._begin(request)
        if exchange is None:
            return await self.get_response(request)
        try:
            response = await self.get_response(request)
        except GeneratorExit:
            # Thrown away, perhaps in another context.
            exchange.token = None
            self._abandon(exchange)
            raise
        except BaseException:
            # The client is gone, and Django has cancelled this.
            self._abandon(exchange)
            raise
        self._end(exchange, request, response)
        return response

    def process_view(self, request: Any, view: Any, args: Any, kwargs: Any) -> Any:
        """Django tells which view it is about to call: the route is known now."""
        exchange = request.META.get(self._environ_activation_key)
        if isinstance(exchange, _Exchange):
            try:
                self._set_route(exchange, request)
            except Exception:
                _logger.exception("The route of a request could not be recorded")

    async def _process_view(self, request: Any, view: Any, args: Any, kwargs: Any) -> Any:
        _DjangoMiddleware.process_view(self, request, view, args, kwargs)

    def process_exception(self, request: Any, exception: BaseException) -> None:
        """Django tells what a view raised, before it makes a response of it."""
        exchange = request.META.get(self._environ_activation_key)
        if isinstance(exchange, _Exchange):
            exchange.error = exception

    def _begin(self, request: Any) -> _Exchange | None:
        """Starts the span of a request: SERVER, with what its headers say as its parent, or INTERNAL when a span is
        current. None when the request gets no telemetry."""
        if _DjangoMiddleware._tracer is None:
            return None
        exchange = None
        try:
            excluded: Any = self._excluded_urls
            # To make a request's URL takes longer than much of the rest.
            if getattr(excluded, "_excluded_urls", excluded) and excluded.url_disabled(_url(request)):
                return None
            exchange = self._start(request)
        except Exception:
            _logger.exception("The telemetry of a request could not be started")
        return exchange

    def _start(self, request: Any) -> _Exchange:
        mode, meta = self._sem_conv_opt_in_mode, request.META
        scope = _scope._of(request)
        if scope is None:
            attributes = otel_wsgi.collect_request_attributes(meta, mode)
        else:
            attributes = _scope._attributes(scope, mode)
        current = get_current()
        parent, kind = current, SpanKind.INTERNAL
        if not current or trace.get_current_span() is INVALID_SPAN:
            parent = extract(meta, getter=wsgi_getter) if scope is None else _scope._extract(scope)
            kind = SpanKind.SERVER
        hook = _DjangoMiddleware._otel_request_hook
        if hook or self._observers.look(_DjangoMiddleware._tracer):
            name = self._get_span_name(request)
        else:
            name = _method(request)
        span = _DjangoMiddleware._tracer.start_span(
            name, parent, kind, attributes, start_time=meta.get(self._environ_starttime_key)
        )
        exchange = _Exchange(span, name, set_span_in_context(span, parent), scope, attributes)
        self._active_request_counter.add(1, exchange.active)
        meta[self._environ_activation_key] = exchange
        meta[self._environ_span_key] = span
        try:
            if self._traced_request_attrs and span.is_recording():
                _trace_attributes(span, request, scope, self._traced_request_attrs)
            if scope is None:
                self._captured.add_request(span, meta)
            else:
                self._captured_of_scope.add_request(span, scope)
        except Exception:
            # The span is current: whatever happens now, it has to end.
            _logger.exception("What a request says could not be recorded")
        if hook:
            _call_hook(hook, span, request)
        return exchange

    @staticmethod
    def _get_span_name(request: Any) -> str:
        """The method and the route of a request, or else the name of its URL; the method when none is found."""
        method = _method(request)
        if method == _OTHER:
            return method
        try:
            match = request.resolver_match or resolve(request.path_info)
        except Resolver404:
            return method
        except Exception:
            # Django is about to say it of the same URL.
            return method
        which = getattr(match, "route", None) or match.url_name
        return f"{method} {which}" if which else method

    def _set_route(self, exchange: _Exchange, request: Any) -> None:
        match, span = request.resolver_match, exchange.span
        exchange.route = getattr(match, "route", None)
        if span.is_recording():
            if exchange.route:
                span.set_attribute(HTTP_ROUTE, exchange.route)
            self._set_name(exchange, request)

    def _set_name(self, exchange: _Exchange, request: Any) -> None:
        # A program that has named the span means it.
        if getattr(exchange.span, "name", None) == exchange.name:
            name = self._get_span_name(request)
            if name != exchange.name:
                exchange.span.update_name(name)
        exchange.name = None

    def _end(self, exchange: _Exchange, request: Any, response: Any) -> None:
        streamed = False
        try:
            streamed = self._finish(exchange, request, response)
        except Exception:
            _logger.exception("The telemetry of a request could not be finished")
        finally:
            self._leave(exchange)
            request.META.pop(self._environ_activation_key, None)
            request.META.pop(self._environ_span_key, None)
            if not streamed:
                exchange.span.end()

    def _abandon(self, exchange: _Exchange) -> None:
        """There will be no response."""
        self._leave(exchange)
        exchange.span.end()

    def _leave(self, exchange: _Exchange) -> None:
        # What was raised holds the frames that hold this.
        exchange.error = None
        self._active_request_counter.add(-1, exchange.active)
        if exchange.token is not None:
            detach(exchange.token)

    def _finish(self, exchange: _Exchange, request: Any, response: Any) -> bool:
        """What a response says. True for one that is still to be made, part by part: its span ends with it."""
        span = exchange.span
        recording = span.is_recording()
        if exchange.name is not None and recording:
            # Another middleware has answered, or there is no such URL.
            self._set_name(exchange, request)
        self._set_status(exchange, response.status_code, recording)
        if exchange.scope is not None:
            self._captured_of_scope.add_response(span, response)
        elif self._captured._response:
            self._captured.add_response(span, response.items())
        propagator = get_global_response_propagator()
        if propagator:
            propagator.inject(response)
        if _DjangoMiddleware._otel_response_hook:
            _call_hook(_DjangoMiddleware._otel_response_hook, span, request, response)
        self._measure(default_timer() - exchange.started, exchange.attributes, exchange.route)
        if exchange.error is not None and recording:
            span.record_exception(exchange.error)
            span.set_status(Status(StatusCode.ERROR, f"{type(exchange.error).__name__}: {exchange.error}"))
        return bool(getattr(response, "streaming", False)) and _keep_open(response, span, exchange.context)

    def _set_status(self, exchange: _Exchange, status: int, recording: bool) -> None:
        mode = self._sem_conv_opt_in_mode
        if not 100 <= status < 500:
            _set_status(exchange.span, exchange.attributes, status, str(status), True, mode)
            return
        if mode is not _StabilityMode.HTTP:
            exchange.attributes[HTTP_STATUS_CODE] = status
            if recording:
                exchange.span.set_attribute(HTTP_STATUS_CODE, status)
        if mode is not _StabilityMode.DEFAULT:
            exchange.attributes[HTTP_RESPONSE_STATUS_CODE] = status
            if recording:
                exchange.span.set_attribute(HTTP_RESPONSE_STATUS_CODE, status)

    def _measure(self, seconds: float, attributes: dict[str, Any], route: str | None) -> None:
        # The span is current, for exemplars.
        if self._duration_histogram_old:
            old = _pick(attributes, _DURATION_OLD)
            if route:
                old[HTTP_TARGET] = route
            self._duration_histogram_old.record(round(seconds * 1000), old)
        if self._duration_histogram_new:
            new = _pick(attributes, _DURATION_NEW)
            if route:
                new[HTTP_ROUTE] = route
            self._duration_histogram_new.record(seconds, new)


def _method(request: Any) -> str:
    method: str = sanitize_method(request.method.strip())
    return _OTHER if method == "_OTHER" else method


def _url(request: Any) -> str:
    """The URL of a request, without its query."""
    try:
        url: str = request.build_absolute_uri("?")
    except Exception:
        # Not one of ALLOWED_HOSTS: whether that matters is the program's to say.
        host = request.META.get("HTTP_HOST") or request.META.get("SERVER_NAME", "")
        url = f"{request.scheme}://{host}{iri_to_uri(request.path)}"
    return url


def _trace_attributes(span: Span, request: Any, scope: Any, wanted: list[str]) -> None:
    """The attributes of a request, and of those under ASGI the headers, that the environment wants on spans."""
    headers = {} if scope is None else _scope._headers(scope)
    for name in wanted:
        try:
            value = headers[name] if name in headers else getattr(request, name, None)
            if value is not None:
                span.set_attribute(name, str(value))
        except Exception:
            # Some are made only now, of what a client has sent.
            _logger.debug("The request's %s cannot be read", name, exc_info=True)


def _call_hook(hook: Callable[..., Any], *arguments: Any) -> None:
    try:
        hook(*arguments)
    except Exception:
        _logger.exception("A hook of the instrumentation raised")
