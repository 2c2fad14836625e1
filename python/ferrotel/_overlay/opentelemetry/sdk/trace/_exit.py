"""The end of a child of `multiprocessing`: before CPython 3.13 no `atexit` handler runs, telemetry would be lost."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk.trace import TracerProvider


def deliver_at_end_of_child(provider: TracerProvider | LoggerProvider) -> None:
    """In a child of `multiprocessing`, lets its end shut the provider down; elsewhere nothing."""
    # Without an import of ours: who has not loaded it is no child.
    util = sys.modules.get("multiprocessing.util")
    if util is None:
        return
    if sys.modules["multiprocessing.process"].parent_process() is not None:
        _finalize(provider)
    # A child that has only just been forked, or imports its main module, does not know yet that it is one.
    util.register_after_fork(provider, _finalize)


def _finalize(provider: TracerProvider | LoggerProvider) -> None:
    def shut_down() -> None:
        if provider._atexit_handler is not None:
            provider.shutdown()

    sys.modules["multiprocessing.util"].Finalize(None, shut_down, exitpriority=0)
