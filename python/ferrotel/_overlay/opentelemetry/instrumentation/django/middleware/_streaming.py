"""Responses that are made while they are sent: their span is current meanwhile, and ends with them."""

from __future__ import annotations

from typing import Any, AsyncIterator

from opentelemetry.context import attach, detach
from opentelemetry.instrumentation.wsgi import _Response
from opentelemetry.trace import Span
from opentelemetry.trace.status import Status, StatusCode


def _keep_open(response: Any, span: Span, context: Any) -> bool:
    """Has a response end its span when it is closed or exhausted, as servers must close it."""
    if getattr(response, "file_to_stream", None) is not None:
        # The server may send the file by itself: nothing of it may be touched.
        _close_with(response, _Response((), span, context))
    elif getattr(response, "is_async", False):
        response.streaming_content = _AsyncParts(response.streaming_content, span, context)
    else:
        response.streaming_content = _Response(response.streaming_content, span, context)
    return True


def _close_with(response: Any, parts: _Response) -> None:
    closers = getattr(response, "_resource_closers", None)
    if closers is not None:
        closers.append(parts.close)
    else:
        # Older releases take objects, not functions.
        response._closable_objects.append(parts)


class _AsyncParts:
    """The parts of a response from an asynchronous iterator. Its span is current while each is made, and only then."""

    def __init__(self, parts: AsyncIterator[Any], span: Span, context: Any) -> None:
        self._parts = parts
        self._span = span
        self._context = context
        self._ended = False

    def __aiter__(self) -> _AsyncParts:
        return self

    async def __anext__(self) -> Any:
        token: Any = attach(self._context)
        try:
            return await self._parts.__anext__()
        except GeneratorExit:
            # Thrown away, perhaps in another context.
            token = None
            self.close()
            raise
        except BaseException as error:
            if isinstance(error, Exception) and not isinstance(error, StopAsyncIteration):
                self._span.record_exception(error)
                self._span.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {error}"))
            self.close()
            raise
        finally:
            if token is not None:
                detach(token)

    def close(self) -> None:
        """Ends the span."""
        if not self._ended:
            self._ended = True
            self._span.end()

    def __del__(self) -> None:
        # A server that forgets to close.
        self.close()
