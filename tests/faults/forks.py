"""Forks, while spans are made."""

from __future__ import annotations

from .ends import GUNICORN, requests_then_sigterm
from .running import Case


def _forks(name: str, *arguments: str, **more: object) -> Case:
    return Case("fork", name, ["forking.py", *arguments], seconds=10, **more)  # type: ignore[arg-type]


CASES = [
    *(
        _forks(f"{count} children, two threads make spans", "children", str(count), quick=count == 20)
        for count in (0, 1, 20, 200)
    ),
    _forks("children of forked children", "grandchildren"),
    _forks("100 forks, threads in every lock", "in_the_locks", "100", official=False),
    _forks("5,000 forks, threads in every lock", "in_the_locks", "5000", patience=900, quick=False, official=False),
    Case("fork", "gunicorn, SDK in each worker", GUNICORN, drive=requests_then_sigterm, quick=False),
    Case("fork", "gunicorn --preload, SDK in the master", [*GUNICORN, "--preload"], drive=requests_then_sigterm),
    Case("fork", "gunicorn -k gevent, SDK in each worker", [*GUNICORN, "-k", "gevent"], drive=requests_then_sigterm),
    Case(
        "fork",
        "gunicorn -k gevent --preload, SDK in the master",
        [*GUNICORN, "-k", "gevent", "--preload"],
        drive=requests_then_sigterm,
        quick=False,
    ),
    Case(
        "fork",
        "opentelemetry-instrument gunicorn",
        ["{bin}/opentelemetry-instrument", "{python}", *GUNICORN],
        drive=requests_then_sigterm,
        environ={
            "FAULTS_SET_UP": "auto",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "*",
        },
    ),
]
