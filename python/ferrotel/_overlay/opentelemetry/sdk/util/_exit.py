"""The end of a process: who delivers what waits, and how long that may hold the program up.

A regular end runs `atexit` handlers, or in a child of `multiprocessing`, which before CPython 3.13 runs none, that
package's finalizers. SIGTERM without a handler runs nothing in Python: there the engine looks after its own queues, and
asks here for the rest.
"""

from __future__ import annotations

import atexit
import sys
import time
from _weakrefset import WeakSet
from os import environ

from ferrotel import _native
from ferrotel._late import TYPE_CHECKING, getLogger

if TYPE_CHECKING:
    from typing import Any, Callable, Union

    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.trace import TracerProvider

    Provider = Union[TracerProvider, LoggerProvider, MeterProvider]

_logger = getLogger(__name__)
_DEFAULT_PATIENCE_SECONDS = 5.0
# What a last collection of metrics gets where others have used the time up.
_LEAST_SECONDS = 1.0


def shut_down_at_exit(provider: Provider) -> Callable[[], Any]:
    """Has the provider shut down when the program exits; returns what to unregister from `atexit`."""
    handler: Callable[[], Any] = atexit.register(provider.shutdown)
    # The handler that was registered last runs first: before the first provider all queues begin to be delivered.
    atexit.unregister(_begin_exit)
    atexit.register(_begin_exit)
    deliver_at_end_of_child(provider)
    return handler


# Those that the end of a child delivers.
_providers: WeakSet[Provider] = WeakSet()


def deliver_at_end_of_child(provider: Provider) -> None:
    """In a child of `multiprocessing` or of celery, lets its end deliver what the provider has; elsewhere nothing."""
    _providers.add(provider)
    _deliver_at_end_of_celery_worker()
    # Without an import of ours: who has not loaded it is no child. A provider asks again in each child.
    util = sys.modules.get("multiprocessing.util")
    if util is None:
        return
    if sys.modules["multiprocessing.process"].parent_process() is not None:
        _finalize(provider)
    # A child that has only just been forked, or imports its main module, does not know yet that it is one.
    util.register_after_fork(provider, _finalize)


def _deliver_at_end_of_celery_worker() -> None:
    celery = sys.modules.get("celery.signals")
    if celery is not None:
        # A process of its pool leaves by `os._exit`, and runs nothing but this.
        celery.worker_process_shutdown.connect(_flush_providers, weak=False, dispatch_uid=__name__)


def _flush_providers(**_: Any) -> None:
    # Not the exit: a program may send the signal by itself, and goes on.
    deadline = time.monotonic() + _patience()
    for provider in list(_providers):
        if provider._atexit_handler is not None:
            try:
                provider.force_flush(int(max(deadline - time.monotonic(), _LEAST_SECONDS) * 1e3))
            except Exception:
                _logger.exception("Exception while flushing at the end of a worker")


def _finalize(provider: Provider) -> None:
    def shut_down() -> None:
        if provider._atexit_handler is not None:
            _begin_exit()
            provider.shutdown()

    sys.modules["multiprocessing.util"].Finalize(None, shut_down, exitpriority=0)


def _begin_exit() -> None:
    _native.begin_exit(_patience())


def _patience() -> float:
    """How many seconds an exit waits where nothing is accepted."""
    try:
        return float(environ.get("FERROTEL_EXIT_TIMEOUT", _DEFAULT_PATIENCE_SECONDS))
    except ValueError:
        _logger.warning("Found invalid value for FERROTEL_EXIT_TIMEOUT, using default")
        return _DEFAULT_PATIENCE_SECONDS


def within_exit(seconds: float) -> float:
    """At most this time where the program is exiting: what is left for the exit, and a second in any case."""
    left = _native.exit_time_left()
    return seconds if left is None else min(seconds, max(left, _LEAST_SECONDS))


# What holds telemetry in Python, each with a `force_flush(timeout_millis=...)`.
_holders: WeakSet[Any] = WeakSet()


def deliver_at_sigterm(holder: Any) -> None:
    """Has a processor or reader flushed when SIGTERM is about to end this process, for as long as the object lives."""
    _holders.add(holder)
    _native.deliver_at_sigterm(_flush_holders)


def _flush_holders(seconds: float) -> None:
    deadline = time.monotonic() + seconds
    for holder in list(_holders):
        left = deadline - time.monotonic()
        if left <= 0:
            return
        try:
            holder.force_flush(timeout_millis=left * 1e3)
        except Exception:
            _logger.exception("Exception while flushing at SIGTERM")
