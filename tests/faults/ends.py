"""How a program ends, and what is delivered then."""

from __future__ import annotations

import signal

from .collector import ClosedPort, Mute
from .running import Case, Run
from .servers import GUNICORN, UVICORN, requests_then_sigterm

TERMINATED = -signal.SIGTERM


def sigterm(run: Run) -> None:
    run.wait_until_ready()
    run.kill(signal.SIGTERM)


def _ends(name: str, *arguments: str, **more: object) -> Case:
    return Case("exit", name, ["ending.py", *arguments], **more)  # type: ignore[arg-type]


CASES = [
    _ends("normal exit, nothing shut down", "normal"),
    _ends("sys.exit", "sys_exit", status=3),
    _ends("unhandled exception", "unhandled_exception", status=1),
    _ends("SIGTERM, no handler", "waits", telling=True, drive=sigterm, status=TERMINATED),
    _ends("SIGTERM, no handler, while a thread makes spans", "busy", drive=sigterm, status=TERMINATED),
    _ends("SIGTERM, a handler that calls sys.exit", "with_handler", drive=sigterm),
    _ends("SIGTERM raised after its default was put back", "puts_default_back", status=TERMINATED),
    _ends("os.kill(os.getpid(), SIGTERM)", "kills_itself", status=TERMINATED),
    _ends("SIGTERM, no handler: a counter's 500", "counter_waits", drive=sigterm, status=TERMINATED, metrics=True),
    Case("exit", "uvicorn, SIGTERM", UVICORN, drive=requests_then_sigterm, status=TERMINATED, telling=True),
    Case("exit", "gunicorn, SIGTERM", [*GUNICORN, "--preload"], drive=requests_then_sigterm),
    _ends("8 children of multiprocessing, fork", "children", "fork", telling=True),
    _ends("8 children of multiprocessing, spawn", "children", "spawn", quick=False),
    _ends("8 children of multiprocessing, forkserver", "children", "forkserver", quick=False),
    _ends("multiprocessing.Pool in a with statement", "pool", telling=True),
    _ends("daemon threads still make spans", "daemon_threads", telling=True),
    _ends("threads outlive the main one", "late_threads"),
    _ends("atexit functions and finalizers make spans", "finalizers"),
    _ends("shut down twice, used afterwards", "twice", says=()),
    _ends(
        "three signals, shut down twice, used afterwards",
        "all_twice",
        says=["^shutdown can only be called once$", "^Exporter already shutdown, ignoring batch$"],
    ),
    _ends("three signals, good collector", "everything"),
    *(
        _ends(
            f"three signals, {name}, {trouble}",
            "everything",
            collector=collector,
            protocol=protocol,
            lost=None,
            seconds=8,
            quick=False,
            telling=protocol == "http",
        )
        for protocol, name in (("http", "HTTP"), ("grpc", "gRPC"))
        for trouble, collector in (("refused", ClosedPort), ("black hole", Mute))
    ),
    _ends(
        "the same, HTTP, refused, FERROTEL_EXIT_TIMEOUT=1",
        "everything",
        collector=ClosedPort,
        environ={"FERROTEL_EXIT_TIMEOUT": "1"},
        lost=None,
        seconds=4,
        official=False,
    ),
    *(
        _ends(
            f"SIGTERM, no handler, {trouble}",
            "waits",
            drive=sigterm,
            collector=collector,
            lost=None,
            status=TERMINATED,
            seconds=seconds,
        )
        for trouble, collector, seconds in (("refused", ClosedPort, 1.5), ("black hole", Mute, 4))
    ),
]
