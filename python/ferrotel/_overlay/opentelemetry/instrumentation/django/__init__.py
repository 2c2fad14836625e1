"""Instruments Django: a span, named after the route, and metrics of every request, under WSGI and ASGI.

    from opentelemetry.instrumentation.django import DjangoInstrumentor

    DjangoInstrumentor().instrument()  # before the program's handler is made, e.g. in manage.py, wsgi.py or asgi.py

It puts a middleware into the setting `MIDDLEWARE`: at once when there are settings, or else as soon as there are.

- OTEL_PYTHON_DJANGO_EXCLUDED_URLS, or else OTEL_PYTHON_EXCLUDED_URLS: regular expressions for the URLs of requests that
  get no telemetry, with commas between them.
- OTEL_PYTHON_DJANGO_TRACED_REQUEST_ATTRS: names of attributes of Django's request that spans get.
- OTEL_PYTHON_DJANGO_MIDDLEWARE_POSITION: where the middleware stands. Default: first.
- OTEL_PYTHON_DJANGO_INSTRUMENT: `False` has this do nothing.
"""

from __future__ import annotations

from logging import getLogger
from os import environ
from typing import Any, Collection

from django.conf import settings  # noqa: F401
from opentelemetry.instrumentation._semantic_conventions import HTTP_SERVER_REQUEST_DURATION  # noqa: F401
from opentelemetry.instrumentation._semconv import (  # noqa: F401
    HTTP_DURATION_HISTOGRAM_BUCKETS_NEW,
    _get_schema_url,
    _OpenTelemetrySemanticConventionStability,
    _OpenTelemetryStabilitySignalType,
)
from opentelemetry.instrumentation.django._setting import _MiddlewareSetting
from opentelemetry.instrumentation.django.environment_variables import OTEL_PYTHON_DJANGO_INSTRUMENT
from opentelemetry.instrumentation.django.middleware.otel_middleware import _DjangoMiddleware
from opentelemetry.instrumentation.django.package import _instruments
from opentelemetry.instrumentation.django.version import __version__
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor
from opentelemetry.instrumentation.wsgi import _create_duration_histograms
from opentelemetry.metrics import get_meter
from opentelemetry.trace import get_tracer
from opentelemetry.util.http import get_excluded_urls, parse_excluded_urls

_MIDDLEWARE_POSITION = "OTEL_PYTHON_DJANGO_MIDDLEWARE_POSITION"

_excluded_urls_from_env = get_excluded_urls("DJANGO")
_logger = getLogger(__name__)


class DjangoInstrumentor(BaseInstrumentor):
    """Instruments Django.

    What `instrument` takes:

    - `request_hook`: called with the span and Django's request, before anything else is.
    - `response_hook`: called with the span, the request and the response.
    - `tracer_provider`, `meter_provider`: default: the global ones.
    - `excluded_urls`: regular expressions with commas between them, instead of the environment's.
    - `is_sql_commentor_enabled`: whether SQL statements get a comment that says where they come from. The settings
      `SQLCOMMENTER_WITH_...`, each True by default, say what it tells.
    - `middleware_position`: where in `MIDDLEWARE` ours stands, by default 0. The environment goes before it.

    What a hook raises is logged.
    """

    _opentelemetry_middleware = f"{_DjangoMiddleware.__module__}.{_DjangoMiddleware.__qualname__}"
    _sql_commenter_middleware = "opentelemetry.instrumentation.django.middleware.sqlcommenter_middleware.SqlCommenter"

    _setting: _MiddlewareSetting | None = None

    def instrumentation_dependencies(self) -> Collection[str]:
        return _instruments

    def _instrument(self, **kwargs: Any) -> None:
        if environ.get(OTEL_PYTHON_DJANGO_INSTRUMENT) == "False":
            return
        stability = _OpenTelemetrySemanticConventionStability
        stability._initialize()
        mode = stability._get_opentelemetry_stability_opt_in_mode(_OpenTelemetryStabilitySignalType.HTTP)
        schema_url = _get_schema_url(mode)
        meter = get_meter(__name__, __version__, kwargs.get("meter_provider"), schema_url=schema_url)
        excluded_urls = kwargs.get("excluded_urls")

        # Django makes the middleware, so that its class holds what it needs.
        telemetry = _DjangoMiddleware
        telemetry._sem_conv_opt_in_mode = mode
        telemetry._meter = meter
        telemetry._excluded_urls = (
            _excluded_urls_from_env if excluded_urls is None else parse_excluded_urls(excluded_urls)
        )
        telemetry._otel_request_hook = kwargs.get("request_hook")
        telemetry._otel_response_hook = kwargs.get("response_hook")
        telemetry._duration_histogram_old, telemetry._duration_histogram_new = _create_duration_histograms(meter, mode)
        telemetry._active_request_counter = meter.create_up_down_counter(
            name="http.server.active_requests", unit="{request}", description="Number of active HTTP server requests."
        )
        telemetry._tracer = get_tracer(__name__, __version__, kwargs.get("tracer_provider"), schema_url=schema_url)

        middlewares = [self._opentelemetry_middleware]
        if kwargs.get("is_sql_commentor_enabled"):
            middlewares.append(self._sql_commenter_middleware)
        position = kwargs.get("middleware_position", 0)
        self._setting = _MiddlewareSetting(
            middlewares, lambda length: _get_django_otel_middleware_position(length, position)
        )
        self._setting.add()

    def _uninstrument(self, **kwargs: Any) -> None:
        # Handlers that are made already keep the middleware: it has nothing to do any more.
        _DjangoMiddleware._tracer = None
        if self._setting is not None:
            self._setting.remove()
            self._setting = None


def _get_django_otel_middleware_position(middleware_length: int, default_middleware_position: int = 0) -> int:
    """Where ours goes among so many middlewares: first, if what is wanted is no position among them."""
    wanted = environ.get(_MIDDLEWARE_POSITION)
    try:
        position = default_middleware_position if wanted is None else int(wanted)
    except ValueError:
        _logger.debug("%s=%s is no number", _MIDDLEWARE_POSITION, wanted)
        position = default_middleware_position
    if not 0 <= position <= middleware_length:
        _logger.debug("There is no position %s among %d middlewares", position, middleware_length)
        return 0
    return position
