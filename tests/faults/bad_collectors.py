"""Collectors that are away, slow or wrong, and what the program feels of it."""

from __future__ import annotations

import functools
import time

from . import collector as kinds
from .collector import ClosedPort, Collector, Mute
from .grpc_collector import GrpcCollector
from .running import Case, Run


def restarts(run: Run) -> None:
    """Goes away for a second and a half, and comes back on the same port."""
    run.wait_for(lambda: run.collector is not None and run.collector.spans)
    collector = run.collector
    assert isinstance(collector, Collector)
    # What is counted is still to be answered.
    time.sleep(0.2)
    collector.stop()
    time.sleep(1.5)
    collector.start()


def _bad(name: str, collector: object, seconds: float = 4.0, **more: object) -> Case:
    more.setdefault("lines", 2)
    more.setdefault("seconds", 8)
    command = ["steady.py", "steady", str(seconds), "500"]
    return Case("collector", name, command, collector=collector, **more)  # type: ignore[arg-type]


def _http(behaviour: object) -> object:
    return functools.partial(Collector, behaviour)


def _grpc(*arguments: object) -> object:
    return functools.partial(GrpcCollector, *arguments)


CASES = [
    _bad("good", Collector, quick=False, lines=0),
    _bad("refuses connections", ClosedPort, lost=None, lines=3, quick=False),
    _bad("refuses connections, gRPC", ClosedPort, protocol="grpc", lost=None, lines=3, quick=False),
    _bad("black hole", Mute, environ={"OTEL_EXPORTER_OTLP_TIMEOUT": "1"}, lost=None, lines=3, quick=False),
    _bad(
        "black hole, gRPC",
        Mute,
        environ={"OTEL_EXPORTER_OTLP_TIMEOUT": "1"},
        protocol="grpc",
        lost=None,
        lines=3,
        quick=False,
    ),
    _bad("answers after 0.5 s", _http(kinds.slow), quick=False, lines=0),
    _bad("resets every other answer in its first line", _http(kinds.resets_every_second), seconds=2.0),
    _bad("429, Retry-After: 1, three times", _http(kinds.throttles(429, 3)), lines=1),
    _bad("503, Retry-After: 1, three times", _http(kinds.throttles(503, 3)), quick=False, lines=1),
    _bad("503 twice, without Retry-After", _http(kinds.throttles(503, 2, None)), quick=False, lines=1),
    _bad("400", _http(kinds.refuses(400)), lost=None, lines=1, seconds=2.0),
    _bad("answers with 200 MB", _http(kinds.hostile), seconds=2.0, quick=False, lines=0),
    _bad("partial success", _http(kinds.partial), seconds=2.0, lines=1),
    _bad("restarts on the same port", Collector, drive=restarts),
    _bad("speaks no TLS, https:// endpoint", Collector, scheme="https", lost=None, lines=1, seconds=2.0),
    _bad("gRPC UNAVAILABLE, twice", _grpc("UNAVAILABLE", 2), protocol="grpc", quick=False, lines=1),
    _bad(
        "gRPC RESOURCE_EXHAUSTED with RetryInfo, three times",
        _grpc("RESOURCE_EXHAUSTED", 3, 300),
        protocol="grpc",
        lines=1,
    ),
    _bad(
        "gRPC RESOURCE_EXHAUSTED without RetryInfo, always",
        _grpc("RESOURCE_EXHAUSTED", 10**9),
        protocol="grpc",
        lost=None,
        lines=1,
        quick=False,
    ),
]
