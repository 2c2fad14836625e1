"""Threads begin in the context of whoever started them.

    from opentelemetry.instrumentation.threading import ThreadingInstrumentor

    ThreadingInstrumentor().instrument()

`threading.Thread` and `Timer` take along the context that is current in `start`, and a `ThreadPoolExecutor` the one
that is current in `submit`. No telemetry is made. Python 3.14 can do the same by itself (`-X thread_inherit_context`).
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import thread as pool
from functools import partial, wraps
from typing import Any, Callable, Collection

from opentelemetry import context
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor
from opentelemetry.instrumentation.threading.package import _instruments


class ThreadingInstrumentor(BaseInstrumentor):
    """Instruments `threading` and `concurrent.futures`."""

    _originals: dict[tuple[type, str], tuple[Callable[..., Any], Callable[..., Any]]] = {}

    def instrumentation_dependencies(self) -> Collection[str]:
        return _instruments

    def _instrument(self, **kwargs: Any) -> None:
        self._originals = {}
        self._replace(threading.Thread, "start", _remembering_start)
        self._replace(threading.Thread, "run", _run_in_remembered)
        self._replace(threading.Timer, "run", _run_in_remembered)
        self._replace(ThreadPoolExecutor, "submit", _submit_in_current)

    def _replace(self, owner: type, name: str, wrap: Callable[..., Callable[..., Any]]) -> None:
        original = vars(owner)[name]
        replacement = wrap(self, original)
        self._originals[owner, name] = original, replacement
        setattr(owner, name, replacement)

    def _uninstrument(self, **kwargs: Any) -> None:
        for (owner, name), (original, replacement) in self._originals.items():
            # What somebody has put around ours since stays; ours does nothing then.
            if vars(owner).get(name) is replacement:
                setattr(owner, name, original)
        self._originals = {}


def _remembering_start(instrumentor: ThreadingInstrumentor, start: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(start)
    def remembering_start(self: Any, *args: Any, **kwargs: Any) -> Any:
        # A pool's thread outlives the call that it was started for, and gets the context with each task.
        if instrumentor._originals and getattr(self, "_target", None) is not pool._worker:
            self._otel_context = context.get_current()
            if type(self).run not in (threading.Thread.run, threading.Timer.run):
                return _start_own_run(self, partial(start, self, *args, **kwargs))
        return start(self, *args, **kwargs)

    return remembering_start


def _start_own_run(thread: Any, start: Callable[[], Any]) -> Any:
    """Starts a thread whose class has a `run` of its own, which need not call the one that is instrumented."""
    attributes = vars(thread)
    if "run" in attributes:
        return start()

    def run() -> Any:
        attributes.pop("run", None)
        return _call_in(thread._otel_context, thread.run)

    # It hides the class's until the thread has begun.
    attributes["run"] = run
    try:
        return start()
    except BaseException:
        attributes.pop("run", None)
        raise


def _run_in_remembered(instrumentor: ThreadingInstrumentor, run: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(run)
    def run_in_remembered(self: Any, *args: Any, **kwargs: Any) -> Any:
        remembered = getattr(self, "_otel_context", None)
        if remembered is None:
            return run(self, *args, **kwargs)
        return _call_in(remembered, run, self, *args, **kwargs)

    return run_in_remembered


def _submit_in_current(instrumentor: ThreadingInstrumentor, submit: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(submit)
    def submit_in_current(*args: Any, **kwargs: Any) -> Any:
        if not instrumentor._originals:
            return submit(*args, **kwargs)
        current = context.get_current()
        if len(args) > 1:
            args = (args[0], partial(_call_in, current, args[1]), *args[2:])
        elif "fn" in kwargs:
            # Deprecated, and gone since Python 3.9.
            kwargs["fn"] = partial(_call_in, current, kwargs["fn"])
        return submit(*args, **kwargs)

    return submit_in_current


def _call_in(current: context.Context, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    token = context.attach(current)
    try:
        return function(*args, **kwargs)
    finally:
        if token is not None:
            context.detach(token)
