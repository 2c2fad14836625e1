"""Instruments requests: a span and metrics of every request, and its context in the headers.

    from opentelemetry.instrumentation.requests import RequestsInstrumentor

    RequestsInstrumentor().instrument()

A request that is redirected has one span. It ends when the headers of the response are there: a body that is streamed
comes later. OTEL_PYTHON_REQUESTS_EXCLUDED_URLS, or else OTEL_PYTHON_EXCLUDED_URLS, holds regular expressions for the
URLs of requests that get none, with commas between them.
"""

from __future__ import annotations

import functools
import types
from logging import getLogger
from timeit import default_timer
from typing import Any, Callable, Collection
from urllib.parse import urlsplit

from opentelemetry.context import _SUPPRESS_HTTP_INSTRUMENTATION_KEY, attach, detach, set_value
from opentelemetry.instrumentation._http_client import (
    _Call,
    _ClientTelemetry,
    _fail,
    _header_texts,
    _user_agent_attributes,
)
from opentelemetry.instrumentation._semantic_conventions import (  # noqa: F401
    ERROR_TYPE,
    HTTP_CLIENT_REQUEST_DURATION,
    NETWORK_PEER_ADDRESS,
    NETWORK_PEER_PORT,
    USER_AGENT_ORIGINAL,
    USER_AGENT_SYNTHETIC_TYPE,
)
from opentelemetry.instrumentation._semconv import (  # noqa: F401
    HTTP_DURATION_HISTOGRAM_BUCKETS_NEW,
    HTTP_DURATION_HISTOGRAM_BUCKETS_OLD,
)
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor
from opentelemetry.instrumentation.requests.package import _instruments
from opentelemetry.instrumentation.requests.version import __version__
from opentelemetry.instrumentation.utils import is_http_instrumentation_enabled
from opentelemetry.trace import Span
from opentelemetry.util.http import (  # noqa: F401
    OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_REQUEST,
    OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_RESPONSE,
    OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS,
    ExcludeList,
    get_excluded_urls,
    httplib,
    parse_excluded_urls,
    redact_url,
)
from requests.models import PreparedRequest, Response
from requests.sessions import Session
from requests.structures import CaseInsensitiveDict

_RequestHook = Callable[[Span, PreparedRequest], None]
_ResponseHook = Callable[[Span, PreparedRequest, Response], None]

_logger = getLogger(__name__)
_excluded_urls_from_env = get_excluded_urls("REQUESTS")

# Marks a function as ours; other packages look for it.
_APPLIED = "opentelemetry_instrumentation_requests_applied"


def get_default_span_name(method: str) -> str:
    """The method of a request; `HTTP` for one that is not known."""
    return "HTTP" if method == "_OTHER" else method


class _Sender:
    """Sends requests with telemetry."""

    def __init__(
        self,
        telemetry: _ClientTelemetry,
        excluded_urls: ExcludeList,
        request_hook: _RequestHook | None,
        response_hook: _ResponseHook | None,
    ) -> None:
        self._telemetry = telemetry
        self._excluded_urls = excluded_urls if excluded_urls._excluded_urls else None
        self._request_hook = request_hook if callable(request_hook) else None
        self._response_hook = response_hook if callable(response_hook) else None
        self.removed = False

    def wrap(self, send: Callable[..., Any]) -> Callable[..., Any]:
        """`Session.send` with its telemetry."""

        @functools.wraps(send)
        def instrumented_send(session: Session, request: PreparedRequest, **kwargs: Any) -> Any:
            call = self._start(request)
            if call is None:
                return send(session, request, **kwargs)
            # What sends the request beneath has instrumentations too, and redirects come through here again.
            token = attach(set_value(_SUPPRESS_HTTP_INSTRUMENTATION_KEY, True, call.context))
            started = default_timer()
            try:
                if httplib._watches:
                    with httplib.set_ip_on_next_http_connection(call.span):
                        response = send(session, request, **kwargs)
                else:
                    response = send(session, request, **kwargs)
            except BaseException as error:
                seconds = default_timer() - started
                detach(token)
                self._finish(call, request, getattr(error, "response", None), seconds, error)
                raise
            seconds = default_timer() - started
            detach(token)
            self._finish(call, request, response, seconds, None)
            return response

        setattr(instrumented_send, _APPLIED, True)
        return instrumented_send

    def _start(self, request: PreparedRequest) -> _Call | None:
        """Starts the span of a request and completes its headers. None for one without telemetry."""
        try:
            if self.removed or not is_http_instrumentation_enabled():
                return None
            telemetry, url, method = self._telemetry, request.url, request.method
            if self._excluded_urls is not None and self._excluded_urls.url_disabled(url):
                return None
            if request.headers is None:
                request.headers = CaseInsensitiveDict()
            headers = request.headers
            attributes = _user_agent_attributes(headers.get("User-Agent"))
            if telemetry.captured_request:
                attributes = {**attributes, **telemetry.request_headers(_header_texts(headers.items()))}
            url = redact_url(url)
            call = telemetry.start(telemetry.peer(method, url, _read_url), url, attributes)
        except Exception:
            _logger.exception("No span is made of a request")
            return None
        if self._request_hook is not None:
            try:
                call.hook(self._request_hook, request)
            except BaseException:
                call.span.end()
                raise
        # Those that it has now: a hook may have given it others.
        call.inject(request.headers)
        return call

    def _finish(
        self, call: _Call, request: PreparedRequest, response: Any, seconds: float, error: BaseException | None
    ) -> None:
        """Completes and ends the span of a request, and records its duration. `response` may be anything."""
        try:
            telemetry, failed = self._telemetry, error if isinstance(error, Exception) else None
            if isinstance(response, Response):
                version = getattr(response.raw, "version", None)
                # There is no other HTTP here.
                text = ("1.1" if version == 11 else "1.0") if version else ""
                outcome = telemetry.outcome(call.peer, response.status_code, text, failed)
                telemetry.describe(call, outcome, lambda: _header_texts(response.headers.items()))
                if self._response_hook is not None:
                    call.hook(self._response_hook, request, response)
            else:
                outcome = telemetry.outcome(call.peer, None, "", failed)
                telemetry.describe(call, outcome, None)
            if error is not None:
                _fail(call.span, error)
            # A thread or a greenlet that is ended tells nothing of the server.
            if failed is error:
                telemetry.measure(call, outcome, seconds)
        except Exception:
            _logger.exception("The telemetry of a request is incomplete")
        finally:
            call.span.end()


def _read_url(url: str) -> tuple[str, Any, Any]:
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = None
    return parts.scheme, parts.hostname, port


def _uninstrument_from(instr_root: Any, restore_as_bound_func: bool = False) -> None:
    for name in ("request", "send"):
        function = getattr(instr_root, name)
        if getattr(function, _APPLIED, False):
            original = function.__wrapped__
            setattr(instr_root, name, types.MethodType(original, instr_root) if restore_as_bound_func else original)


class RequestsInstrumentor(BaseInstrumentor):
    """Instruments requests.

    What `instrument` takes:

    - `request_hook`: called with the span and the `PreparedRequest`, before it is sent.
    - `response_hook`: called with the span, the `PreparedRequest` and the `Response`.
    - `tracer_provider`, `meter_provider`: default: the global ones.
    - `excluded_urls`: regular expressions with commas between them, instead of the environment's.
    - `duration_histogram_boundaries`: those of the histogram's buckets, in its unit.

    What a hook raises is logged.
    """

    _sender: _Sender | None = None

    def instrumentation_dependencies(self) -> Collection[str]:
        return _instruments

    def _instrument(self, **kwargs: Any) -> None:
        excluded_urls = kwargs.get("excluded_urls")
        telemetry = _ClientTelemetry(
            __name__,
            __version__,
            kwargs.get("tracer_provider"),
            kwargs.get("meter_provider"),
            peer_in_old_metrics=True,
            boundaries=kwargs.get("duration_histogram_boundaries"),
        )
        self._sender = _Sender(
            telemetry,
            _excluded_urls_from_env if excluded_urls is None else parse_excluded_urls(excluded_urls),
            kwargs.get("request_hook"),
            kwargs.get("response_hook"),
        )
        Session.send = self._sender.wrap(Session.send)

    def _uninstrument(self, **kwargs: Any) -> None:
        if self._sender is not None:
            # What the program wrapped around ours stays: then ours has nothing to do any more.
            self._sender.removed = True
            self._sender = None
        _uninstrument_from(Session)

    @staticmethod
    def uninstrument_session(session: Session) -> None:
        """Takes the instrumentation out of one session."""
        _uninstrument_from(session, restore_as_bound_func=True)
