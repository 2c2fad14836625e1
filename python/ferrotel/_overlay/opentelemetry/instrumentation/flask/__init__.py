"""Instruments Flask: a span, named after the route, and metrics of every request.

    from opentelemetry.instrumentation.flask import FlaskInstrumentor

    FlaskInstrumentor().instrument()  # applications made from now on
    FlaskInstrumentor.instrument_app(app)  # or this one

OTEL_PYTHON_FLASK_EXCLUDED_URLS, or else OTEL_PYTHON_EXCLUDED_URLS, holds regular expressions for the URLs of requests
that get none, with commas between them. The context of a request carries the route for SQL comments.
"""

from __future__ import annotations

import functools
import weakref
from logging import getLogger
from time import time_ns
from timeit import default_timer
from typing import Any, Callable, Collection, Iterable

import flask
import opentelemetry.instrumentation.wsgi as otel_wsgi
from opentelemetry import context, trace
from opentelemetry.context import attach, detach
from opentelemetry.instrumentation._http_server import _pick
from opentelemetry.instrumentation._semantic_conventions import (  # noqa: F401
    HTTP_ROUTE,
    HTTP_SERVER_REQUEST_DURATION,
    HTTP_TARGET,
)
from opentelemetry.instrumentation._semconv import (  # noqa: F401
    HTTP_DURATION_HISTOGRAM_BUCKETS_NEW,
    _get_schema_url,
    _OpenTelemetrySemanticConventionStability,
    _OpenTelemetryStabilitySignalType,
    _report_new,
    _StabilityMode,
)
from opentelemetry.instrumentation.flask.package import _instruments
from opentelemetry.instrumentation.flask.version import __version__
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor
from opentelemetry.instrumentation.propagators import get_global_response_propagator
from opentelemetry.instrumentation.utils import _start_internal_or_server_span
from opentelemetry.metrics import MeterProvider, UpDownCounter, get_meter
from opentelemetry.trace.status import Status, StatusCode
from opentelemetry.util._importlib_metadata import version
from opentelemetry.util.http import _METHODS, ExcludeList, get_excluded_urls, parse_excluded_urls, sanitize_method

# Names in a request's environ that programs and tests know: the span, and what its end needs.
_ENVIRON_STARTTIME_KEY = "opentelemetry-flask.starttime_key"
_ENVIRON_SPAN_KEY = "opentelemetry-flask.span_key"
_ENVIRON_ACTIVATION_KEY = "opentelemetry-flask.activation_key"
_ENVIRON_REQCTX_REF_KEY = "opentelemetry-flask.reqctx_ref_key"
_ENVIRON_TOKEN = "opentelemetry-flask.token"

_SQLCOMMENTER = "SQLCOMMENTER_ORM_TAGS_AND_VALUES"

_logger = getLogger(__name__)
_excluded_urls_from_env = get_excluded_urls("FLASK")

flask_version = version("flask")
# Before 2.2 a stack, then a context of the request, and since 3.2 one of the application that holds the request.
_CURRENT = next(
    (vars(flask.globals)[name] for name in ("request_ctx", "app_ctx") if name in vars(flask.globals)),
    None,
)

# Flask's proxies look the context up again with each use.
_context_of_request: Callable[[], Any] = (
    _CURRENT._get_current_object if _CURRENT is not None else lambda: vars(flask)["_request_ctx_stack"].top
)


def _request_ctx_ref() -> weakref.ReferenceType[Any]:
    return weakref.ref(_context_of_request())


def get_default_span_name() -> str:
    """The method and the route of the current request; its path when no route fits."""
    request = flask.request._get_current_object()
    return _span_name(request.environ, request.url_rule)


def _span_name(environ: dict[str, Any], rule: Any) -> str:
    if rule is None:
        return otel_wsgi.get_default_span_name(environ)
    method = environ.get("REQUEST_METHOD", "")
    if method not in _METHODS:
        method = sanitize_method(method.strip())
    return f"{'HTTP' if method == '_OTHER' else method} {rule.rule}"


class _Request:
    """The telemetry of a request."""

    __slots__ = ("attributes", "context", "excluded", "owner", "route", "span", "started", "streamed", "tokens")

    def __init__(self, attributes: dict[str, Any] | None, started: int | None) -> None:
        self.attributes = attributes
        self.started = started
        self.excluded = False
        self.streamed = False
        self.route: str | None = None
        self.span: trace.Span | None = None
        self.context: Any = None
        self.owner: weakref.ReferenceType[Any] | None = None
        # To detach, when no call of the WSGI application around it does.
        self.tokens: list[Any] = []


class _AppTelemetry:
    """The telemetry of an application: what wraps it, and what it calls before and after each request."""

    def __init__(
        self,
        request_hook: Callable[..., Any] | None = None,
        response_hook: Callable[..., Any] | None = None,
        tracer_provider: trace.TracerProvider | None = None,
        excluded_urls: ExcludeList | None = None,
        enable_commenter: bool = True,
        commenter_options: dict[str, Any] | None = None,
        meter_provider: MeterProvider | None = None,
    ) -> None:
        stability = _OpenTelemetrySemanticConventionStability
        stability._initialize()
        mode = stability._get_opentelemetry_stability_opt_in_mode(_OpenTelemetryStabilitySignalType.HTTP)
        schema_url = _get_schema_url(mode)
        meter = get_meter(__name__, __version__, meter_provider, schema_url=schema_url)
        self._histogram_old, self._histogram_new = otel_wsgi._create_duration_histograms(meter, mode)
        self._active_requests = _create_active_requests(meter, mode)
        self._tracer = trace.get_tracer(__name__, __version__, tracer_provider, schema_url=schema_url)
        self._mode = mode
        self._active_keys = otel_wsgi._active_keys(mode)
        self._request_hook = request_hook if callable(request_hook) else None
        self._response_hook = response_hook if callable(response_hook) else None
        # To make a request's URL takes longer than all the rest.
        self._excluded_urls = excluded_urls if excluded_urls and excluded_urls._excluded_urls else None
        self._enable_commenter = enable_commenter
        wanted = {"framework": True, "controller": True, "route": True, **(commenter_options or {})}
        self._comments_framework = f"flask:{flask_version}" if wanted["framework"] else None
        self._comments_controller, self._comments_route = wanted["controller"], wanted["route"]
        self._captured = otel_wsgi._CapturedHeaders()
        self._same_environ = False
        self._removed = False

    def add_to(self, app: Any) -> None:
        original = app.wsgi_app
        # A middleware within may change the environ, as ProxyFix does.
        self._same_environ = getattr(original, "__func__", None) is flask.app.Flask.wsgi_app
        app._original_wsgi_app = original
        app._before_request, app._teardown_request = self.before_request, self.teardown_request
        app._opentelemetry = self
        app.wsgi_app = self._wrapped = self.wrap(original)
        app.before_request(app._before_request)
        app.teardown_request(app._teardown_request)
        app._is_instrumented_by_opentelemetry = True

    def remove_from(self, app: Any) -> None:
        # Middlewares that the program added around ours stay: then ours has nothing to do any more.
        self._removed = True
        if app.wsgi_app is self._wrapped:
            app.wsgi_app = app._original_wsgi_app
        app.before_request_funcs[None].remove(app._before_request)
        app.teardown_request_funcs[None].remove(app._teardown_request)
        del app._original_wsgi_app, app._before_request, app._teardown_request, app._opentelemetry
        app._is_instrumented_by_opentelemetry = False

    def wrap(self, wsgi_app: Callable[..., Any]) -> Callable[..., Any]:
        """The application with its telemetry."""

        def wrapped(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[Any]:
            if self._removed:
                done: Iterable[Any] = wsgi_app(environ, start_response)
                return done
            # Started here, the span would not know its route: it starts in `before_request`, with this time.
            started = time_ns()
            start = default_timer()
            attributes = otel_wsgi.collect_request_attributes(environ, self._mode)
            active = _pick(attributes, self._active_keys)
            request = _Request(attributes, started)
            outer = environ.get(_ENVIRON_ACTIVATION_KEY)
            environ[_ENVIRON_STARTTIME_KEY] = started
            environ[_ENVIRON_ACTIVATION_KEY] = request
            # Whatever is attached while the application runs, and wherever it is torn down: this thread's context is
            # in the end what it was.
            token = attach(context.get_current())
            self._active_requests.add(1, active)
            try:
                result: Iterable[Any] = wsgi_app(environ, self._answer(request, environ, start_response))
                if not request.excluded:
                    self._measure(default_timer() - start, request)
                if request.streamed and request.span is not None:
                    return otel_wsgi._Response(result, request.span, request.context)
                return result
            except BaseException:
                if request.streamed and request.span is not None:
                    request.span.end()
                raise
            finally:
                request.tokens = []
                detach(token)
                if outer is not None:
                    environ[_ENVIRON_ACTIVATION_KEY] = outer
                self._active_requests.add(-1, active)

        return wrapped

    def _answer(
        self, request: _Request, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Callable[..., Any]:
        def answer(status: str, response_headers: list[tuple[str, str]], *args: Any, **kwargs: Any) -> Any:
            if request.span is None and not request.excluded:
                request.excluded = not flask.request or self._is_excluded()
            if not request.excluded:
                self._add_response(request, environ, status, response_headers)
            return start_response(status, response_headers, *args, **kwargs)

        return answer

    def _add_response(
        self, request: _Request, environ: dict[str, Any], status: str, response_headers: list[tuple[str, str]]
    ) -> None:
        propagator = get_global_response_propagator()
        if propagator:
            propagator.inject(response_headers, setter=otel_wsgi.default_response_propagation_setter)
        span = request.span
        if span is None:
            _logger.warning("Flask environ's OpenTelemetry span missing at _start_response(%s)", status)
        else:
            attributes = request.attributes
            otel_wsgi.add_response_attributes(span, status, response_headers, attributes, self._mode)
            self._captured.add_response(span, response_headers)
            request.streamed = _is_streamed(environ, status, response_headers)
        if self._response_hook is not None:
            otel_wsgi._call_hook(self._response_hook, span, status, response_headers)

    def _measure(self, seconds: float, request: _Request) -> None:
        attributes = request.attributes or {}
        # For exemplars.
        in_span = request.context
        if self._histogram_old:
            old = _pick(attributes, otel_wsgi._DURATION_OLD)
            if request.route:
                old[HTTP_TARGET] = request.route
            self._histogram_old.record(max(round(seconds * 1000), 0), old, context=in_span)
        if self._histogram_new:
            new = _pick(attributes, otel_wsgi._DURATION_NEW)
            self._histogram_new.record(max(seconds, 0), new, context=in_span)

    def _is_excluded(self) -> bool:
        return self._excluded_urls is not None and self._excluded_urls.url_disabled(flask.request.url)

    def before_request(self) -> None:
        """Starts the span of the current request: Flask knows the route now."""
        current = _context_of_request()
        flask_request = current.request
        environ = flask_request.environ
        request = environ.get(_ENVIRON_ACTIVATION_KEY)
        if request is None:
            # Nothing called the WSGI application: a program's `preprocess_request`.
            request = environ[_ENVIRON_ACTIVATION_KEY] = _Request(None, None)
        if self._excluded_urls is not None and self._is_excluded():
            request.excluded = True
            return
        attributes = request.attributes
        if attributes is None or not self._same_environ:
            attributes = request.attributes = otel_wsgi.collect_request_attributes(environ, self._mode)
        rule = flask_request.url_rule
        if rule is not None:
            request.route = attributes[HTTP_ROUTE] = rule.rule
        span, token = _start_internal_or_server_span(
            self._tracer, _span_name(environ, rule), request.started, environ, otel_wsgi.wsgi_getter, attributes
        )
        if self._request_hook is not None:
            otel_wsgi._call_hook(self._request_hook, span, environ)
        self._captured.add_request(span, environ)
        request.span = environ[_ENVIRON_SPAN_KEY] = span
        request.owner = environ[_ENVIRON_REQCTX_REF_KEY] = weakref.ref(current)
        # The span last: putting one into a context costs next to nothing.
        commented = context.set_value(_SQLCOMMENTER, self._comment(rule)) if self._enable_commenter else None
        request.context = trace.set_span_in_context(span, commented)
        activated = attach(request.context)
        request.tokens = [activated] if token is None else [activated, token]

    def _comment(self, rule: Any) -> dict[str, str]:
        comment = {}
        if self._comments_framework:
            comment["framework"] = self._comments_framework
        if rule is not None:
            if rule.endpoint and self._comments_controller:
                comment["controller"] = rule.endpoint
            if rule.rule and self._comments_route:
                comment["route"] = rule.rule
        return comment

    def teardown_request(self, error: BaseException | None) -> None:
        """Ends the span of the current request, unless its response is still to be streamed."""
        current = _context_of_request()
        environ = current.request.environ
        request = environ.get(_ENVIRON_ACTIVATION_KEY)
        # Copies of the request's context, for other threads, are torn down too: they started no span.
        if request is None or request.owner is None or request.owner() is not current:
            return
        span, tokens = request.span, request.tokens
        request.owner = None
        environ.pop(_ENVIRON_ACTIVATION_KEY, None)
        for token in tokens:
            detach(token)
        if request.streamed and error is None:
            return
        if error is not None and span.is_recording():
            span.record_exception(error)
            span.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {error}"))
        if not request.streamed:
            span.end()


def _create_active_requests(meter: Any, mode: _StabilityMode) -> UpDownCounter:
    unit, description = "requests", "Measures the number of concurrent HTTP requests that are currently in-flight."
    if _report_new(mode):
        unit, description = "{request}", "Number of active HTTP server requests."
    counter: UpDownCounter = meter.create_up_down_counter(
        name="http.server.active_requests", unit=unit, description=description
    )
    return counter


def _is_streamed(environ: dict[str, Any], status: str, response_headers: list[tuple[str, str]]) -> bool:
    # Werkzeug knows the length of every body that is not made while it is sent.
    if environ.get("REQUEST_METHOD") == "HEAD" or status[:3] in ("204", "304"):
        return False
    for name, _ in response_headers:
        if name == "Content-Length" or name.lower() == "content-length":
            return False
    return True


class _InstrumentedFlask(flask.Flask):  # type: ignore[misc]
    """What `flask.Flask` is while all applications are instrumented."""

    _options: dict[str, Any] = {}
    _made: weakref.WeakSet[Any] = weakref.WeakSet()


def _instrumenting(init: Callable[..., None]) -> Callable[..., None]:
    """`Flask.__init__` with telemetry: programs import the class before they instrument it, and derive from it."""

    @functools.wraps(init)
    def instrumented_init(app: Any, *args: Any, **kwargs: Any) -> None:
        init(app, *args, **kwargs)
        if not getattr(app, "_is_instrumented_by_opentelemetry", False):
            _AppTelemetry(**_InstrumentedFlask._options).add_to(app)
            _InstrumentedFlask._made.add(app)

    wrapped: Callable[..., None] = instrumented_init
    return wrapped


class FlaskInstrumentor(BaseInstrumentor):
    """Instruments Flask.

    What `instrument` and `instrument_app` take:

    - `request_hook`: called with the span and the environ of a request, before the view is.
    - `response_hook`: called with the span, the status and the headers of a response.
    - `tracer_provider`, `meter_provider`: default: the global ones.
    - `excluded_urls`: regular expressions with commas between them, instead of the environment's.
    - `enable_commenter` (default: True), `commenter_options`: whether, and which of `framework`, `controller` and
      `route`, instrumentations of databases find for SQL comments.

    What a hook raises is logged.
    """

    _original_flask: Any = None
    _instrumented_init: Any = None

    def instrumentation_dependencies(self) -> Collection[str]:
        return _instruments

    def _instrument(self, **kwargs: Any) -> None:
        self._original_flask = flask.Flask
        excluded_urls = kwargs.get("excluded_urls")
        _InstrumentedFlask._options = {
            "request_hook": kwargs.get("request_hook"),
            "response_hook": kwargs.get("response_hook"),
            "tracer_provider": kwargs.get("tracer_provider"),
            "excluded_urls": _excluded_urls(excluded_urls),
            "enable_commenter": kwargs.get("enable_commenter", True),
            "commenter_options": kwargs.get("commenter_options"),
            "meter_provider": kwargs.get("meter_provider"),
        }
        self._instrumented_init = self._original_flask.__init__ = _instrumenting(self._original_flask.__init__)
        flask.Flask = _InstrumentedFlask

    def _uninstrument(self, **kwargs: Any) -> None:
        flask.Flask = self._original_flask
        if flask.Flask.__init__ is self._instrumented_init:
            flask.Flask.__init__ = self._instrumented_init.__wrapped__
        for app in list(_InstrumentedFlask._made):
            if app._is_instrumented_by_opentelemetry:
                app._opentelemetry.remove_from(app)
        _InstrumentedFlask._made.clear()

    @staticmethod
    def instrument_app(
        app: Any,
        request_hook: Callable[..., Any] | None = None,
        response_hook: Callable[..., Any] | None = None,
        tracer_provider: trace.TracerProvider | None = None,
        excluded_urls: str | None = None,
        enable_commenter: bool = True,
        commenter_options: dict[str, Any] | None = None,
        meter_provider: MeterProvider | None = None,
    ) -> None:
        """Instruments an application. A second time, this only warns."""
        if getattr(app, "_is_instrumented_by_opentelemetry", False):
            _logger.warning("Attempting to instrument Flask app while already instrumented")
            return
        _AppTelemetry(
            request_hook=request_hook,
            response_hook=response_hook,
            tracer_provider=tracer_provider,
            excluded_urls=_excluded_urls(excluded_urls),
            enable_commenter=enable_commenter,
            commenter_options=commenter_options,
            meter_provider=meter_provider,
        ).add_to(app)

    @staticmethod
    def uninstrument_app(app: Any) -> None:
        """Takes the instrumentation out of an application. Of one without, this only warns."""
        telemetry = getattr(app, "_opentelemetry", None)
        if telemetry is None:
            _logger.warning("Attempting to uninstrument Flask app while already uninstrumented")
            return
        telemetry.remove_from(app)


def _excluded_urls(given: str | None) -> ExcludeList:
    return _excluded_urls_from_env if given is None else parse_excluded_urls(given)
