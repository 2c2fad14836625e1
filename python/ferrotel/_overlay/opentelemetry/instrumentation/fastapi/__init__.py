"""Instruments FastAPI: a span, named after the route, and metrics of every request, and a span of every WebSocket.

    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

    FastAPIInstrumentor().instrument()  # applications made from now on
    FastAPIInstrumentor.instrument_app(app)  # or this one

OTEL_PYTHON_FASTAPI_EXCLUDED_URLS, or else OTEL_PYTHON_EXCLUDED_URLS, holds regular expressions for the URLs of requests
that get none, with commas between them.
"""

from __future__ import annotations

import weakref
from logging import getLogger
from typing import Any, Collection, Iterable, Sequence

from starlette.background import BackgroundTask
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send
from typing_extensions import Unpack

import fastapi
from opentelemetry.instrumentation._semantic_conventions import HTTP_ROUTE
from opentelemetry.instrumentation._semconv import (
    _get_schema_url,
    _OpenTelemetrySemanticConventionStability,
    _OpenTelemetryStabilitySignalType,
)
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.instrumentation.asgi._exchange import _EXCEPTION_RECORDED, _record
from opentelemetry.instrumentation.asgi._scope import _method
from opentelemetry.instrumentation.asgi.types import ClientRequestHook, ClientResponseHook, ServerRequestHook
from opentelemetry.instrumentation.fastapi._routes import RouteTable
from opentelemetry.instrumentation.fastapi.package import _instruments
from opentelemetry.instrumentation.fastapi.version import __version__
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor
from opentelemetry.metrics import MeterProvider, get_meter
from opentelemetry.trace import Tracer, TracerProvider, get_current_span, get_tracer
from opentelemetry.util.http import get_excluded_urls, parse_excluded_urls

try:
    # Since 0.137.2: routes of included routers are no longer among the application's own.
    from fastapi.routing import iter_route_contexts
except ImportError:
    iter_route_contexts = None

__all__ = [
    "HTTP_ROUTE",
    "ASGIApp",
    "ClientRequestHook",
    "ClientResponseHook",
    "FastAPIInstrumentor",
    "Receive",
    "Scope",
    "Send",
    "ServerRequestHook",
    "Unpack",
]

_excluded_urls_from_env = get_excluded_urls("FASTAPI")
_logger = getLogger(__name__)


def _flatten_routes(routes: Sequence[Any]) -> Iterable[Any]:
    """The routes with those of included routers in the place of these."""
    if iter_route_contexts is not None:
        yield from iter_route_contexts(routes)
        return
    for route in routes:
        # 0.137.0 and 0.137.1 include routers without that function.
        nested = getattr(route, "effective_route_contexts", None)
        if nested is None:
            yield route
        else:
            yield from nested()


def _get_route_details(scope: Any) -> str | None:
    """The path of the route that is for a request. None when there is none."""
    routes = scope["app"].routes
    return RouteTable(routes, _flatten_routes(routes)).find(scope)


def _get_default_span_details(scope: Any) -> tuple[str, dict[str, Any]]:
    """The name of a request's span, and the route among its attributes."""
    return _details(scope, _get_route_details(scope))


def _details(scope: Any, route: str | None) -> tuple[str, dict[str, Any]]:
    method = _method(scope)
    if not route:
        return method, {}
    return f"{method} {route}" if method else route, {HTTP_ROUTE: route}


class _SpanDetails:
    """Names the spans of one application."""

    def __init__(self) -> None:
        self._table: RouteTable | None = None

    def __call__(self, scope: Any) -> tuple[str, dict[str, Any]]:
        routes = scope["app"].routes
        table = self._table
        if table is None or not table.is_current(routes):
            table = self._table = RouteTable(routes, _flatten_routes(routes))
        return _details(scope, table.find(scope))


class _ExceptionRecorder:
    """Stands inside the middleware that answers 500. When an exception has got around that, the span has ended."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await self.app(scope, receive, send)
        except Exception as error:
            span = get_current_span()
            if span.is_recording():
                scope[_EXCEPTION_RECORDED] = _record(span, error)
            raise


class _AppTelemetry:
    """The telemetry of an application: what stands around its middlewares."""

    def __init__(self, tracer: Tracer, options: dict[str, Any]) -> None:
        self.tracer = tracer
        self._options = options
        self._middleware: OpenTelemetryMiddleware | None = None

    def add_to(self, app: Any) -> None:
        build = app.build_middleware_stack
        app._original_build_middleware_stack = build
        app._opentelemetry = self
        app.build_middleware_stack = lambda: self._wrap(build())
        if app.middleware_stack is not None:
            # The application runs already. Its middlewares stay the objects that they are.
            app.middleware_stack = self._wrap(app.middleware_stack)
        app._is_instrumented_by_opentelemetry = True

    def remove_from(self, app: Any) -> None:
        middleware = self._middleware
        if middleware is not None:
            # What stands around it, or holds it, stays and finds that it has nothing to do any more.
            middleware._removed = True
            errors = middleware.app
            recorder = errors.app
            if isinstance(recorder, _ExceptionRecorder):
                errors.app = recorder.app
            if app.middleware_stack is middleware:
                app.middleware_stack = errors
        # The class's own again, or what the program had put there.
        del app.build_middleware_stack
        build = app._original_build_middleware_stack
        if app.build_middleware_stack != build:
            app.build_middleware_stack = build
        del app._original_build_middleware_stack, app._opentelemetry
        app._is_instrumented_by_opentelemetry = False

    def _wrap(self, stack: Any) -> Any:
        if not isinstance(stack, ServerErrorMiddleware):
            _logger.error(
                "FastAPI is not instrumented: its outermost middleware should be a %s, and is a %s",
                ServerErrorMiddleware.__name__,
                type(stack).__name__,
            )
            return stack
        stack.app = _ExceptionRecorder(stack.app)
        self._middleware = OpenTelemetryMiddleware(stack, default_span_details=_SpanDetails(), **self._options)
        return self._middleware


class _BackgroundTasks:
    """The spans of background tasks: these run when the span of their request has ended.

    Starlette's class is changed while any application is instrumented. The tracer is that of the first one.
    """

    def __init__(self) -> None:
        self._tracers: list[tuple[weakref.ReferenceType[Any], Tracer]] = []
        self._changed: Any = None

    def add(self, app: Any, tracer: Tracer) -> None:
        self._tracers.append((weakref.ref(app, self._forget), tracer))
        if self._changed is not None:
            return
        original = BackgroundTask.__call__
        tracers = self._tracers

        async def call_in_span(task: Any) -> None:
            if not tracers:
                await original(task)
                return
            name = getattr(task.func, "__name__", type(task.func).__name__)
            with tracers[0][1].start_as_current_span(f"BackgroundTask {name}"):
                await original(task)

        BackgroundTask._otel_original_call = original
        BackgroundTask.__call__ = self._changed = call_in_span

    def remove(self, app: Any) -> None:
        self._tracers[:] = [(known, tracer) for known, tracer in self._tracers if known() is not app]
        self._restore()

    def _forget(self, gone: weakref.ReferenceType[Any]) -> None:
        self._tracers[:] = [(known, tracer) for known, tracer in self._tracers if known is not gone]
        self._restore()

    def _restore(self) -> None:
        if self._tracers or self._changed is None:
            return
        # Where somebody has wrapped it since, it stays there and does nothing.
        if BackgroundTask.__call__ is self._changed:
            BackgroundTask.__call__ = BackgroundTask._otel_original_call
        del BackgroundTask._otel_original_call
        self._changed = None


_background_tasks = _BackgroundTasks()


class FastAPIInstrumentor(BaseInstrumentor):
    """Instruments FastAPI.

    `instrument` and `instrument_app` take the arguments of ASGI's `OpenTelemetryMiddleware`: the three hooks, the
    providers, `excluded_urls` (default: the environment's), the headers that are captured, and `exclude_spans`.
    """

    _original_fastapi: Any = None

    def instrumentation_dependencies(self) -> Collection[str]:
        return _instruments

    def _instrument(self, **kwargs: Any) -> None:
        self._original_fastapi = fastapi.FastAPI
        _InstrumentedFastAPI._instrument_kwargs = kwargs
        fastapi.FastAPI = _InstrumentedFastAPI

    def _uninstrument(self, **kwargs: Any) -> None:
        fastapi.FastAPI = self._original_fastapi
        for app in list(_InstrumentedFastAPI._instrumented_fastapi_apps):
            self.uninstrument_app(app)
        _InstrumentedFastAPI._instrumented_fastapi_apps.clear()

    @staticmethod
    def instrument_app(
        app: Any,
        server_request_hook: ServerRequestHook = None,
        client_request_hook: ClientRequestHook = None,
        client_response_hook: ClientResponseHook = None,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        excluded_urls: str | None = None,
        http_capture_headers_server_request: list[str] | None = None,
        http_capture_headers_server_response: list[str] | None = None,
        http_capture_headers_sanitize_fields: list[str] | None = None,
        exclude_spans: Sequence[str] | None = None,
    ) -> None:
        """Instruments an application, also one that runs already. A second time, this only warns."""
        if getattr(app, "_is_instrumented_by_opentelemetry", False):
            _logger.warning("Attempting to instrument FastAPI app while already instrumented")
            return
        stability = _OpenTelemetrySemanticConventionStability
        stability._initialize()
        mode = stability._get_opentelemetry_stability_opt_in_mode(_OpenTelemetryStabilitySignalType.HTTP)
        schema_url = _get_schema_url(mode)
        tracer = get_tracer(__name__, __version__, tracer_provider, schema_url=schema_url)
        meter = get_meter(__name__, __version__, meter_provider, schema_url=schema_url)
        options = {
            "excluded_urls": _excluded_urls_from_env if excluded_urls is None else parse_excluded_urls(excluded_urls),
            "server_request_hook": server_request_hook,
            "client_request_hook": client_request_hook,
            "client_response_hook": client_response_hook,
            "tracer": tracer,
            "meter": meter,
            "http_capture_headers_server_request": http_capture_headers_server_request,
            "http_capture_headers_server_response": http_capture_headers_server_response,
            "http_capture_headers_sanitize_fields": http_capture_headers_sanitize_fields,
            "exclude_spans": exclude_spans,
        }
        _AppTelemetry(tracer, options).add_to(app)
        _background_tasks.add(app, tracer)
        _InstrumentedFastAPI._instrumented_fastapi_apps.add(app)

    @staticmethod
    def uninstrument_app(app: Any) -> None:
        """Takes the instrumentation out of an application, also of one that runs."""
        telemetry = getattr(app, "_opentelemetry", None)
        if telemetry is None:
            return
        telemetry.remove_from(app)
        _background_tasks.remove(app)
        _InstrumentedFastAPI._instrumented_fastapi_apps.discard(app)


class _InstrumentedFastAPI(fastapi.FastAPI):  # type: ignore[misc]
    _instrument_kwargs: dict[str, Any] = {}
    _instrumented_fastapi_apps: weakref.WeakSet[Any] = weakref.WeakSet()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        FastAPIInstrumentor.instrument_app(self, **_InstrumentedFastAPI._instrument_kwargs)
