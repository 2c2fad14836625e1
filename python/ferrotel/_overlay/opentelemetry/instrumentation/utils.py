"""What instrumentations have in common: suppression, unwrapping, status codes, and the start of a server's span."""

from __future__ import annotations

import sys
import urllib.parse
from contextlib import contextmanager
from importlib import import_module
from re import escape, sub
from typing import Any, Iterator, Sequence

from opentelemetry import context, trace
from opentelemetry.context import _SUPPRESS_HTTP_INSTRUMENTATION_KEY, _SUPPRESS_INSTRUMENTATION_KEY
from opentelemetry.propagate import extract
from opentelemetry.trace import StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

propagator = TraceContextTextMapPropagator()

# The key that older instrumentations know.
_SUPPRESS_INSTRUMENTATION_KEY_PLAIN = "suppress_instrumentation"


def extract_attributes_from_object(
    obj: Any, attributes: Sequence[str], existing: dict[str, str] | None = None
) -> dict[str, str]:
    """The values of these attributes of an object, as text, added to a copy of `existing`. Absent and None ones are
    left out."""
    extracted = dict(existing or {})
    for name in attributes:
        value = getattr(obj, name, None)
        if value is not None:
            extracted[name] = str(value)
    return extracted


def http_status_to_status_code(
    status: Any,
    allow_redirect: bool = True,
    server_span: bool = False,
) -> StatusCode:
    """What an HTTP status makes of a span's status: ERROR from 400 on (for a server: from 500 on) and below 100.

    For a client, `allow_redirect=False` makes 3xx an ERROR too. UNSET for what is no number.
    """
    if not isinstance(status, int):
        return StatusCode.UNSET
    first_error = 500 if server_span else 400 if allow_redirect else 300
    return StatusCode.UNSET if 100 <= status < first_error else StatusCode.ERROR


def unwrap(obj: object, attr: str) -> None:
    """Restores an attribute that `wrapt` wrapped. Does nothing when it is not wrapped.

    `obj` holds the attribute; as text, it is the dotted name of a class. Raises ImportError when the text names no
    attribute of a module that is loaded.
    """
    if isinstance(obj, str):
        module_path, _, class_name = obj.rpartition(".")
        if not module_path:
            raise ImportError(f"Cannot parse '{obj}' as dotted import path")
        if module_path not in sys.modules:
            # What was never imported was never wrapped.
            return
        module = import_module(module_path)
        try:
            obj = getattr(module, class_name)
        except AttributeError as error:
            raise ImportError(f"Cannot import '{class_name}' from '{module}'") from error
    function = getattr(obj, attr, None)
    # Nothing is wrapped by a package that is not loaded.
    wrapt = sys.modules.get("wrapt")
    proxy = getattr(wrapt, "BaseObjectProxy", None) or getattr(wrapt, "ObjectProxy", None)
    if function and proxy is not None and isinstance(function, proxy) and hasattr(function, "__wrapped__"):
        setattr(obj, attr, function.__wrapped__)


def _start_internal_or_server_span(
    tracer: trace.Tracer,
    span_name: str,
    start_time: int | None,
    context_carrier: Any,
    context_getter: Any,
    attributes: Any = None,
) -> tuple[trace.Span, Any]:
    """Starts the span of a request: SERVER, with what the carrier says as its parent, or INTERNAL when a span is
    current.

    Returns it with the token to detach the carrier's context with, or None.
    """
    token = None
    if trace.get_current_span() is trace.INVALID_SPAN:
        parent = extract(context_carrier, getter=context_getter)
        token = context.attach(parent)
        kind = trace.SpanKind.SERVER
    else:
        parent = context.get_current()
        kind = trace.SpanKind.INTERNAL
    # By position, which takes less.
    return tracer.start_span(span_name, parent, kind, attributes, None, start_time), token


def _url_quote(s: Any) -> Any:
    if not isinstance(s, (str, bytes)):
        return s
    # A statement's own percent signs are doubled, so ours must be.
    return urllib.parse.quote(s).replace("%", "%%")


def _get_opentelemetry_values() -> dict[str, Any]:
    """The current span as W3C Trace Context headers."""
    headers: dict[str, Any] = {}
    propagator.inject(headers)
    return headers


def _python_path_without_directory(python_path: str, directory: str, path_separator: str) -> str:
    """A PYTHONPATH without a folder, unless that is its last one."""
    return sub(rf"{escape(directory)}{path_separator}(?!$)", "", python_path)


def is_instrumentation_enabled() -> bool:
    """May instrumentations make telemetry in the current context?"""
    return not (
        context.get_value(_SUPPRESS_INSTRUMENTATION_KEY) or context.get_value(_SUPPRESS_INSTRUMENTATION_KEY_PLAIN)
    )


def is_http_instrumentation_enabled() -> bool:
    """May instrumentations of HTTP libraries make telemetry in the current context?"""
    return is_instrumentation_enabled() and not context.get_value(_SUPPRESS_HTTP_INSTRUMENTATION_KEY)


@contextmanager
def _suppress_instrumentation(*keys: str) -> Iterator[None]:
    suppressed = context.get_current()
    for key in keys:
        suppressed = context.set_value(key, True, suppressed)
    token = context.attach(suppressed)
    try:
        yield
    finally:
        context.detach(token)


@contextmanager
def suppress_instrumentation() -> Iterator[None]:
    """Instrumentations make no telemetry within."""
    with _suppress_instrumentation(_SUPPRESS_INSTRUMENTATION_KEY, _SUPPRESS_INSTRUMENTATION_KEY_PLAIN):
        yield


@contextmanager
def suppress_http_instrumentation() -> Iterator[None]:
    """Instrumentations of HTTP libraries make no telemetry within."""
    with _suppress_instrumentation(_SUPPRESS_HTTP_INSTRUMENTATION_KEY):
        yield
