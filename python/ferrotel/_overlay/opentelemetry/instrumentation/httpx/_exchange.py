"""A request through a transport of httpx or httpx2, with its telemetry."""

from __future__ import annotations

from logging import getLogger
from timeit import default_timer
from typing import Any, Callable, MutableMapping, NamedTuple, Protocol

from opentelemetry.context import attach, detach
from opentelemetry.instrumentation._http_client import _Call, _ClientTelemetry, _fail, _header_texts, _Outcome
from opentelemetry.instrumentation.httpx.version import __version__
from opentelemetry.instrumentation.utils import is_http_instrumentation_enabled
from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import TracerProvider
from opentelemetry.util.http import get_excluded_urls, redact_url

_logger = getLogger(__name__)


class _Library(Protocol):
    """What is used of httpx and httpx2."""

    Request: Any
    Response: Any
    Headers: Any
    URL: Any
    BaseTransport: Any
    AsyncBaseTransport: Any
    HTTPTransport: Any
    AsyncHTTPTransport: Any


class RequestInfo(NamedTuple):
    """What hooks get of a request."""

    method: bytes
    url: Any
    headers: Any
    stream: Any
    extensions: MutableMapping[str, Any] | None


class ResponseInfo(NamedTuple):
    """What hooks get of a response."""

    status_code: int
    headers: Any
    stream: Any
    extensions: MutableMapping[str, Any] | None


class _Exchange:
    """A request on its way. `info` is for hooks, and there when there are any."""

    __slots__ = ("call", "headers", "info", "outcome", "seconds")

    def __init__(self, call: _Call, headers: Any, info: RequestInfo | None) -> None:
        self.call = call
        self.headers = headers
        self.info = info
        self.outcome: _Outcome | None = None
        self.seconds = 0.0


class _Exchanges:
    """Passes requests on to a transport, and makes a span and metrics of each."""

    def __init__(
        self,
        library: _Library,
        tracer_provider: TracerProvider | None,
        meter_provider: MeterProvider | None,
        request_hook: Callable[..., Any] | None,
        response_hook: Callable[..., Any] | None,
    ) -> None:
        scope = __name__.rpartition(".")[0]
        self._telemetry = _ClientTelemetry(scope, __version__, tracer_provider, meter_provider)
        self._library = library
        self._request_type = library.Request
        self._response_type = library.Response
        excluded_urls = get_excluded_urls("HTTPX")
        self._excluded_urls = excluded_urls if excluded_urls._excluded_urls else None
        self._request_hook = request_hook if callable(request_hook) else None
        self._response_hook = response_hook if callable(response_hook) else None
        self._hooked = self._request_hook is not None or self._response_hook is not None
        self.removed = False

    def send(self, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Calls `handle_request` of a transport."""
        exchange = self._start(args, kwargs)
        if exchange is None:
            return forward(*args, **kwargs)
        call = exchange.call
        if self._request_hook is not None:
            try:
                call.hook(self._request_hook, exchange.info)
            except BaseException:
                call.span.end()
                raise
        args, kwargs = self._inject(exchange, args, kwargs)
        token = attach(call.context)
        started = default_timer()
        try:
            response = forward(*args, **kwargs)
        except BaseException as error:
            detach(token)
            try:
                answer = self._answer(exchange, getattr(error, "response", None), error)
                if answer is not None and self._response_hook is not None:
                    call.hook(self._response_hook, exchange.info, answer)
            finally:
                self._end(exchange, error)
            raise
        exchange.seconds = default_timer() - started
        detach(token)
        try:
            answer = self._answer(exchange, response, None)
            if answer is not None and self._response_hook is not None:
                call.hook(self._response_hook, exchange.info, answer)
        finally:
            self._end(exchange, None)
        return response

    async def send_async(self, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Calls `handle_async_request` of a transport."""
        exchange = self._start(args, kwargs)
        if exchange is None:
            return await forward(*args, **kwargs)
        call = exchange.call
        if self._request_hook is not None:
            try:
                await call.hook_async(self._request_hook, exchange.info)
            except BaseException:
                call.span.end()
                raise
        args, kwargs = self._inject(exchange, args, kwargs)
        token = attach(call.context)
        started = default_timer()
        try:
            response = await forward(*args, **kwargs)
        except BaseException as error:
            detach(token)
            try:
                answer = self._answer(exchange, getattr(error, "response", None), error)
                if answer is not None and self._response_hook is not None:
                    await call.hook_async(self._response_hook, exchange.info, answer)
            finally:
                self._end(exchange, error)
            raise
        exchange.seconds = default_timer() - started
        detach(token)
        try:
            answer = self._answer(exchange, response, None)
            if answer is not None and self._response_hook is not None:
                await call.hook_async(self._response_hook, exchange.info, answer)
        finally:
            self._end(exchange, None)
        return response

    def _start(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Exchange | None:
        """Starts the span of a request. None for one without telemetry."""
        try:
            if self.removed or not is_http_instrumentation_enabled():
                return None
            request = args[0] if args else kwargs.get("request")
            if isinstance(request, self._request_type):
                method, url, headers = request.method, str(request.url), request.headers
                info = _request_info(request) if self._hooked else None
            else:
                info = _old_request_info(*args, **kwargs)
                method, url, headers = info.method.decode("ascii"), _old_url(info.url), info.headers
            if self._excluded_urls is not None and self._excluded_urls.url_disabled(url):
                return None
            telemetry, url = self._telemetry, redact_url(url)
            more = telemetry.request_headers(self._texts(headers)) if telemetry.captured_request else {}
            call = telemetry.start(telemetry.peer(method, url, self._read_url), url, more)
            return _Exchange(call, headers, info)
        except Exception:
            _logger.exception("No span is made of a request")
            return None

    def _inject(
        self, exchange: _Exchange, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments for a request with its context in the headers."""
        request = args[0] if args else kwargs.get("request")
        if isinstance(request, self._request_type):
            # A hook may have given it others.
            exchange.call.inject(request.headers)
            return args, kwargs
        headers = self._library.Headers(exchange.headers)
        exchange.call.inject(headers)
        if len(args) > 2:
            return (*args[:2], headers.raw, *args[3:]), kwargs
        return args, {**kwargs, "headers": headers.raw}

    def _answer(self, exchange: _Exchange, response: Any, error: BaseException | None) -> ResponseInfo | None:
        """Puts a response, or an exception instead, on the span. Returns what a hook gets, unless there is none."""
        try:
            call, telemetry = exchange.call, self._telemetry
            failed = error if isinstance(error, Exception) else None
            if isinstance(response, self._response_type):
                version = response.extensions.get("http_version", b"HTTP/1.1")
                answer = None
                status, headers = response.status_code, response.headers
                if self._response_hook is not None:
                    answer = ResponseInfo(status, headers, response.stream, response.extensions)
            elif isinstance(response, tuple):
                # Before 0.20.
                answer = ResponseInfo(*response)
                version = (answer.extensions or {}).get("http_version", b"HTTP/1.1")
                status, headers = answer.status_code, answer.headers
            else:
                exchange.outcome = telemetry.outcome(call.peer, None, "", failed)
                telemetry.describe(call, exchange.outcome, None)
                return None
            text = version.decode("ascii", "ignore") if isinstance(version, bytes) else str(version)
            exchange.outcome = telemetry.outcome(call.peer, status, text.replace("HTTP/", ""), failed)
            telemetry.describe(call, exchange.outcome, lambda: self._texts(headers))
            return answer
        except Exception:
            _logger.exception("The telemetry of a request is incomplete")
            return None

    def _end(self, exchange: _Exchange, error: BaseException | None) -> None:
        call = exchange.call
        try:
            if error is not None:
                _fail(call.span, error)
            elif exchange.outcome is not None:
                self._telemetry.measure(call, exchange.outcome, exchange.seconds)
        except Exception:
            _logger.exception("The telemetry of a request is incomplete")
        finally:
            call.span.end()

    def _texts(self, headers: Any) -> dict[str, list[str]]:
        """The values of each header, also those that are in one line."""
        if isinstance(headers, self._library.Headers):
            return {name.lower(): headers.get_list(name, split_commas=True) for name in headers.keys()}
        return _header_texts(headers or ())

    def _read_url(self, url: str) -> tuple[str, Any, Any]:
        try:
            parsed = self._library.URL(url)
            return parsed.scheme, parsed.host, parsed.port
        except Exception:
            # What the transport will do with it is not for us to say.
            return "", None, None


def _request_info(request: Any) -> RequestInfo:
    return RequestInfo(request.method.encode(), request.url, request.headers, request.stream, request.extensions)


def _old_request_info(
    method: bytes, url: Any, headers: Any = None, stream: Any = None, extensions: Any = None
) -> RequestInfo:
    # Before httpx 0.20 a transport got a request in parts.
    return RequestInfo(method, url, headers, stream, extensions)


def _old_url(url: Any) -> str:
    if not isinstance(url, tuple):
        return str(url)
    scheme, host, port, path = (part.decode("latin-1") if isinstance(part, bytes) else part for part in url)
    if ":" in host:
        host = f"[{host}]"
    return f"{scheme}://{host}{'' if port is None else f':{port}'}{path}"
