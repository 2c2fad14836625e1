"""How a program ends, and what is delivered then."""

from __future__ import annotations

import http.client
import re
import signal

from .collector import ClosedPort, Mute
from .running import Case, Run

TERMINATED = -signal.SIGTERM


def sigterm(run: Run) -> None:
    run.wait_until_ready()
    run.kill(signal.SIGTERM)


def requests_then_sigterm(run: Run) -> None:
    """Requests to a server that says on which port it listens, then the end that an orchestrator gives it."""
    port = int(run.wait_for(lambda: re.search(r"(?:running on|Listening at:) http://127.0.0.1:(\d+)", run.said))[1])
    for _ in range(153):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", "/")
        assert connection.getresponse().status == 200
        connection.close()
    run.made_elsewhere = 153
    run.kill(signal.SIGTERM)


def _ends(name: str, *arguments: str, **more: object) -> Case:
    return Case("exit", name, ["ending.py", *arguments], **more)  # type: ignore[arg-type]


UVICORN = ["-m", "uvicorn", "web:asgi", "--port", "0", "--log-level", "info"]
# A worker that gets SIGTERM before it has gunicorn's handler ignores it, and is killed after the time that is given.
GUNICORN = ["-m", "gunicorn", "web:wsgi", "--bind", "127.0.0.1:0", "--workers", "2", "--no-control-socket"]
GUNICORN += ["--graceful-timeout", "3"]

CASES = [
    _ends("normal exit, nothing shut down", "normal"),
    _ends("sys.exit", "sys_exit", status=3),
    _ends("unhandled exception", "unhandled_exception", status=1),
    _ends("SIGTERM, no handler", "waits", drive=sigterm, status=TERMINATED),
    _ends("SIGTERM, no handler, while a thread makes spans", "busy", drive=sigterm, status=TERMINATED),
    _ends("SIGTERM, a handler that calls sys.exit", "with_handler", drive=sigterm),
    _ends("SIGTERM raised after its default was put back", "puts_default_back", status=TERMINATED),
    _ends("os.kill(os.getpid(), SIGTERM)", "kills_itself", status=TERMINATED),
    _ends("SIGTERM, no handler: a counter's 500", "counter_waits", drive=sigterm, status=TERMINATED, metrics=True),
    Case("exit", "uvicorn, SIGTERM", UVICORN, drive=requests_then_sigterm, status=TERMINATED),
    Case("exit", "gunicorn, SIGTERM", [*GUNICORN, "--preload"], drive=requests_then_sigterm),
    _ends("8 children of multiprocessing, fork", "children", "fork"),
    _ends("8 children of multiprocessing, spawn", "children", "spawn", quick=False),
    _ends("8 children of multiprocessing, forkserver", "children", "forkserver", quick=False),
    _ends("multiprocessing.Pool in a with statement", "pool"),
    _ends("daemon threads still make spans", "daemon_threads"),
    _ends("shut down twice, used afterwards", "twice"),
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
