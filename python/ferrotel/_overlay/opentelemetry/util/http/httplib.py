"""Adds the peer's address to the spans of HTTP clients that stand on `http.client`. Makes no spans of its own."""

from __future__ import annotations

import contextlib
import functools
import http.client
import logging
from typing import Any, Callable, Collection, Dict, Iterator, List, TypeVar

from opentelemetry import context
from opentelemetry.instrumentation._semantic_conventions import NET_PEER_IP
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor
from opentelemetry.trace.span import Span

_STATE_KEY = "httpbase_instrumentation_state"

logger = logging.getLogger(__name__)

# Was a method ever watched? Until then a client need not say for which span.
_watches = False

R = TypeVar("R")

# The spans of the current context that wait for the address of the next connection.
_State = Dict[str, List[Span]]


class HttpClientInstrumentor(BaseInstrumentor):
    """Watches the connections that `http.client` makes."""

    def instrumentation_dependencies(self) -> Collection[str]:
        return ()

    def _instrument(self, **kwargs: Any) -> None:
        instrument_connect(http.client.HTTPConnection)
        instrument_connect(http.client.HTTPConnection, "send")

    def _uninstrument(self, **kwargs: Any) -> None:
        for name in ("connect", "send"):
            watched = vars(http.client.HTTPConnection).get(name)
            if hasattr(watched, "_watches_connections"):
                setattr(http.client.HTTPConnection, name, vars(watched)["__wrapped__"])


def instrument_connect(module: type[Any], name: str = "connect") -> None:
    """Watches a method that connects, such as that of a class derived from `HTTPConnection`."""
    global _watches
    original: Callable[..., Any] = getattr(module, name)
    _watches = True

    @functools.wraps(original)
    def watched(connection: Any, *args: Any, **kwargs: Any) -> Any:
        # A connection that was used before has its address now; a new one has it afterwards.
        done = name == "send" and trysetip(connection)
        result = original(connection, *args, **kwargs)
        if not done:
            trysetip(connection, loglevel=logging.WARNING)
        return result

    watched._watches_connections = True  # type: ignore[attr-defined]
    setattr(module, name, watched)


@contextlib.contextmanager
def set_ip_on_next_http_connection(span: Span) -> Iterator[None]:
    """The address of the connection that is used within becomes the span's attribute `net.peer.ip`."""
    state = _getstate()
    if not state:
        token = context.attach(context.set_value(_STATE_KEY, {"need_ip": [span]}))
        try:
            yield
        finally:
            context.detach(token)
        return
    waiting = state["need_ip"]
    waiting.append(span)
    try:
        yield
    finally:
        # It is gone already when it stopped recording.
        with contextlib.suppress(ValueError):
            waiting.remove(span)


def trysetip(conn: http.client.HTTPConnection, loglevel: int = logging.DEBUG) -> bool:
    """Sets the address on the spans that wait for it. False when the connection is not made yet."""
    state = _getstate()
    waiting = state.get("need_ip") if state else None
    if not waiting or not _remove_nonrecording(waiting):
        return True
    sock: Any = "<property not accessed>"
    try:
        sock = conn.sock
        logger.debug("Got socket: %s", sock)
        if sock is None:
            return False
        address = sock.getpeername()
        ip = address[0] if address else None
    except Exception:
        logger.log(loglevel, "Failed to get peer address from %s", sock, exc_info=True, stack_info=True)
        return True
    if ip:
        for span in waiting:
            span.set_attribute(NET_PEER_IP, ip)
    return True


def _remove_nonrecording(spanlist: list[Span]) -> bool:
    """Takes out the spans that do not record, and says whether any is left."""
    for span in spanlist:
        if not span.is_recording():
            logger.debug("Span is not recording: %s", span)
    spanlist[:] = [span for span in spanlist if span.is_recording()]
    return bool(spanlist)


def _getstate() -> _State | None:
    state: _State | None = context.get_value(_STATE_KEY)  # type: ignore[assignment]
    return state
