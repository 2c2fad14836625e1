"""Requests that came by ASGI: what their scope says, which `META` does not."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django import VERSION
from opentelemetry.instrumentation._semconv import _StabilityMode
from opentelemetry.instrumentation.asgi import asgi_getter, asgi_setter, collect_custom_headers_attributes
from opentelemetry.instrumentation.asgi._scope import _collect, _table, _table_getter
from opentelemetry.propagate import extract
from opentelemetry.trace import Span, SpanKind
from opentelemetry.util.http import (
    OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS,
    OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST,
    OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE,
    SanitizeValue,
    get_custom_headers,
    normalise_request_header_name,
    normalise_response_header_name,
)

__all__ = ["asgi_getter", "asgi_setter"]

# Releases before 3.0 know no ASGI.
_REQUEST: Any = import_module("django.core.handlers.asgi").ASGIRequest if VERSION >= (3, 0) else ()


def _of(request: Any) -> Any:
    """The scope of a request. None for one that came by WSGI."""
    return request.scope if isinstance(request, _REQUEST) else None


def _attributes(scope: Any, mode: _StabilityMode) -> dict[str, Any]:
    return _collect(scope, _table(scope), mode)


def _extract(scope: Any) -> Any:
    return extract(_table(scope), getter=_table_getter)


def _headers(scope: Any) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope.get("headers") or ()}


class _CapturedHeaders:
    """The headers that the environment wants on spans."""

    def __init__(self) -> None:
        self._request = get_custom_headers(OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST)
        self._response = get_custom_headers(OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE)
        secret = get_custom_headers(OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS)
        self._sanitize = SanitizeValue(secret)

    def add_request(self, span: Span, scope: Any) -> None:
        if self._request and _is_servers(span):
            found: Any = collect_custom_headers_attributes(
                scope, self._sanitize, self._request, normalise_request_header_name
            )
            span.set_attributes(found)

    def add_response(self, span: Span, response: Any) -> None:
        if self._response and _is_servers(span):
            event = {"headers": [(name.lower(), value) for name, value in response.items()]}
            found: Any = collect_custom_headers_attributes(
                event, self._sanitize, self._response, normalise_response_header_name
            )
            span.set_attributes(found)


def _is_servers(span: Span) -> bool:
    return span.is_recording() and getattr(span, "kind", None) is SpanKind.SERVER
