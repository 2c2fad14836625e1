"""Instruments httpx and httpx2: a span and metrics of every request, and its context in the headers.

    from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor

    HTTPXClientInstrumentor().instrument()  # all clients
    HTTPXClientInstrumentor.instrument_client(client)  # or this one

`SyncOpenTelemetryTransport` and `AsyncOpenTelemetryTransport` do it for one transport. What is for httpx2 has a 2 in
its name. Each request of a chain of redirects has a span. It ends when the headers of the response are there: a body
that is streamed comes later. OTEL_PYTHON_HTTPX_EXCLUDED_URLS, or else OTEL_PYTHON_EXCLUDED_URLS, holds regular
expressions for the URLs of requests that get none, with commas between them.
"""

from __future__ import annotations

import functools
from importlib import import_module
from inspect import iscoroutinefunction
from logging import getLogger
from types import MethodType
from typing import Any, Awaitable, Callable, Collection

from opentelemetry.instrumentation._semantic_conventions import (  # noqa: F401
    ERROR_TYPE,
    HTTP_CLIENT_REQUEST_DURATION,
    NETWORK_PEER_ADDRESS,
    NETWORK_PEER_PORT,
)
from opentelemetry.instrumentation._semconv import (  # noqa: F401
    HTTP_DURATION_HISTOGRAM_BUCKETS_NEW,
    HTTP_DURATION_HISTOGRAM_BUCKETS_OLD,
)
from opentelemetry.instrumentation.httpx._exchange import RequestInfo, ResponseInfo, _Exchanges
from opentelemetry.instrumentation.httpx.package import _instruments_httpx, _instruments_httpx2
from opentelemetry.instrumentation.httpx.version import __version__  # noqa: F401
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor
from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import Span, TracerProvider
from opentelemetry.util.http import (  # noqa: F401
    OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_REQUEST,
    OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_RESPONSE,
    OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS,
)
from opentelemetry.util.types import AttributeValue  # noqa: F401

RequestHook = Callable[[Span, "RequestInfo"], None]
ResponseHook = Callable[[Span, "RequestInfo", "ResponseInfo"], None]
AsyncRequestHook = Callable[[Span, "RequestInfo"], Awaitable[Any]]
AsyncResponseHook = Callable[[Span, "RequestInfo", "ResponseInfo"], Awaitable[Any]]

_SYNC, _ASYNC = "handle_request", "handle_async_request"

_logger = getLogger(__name__)


def _imported(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        return None


_httpx_module = _imported("httpx")
_httpx2_module = _imported("httpx2")


class _SyncOpenTelemetryTransportBase:
    """Makes a span and metrics of each request that goes through a transport.

    `request_hook` is called with the span and the request before it is sent, `response_hook` with the response too.
    What a hook raises is logged. The providers are by default the global ones.
    """

    _module: Any

    def __init__(
        self,
        transport: Any,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        request_hook: RequestHook | None = None,
        response_hook: ResponseHook | None = None,
    ) -> None:
        self._transport = transport
        self._exchanges = _Exchanges(self._module, tracer_provider, meter_provider, request_hook, response_hook)

    def __enter__(self) -> _SyncOpenTelemetryTransportBase:
        self._transport.__enter__()
        return self

    def __exit__(self, exc_type: Any = None, exc_value: Any = None, traceback: Any = None) -> None:
        self._transport.__exit__(exc_type, exc_value, traceback)

    def handle_request(self, *args: Any, **kwargs: Any) -> Any:
        """Sends a request."""
        return self._exchanges.send(_bare(self._transport.handle_request), args, kwargs)

    def close(self) -> None:
        """Closes the transport."""
        self._transport.close()


class _AsyncOpenTelemetryTransportBase:
    """Makes a span and metrics of each request that goes through an asynchronous transport. Its hooks are coroutine
    functions."""

    _module: Any

    def __init__(
        self,
        transport: Any,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        request_hook: AsyncRequestHook | None = None,
        response_hook: AsyncResponseHook | None = None,
    ) -> None:
        self._transport = transport
        self._exchanges = _Exchanges(self._module, tracer_provider, meter_provider, request_hook, response_hook)

    async def __aenter__(self) -> _AsyncOpenTelemetryTransportBase:
        await self._transport.__aenter__()
        return self

    async def __aexit__(self, exc_type: Any = None, exc_value: Any = None, traceback: Any = None) -> None:
        await self._transport.__aexit__(exc_type, exc_value, traceback)

    async def handle_async_request(self, *args: Any, **kwargs: Any) -> Any:
        """Sends a request."""
        return await self._exchanges.send_async(_bare(self._transport.handle_async_request), args, kwargs)

    async def aclose(self) -> None:
        """Closes the transport."""
        await self._transport.aclose()


if _httpx_module is not None:

    class SyncOpenTelemetryTransport(
        _SyncOpenTelemetryTransportBase,
        _httpx_module.BaseTransport,  # type: ignore[misc,name-defined]
    ):
        __doc__ = _SyncOpenTelemetryTransportBase.__doc__
        _module = _httpx_module

    class AsyncOpenTelemetryTransport(
        _AsyncOpenTelemetryTransportBase,
        _httpx_module.AsyncBaseTransport,  # type: ignore[misc,name-defined]
    ):
        __doc__ = _AsyncOpenTelemetryTransportBase.__doc__
        _module = _httpx_module


if _httpx2_module is not None:

    class SyncOpenTelemetryTransportHttpx2(
        _SyncOpenTelemetryTransportBase,
        _httpx2_module.BaseTransport,  # type: ignore[misc,name-defined]
    ):
        __doc__ = _SyncOpenTelemetryTransportBase.__doc__
        _module = _httpx2_module

    class AsyncOpenTelemetryTransportHttpx2(
        _AsyncOpenTelemetryTransportBase,
        _httpx2_module.AsyncBaseTransport,  # type: ignore[misc,name-defined]
    ):
        __doc__ = _AsyncOpenTelemetryTransportBase.__doc__
        _module = _httpx2_module


def _is_ours(method: Any) -> bool:
    return getattr(method, "_is_instrumented_by_opentelemetry", False) is True


def _bare(method: Any) -> Any:
    """A transport's method without what the instrumentation put around that of its class: one span is enough."""
    function: Any = getattr(method, "__func__", None)
    return MethodType(function.__wrapped__, method.__self__) if _is_ours(function) else method


def _of_class(function: Callable[..., Any], exchanges: _Exchanges, is_async: bool) -> Any:
    """A method of a transport's class, with telemetry."""

    @functools.wraps(function)
    def handle_request(transport: Any, *args: Any, **kwargs: Any) -> Any:
        return exchanges.send(MethodType(function, transport), args, kwargs)

    @functools.wraps(function)
    async def handle_async_request(transport: Any, *args: Any, **kwargs: Any) -> Any:
        return await exchanges.send_async(MethodType(function, transport), args, kwargs)

    handle: Any = handle_async_request if is_async else handle_request
    handle._is_instrumented_by_opentelemetry = True
    return handle


def _of_instance(method: Callable[..., Any], exchanges: _Exchanges, is_async: bool) -> Any:
    """A method of one transport, with telemetry."""

    @functools.wraps(method)
    def handle_request(*args: Any, **kwargs: Any) -> Any:
        return exchanges.send(method, args, kwargs)

    @functools.wraps(method)
    async def handle_async_request(*args: Any, **kwargs: Any) -> Any:
        return await exchanges.send_async(method, args, kwargs)

    handle: Any = handle_async_request if is_async else handle_request
    handle._is_instrumented_by_opentelemetry = True
    return handle


def _transports(client: Any) -> list[Any]:
    # A mount without a transport is one where no proxy is used.
    return [transport for transport in (client._transport, *client._mounts.values()) if transport is not None]


class _BaseHTTPXClientInstrumentor(BaseInstrumentor):
    """Instruments a library with the interface of httpx.

    What `instrument` takes:

    - `request_hook`: called with the span and a `RequestInfo`, before the request is sent.
    - `response_hook`: called with the span, the `RequestInfo` and a `ResponseInfo`.
    - `async_request_hook`, `async_response_hook`: the same for asynchronous clients; coroutine functions.
    - `tracer_provider`, `meter_provider`: default: the global ones.

    What a hook raises is logged.
    """

    _module: Any
    _module_name: str
    _instrumentation_dependencies: tuple[str, ...]
    # Those that wrap methods of the library's classes, and what they were before.
    _wrapped: tuple[tuple[Any, str, Any, _Exchanges], ...] = ()

    def instrumentation_dependencies(self) -> Collection[str]:
        return self._instrumentation_dependencies

    @classmethod
    def _library(cls) -> Any:
        if cls._module is None:
            raise ModuleNotFoundError(f"{cls._module_name} is not installed: no client of it can be instrumented")
        return cls._module

    def _instrument(self, **kwargs: Any) -> None:
        library = self._library()
        providers = (kwargs.get("tracer_provider"), kwargs.get("meter_provider"))
        hooks = (kwargs.get("request_hook"), kwargs.get("response_hook"))
        async_hooks = tuple(
            hook if iscoroutinefunction(hook) else None
            for hook in (kwargs.get("async_request_hook"), kwargs.get("async_response_hook"))
        )
        self._wrapped = tuple(
            (cls, name, getattr(cls, name), _Exchanges(library, *providers, *chosen))
            for cls, name, chosen in (
                (library.HTTPTransport, _SYNC, hooks),
                (library.AsyncHTTPTransport, _ASYNC, async_hooks),
            )
        )
        for cls, name, original, exchanges in self._wrapped:
            setattr(cls, name, _of_class(original, exchanges, name == _ASYNC))

    def _uninstrument(self, **kwargs: Any) -> None:
        wrapped, self._wrapped = self._wrapped, ()
        for cls, name, original, exchanges in wrapped:
            # What the program wrapped around ours stays: then ours has nothing to do any more.
            exchanges.removed = True
            if _is_ours(getattr(cls, name)):
                setattr(cls, name, original)

    @classmethod
    def instrument_client(
        cls,
        client: Any,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        request_hook: RequestHook | AsyncRequestHook | None = None,
        response_hook: ResponseHook | AsyncResponseHook | None = None,
    ) -> None:
        """Instruments one client, whose hooks are coroutine functions if it is asynchronous. A second time, this only
        warns."""
        library = cls._library()
        if getattr(client, "_is_instrumented_by_opentelemetry", False):
            _logger.warning("Attempting to instrument Httpx client while already instrumented")
            return
        for name in (_SYNC, _ASYNC):
            if not hasattr(client._transport, name):
                continue
            hooks = [
                hook if callable(hook) and iscoroutinefunction(hook) is (name == _ASYNC) else None
                for hook in (request_hook, response_hook)
            ]
            exchanges = _Exchanges(library, tracer_provider, meter_provider, *hooks)
            for transport in _transports(client):
                # Two clients may share one.
                if hasattr(transport, name) and not _is_ours(_own(transport, name)):
                    setattr(transport, name, _of_instance(_bare(getattr(transport, name)), exchanges, name == _ASYNC))
            client._is_instrumented_by_opentelemetry = True

    @staticmethod
    def uninstrument_client(client: Any) -> None:
        """Takes the instrumentation out of one client, be it its own or that of all clients."""
        for transport in _transports(client):
            for name in (_SYNC, _ASYNC):
                own = _own(transport, name)
                if _is_ours(own):
                    _restore(transport, name, own.__wrapped__)
                method = getattr(transport, name, None)
                if _is_ours(getattr(method, "__func__", None)):
                    # Of all clients: this one no longer looks at its class.
                    setattr(transport, name, _bare(method))
        client._is_instrumented_by_opentelemetry = False


def _own(transport: Any, name: str) -> Any:
    return getattr(transport, "__dict__", {}).get(name)


def _restore(transport: Any, name: str, original: Any) -> None:
    # A method of its class needs no place in the transport.
    if getattr(original, "__self__", None) is transport:
        delattr(transport, name)
    else:
        setattr(transport, name, original)


class HTTPXClientInstrumentor(_BaseHTTPXClientInstrumentor):
    __doc__ = _BaseHTTPXClientInstrumentor.__doc__
    _module = _httpx_module
    _module_name = "httpx"
    _instrumentation_dependencies = _instruments_httpx


class HTTPX2ClientInstrumentor(_BaseHTTPXClientInstrumentor):
    __doc__ = _BaseHTTPXClientInstrumentor.__doc__
    _module = _httpx2_module
    _module_name = "httpx2"
    _instrumentation_dependencies = _instruments_httpx2
