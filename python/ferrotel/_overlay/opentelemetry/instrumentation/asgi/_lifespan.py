"""The end of an application, as its server announces it.

uvicorn lets the signal that stopped it end the process, so that nothing that is registered with `atexit` runs. The
application's shutdown is the last that can be heard of it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any, Awaitable, Callable, MutableMapping

from opentelemetry._logs import get_logger_provider
from opentelemetry.metrics import get_meter_provider
from opentelemetry.trace import get_tracer_provider

_Event = MutableMapping[str, Any]
_Send = Callable[[_Event], Awaitable[None]]

_MOST_SECONDS = 3.0
"""So long a shutdown waits at most for a collector that does not answer."""

_logger = logging.getLogger(__name__)


def delivering_at_shutdown(send: _Send) -> _Send:
    """What an application gets for the server's `send` in its lifespan: the providers of this process have delivered
    what they hold before the server hears that the application has shut down."""

    async def send_when_delivered(event: _Event) -> None:
        if event.get("type") in ("lifespan.shutdown.complete", "lifespan.shutdown.failed"):
            try:
                await asyncio.get_running_loop().run_in_executor(None, _deliver)
            except Exception:
                # No asyncio, or no more threads: the server's shutdown goes before.
                _logger.debug("Nothing was delivered at the shutdown of the application", exc_info=True)
        await send(event)

    return send_when_delivered


def _deliver() -> None:
    deadline = time.monotonic() + _MOST_SECONDS
    for provider in (get_tracer_provider(), get_logger_provider(), get_meter_provider()):
        # The API's own providers hold nothing.
        flush = getattr(provider, "force_flush", None)
        milliseconds = int((deadline - time.monotonic()) * 1000)
        if flush is None or milliseconds <= 0:
            continue
        try:
            flush(milliseconds)
        except Exception:
            _logger.exception("A provider could not deliver what it holds")
