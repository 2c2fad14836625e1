"""Servers and workers that fork by themselves: gunicorn, uWSGI, celery."""

from __future__ import annotations

import http.client
import re
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

from .running import PROGRAMS, Case, NotHere, Run

ROOT = Path(__file__).resolve().parents[2]
REQUESTS = 153
TASKS = 40

UVICORN = ["-m", "uvicorn", "web:asgi", "--port", "0", "--log-level", "info"]
# A worker that gets SIGTERM before it has gunicorn's handler ignores it, and is killed after the time that is given.
GUNICORN = ["-m", "gunicorn", "web:wsgi", "--bind", "127.0.0.1:0", "--workers", "2", "--no-control-socket"]
GUNICORN += ["--graceful-timeout", "3"]
UWSGI = ["-c", "import os, sys; os.execv(sys.argv[1], sys.argv[1:])", "{bin}/uwsgi", "--virtualenv", "{home}"]
UWSGI += ["--http-socket", "127.0.0.1:0", "--module", "web:wsgi", "--master", "--processes", "2"]
# With SIGTERM it would reload instead of end.
UWSGI += ["--die-on-term", "--need-app"]
CELERY = ["-m", "celery", "-A", "tasks", "worker", "--pool", "prefork", "--concurrency", "4"]
CELERY += ["--max-tasks-per-child", "1", "--without-gossip", "--without-mingle", "--loglevel", "info"]
LISTENS = r"(?:running on|Listening at:) http://127.0.0.1:(\d+)|bound to TCP address 127.0.0.1:(\d+)"


def requests_then_sigterm(run: Run) -> None:
    """Requests to a server that says on which port it listens, then the end that an orchestrator gives it."""
    found = run.wait_for(lambda: re.search(LISTENS, run.said))
    port = int(found[1] or found[2])
    for _ in range(REQUESTS):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", "/")
        assert connection.getresponse().status == 200
        connection.close()
    run.made_elsewhere = REQUESTS
    # A worker of uWSGI that is still busy with what follows the last answer ends without Python's exit handlers.
    time.sleep(0.2)
    run.kill(signal.SIGTERM)


def tasks_then_sigterm(run: Run) -> None:
    """Tasks to a worker each child of which ends after one; then the worker is told to end."""
    run.wait_for(lambda: " ready." in run.said)
    command = [run.python, "tasks.py", str(TASKS)]
    sent = subprocess.run(command, cwd=PROGRAMS, env=run.environ, capture_output=True, text=True, timeout=120)
    assert sent.returncode == 0, sent.stderr
    run.made_elsewhere = TASKS
    run.kill(signal.SIGTERM)


@contextmanager
def redis() -> Iterator[dict[str, str]]:
    """A Redis that keeps nothing on disk, as celery's broker."""
    script = subprocess.run([str(ROOT / "scripts" / "redis.sh")], capture_output=True, text=True)
    if script.returncode:
        raise NotHere(f"a Redis: {script.stderr.strip()}")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        command = [script.stdout.strip(), "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", folder]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + 20
            while time.monotonic() < deadline:
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    time.sleep(0.05)
            yield {"FAULTS_BROKER": f"redis://127.0.0.1:{port}/0"}
        finally:
            server.kill()
            server.wait()


AUTO = {
    "FAULTS_SET_UP": "auto",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "*",
}


def _serves(name: str, command: list[str], **more: object) -> Case:
    more.setdefault("drive", requests_then_sigterm)
    return Case("fork", name, command, seconds=10, **more)  # type: ignore[arg-type]


CASES = [
    _serves("gunicorn, SDK in each worker", GUNICORN, quick=False),
    _serves("gunicorn --preload, SDK in the master", [*GUNICORN, "--preload"], telling=True),
    _serves("gunicorn -k gevent, SDK in each worker", [*GUNICORN, "-k", "gevent"]),
    _serves("gunicorn -k gevent --preload, SDK in the master", [*GUNICORN, "-k", "gevent", "--preload"], quick=False),
    _serves(
        "opentelemetry-instrument gunicorn",
        ["{bin}/opentelemetry-instrument", "{python}", *GUNICORN],
        environ=AUTO,
        telling=True,
    ),
    _serves("uWSGI, SDK in the master", [*UWSGI, "--enable-threads"], quick=False, telling=True),
    _serves("uWSGI, SDK in the master, without --enable-threads", UWSGI, quick=False),
    _serves("uWSGI --lazy-apps, SDK in each worker", [*UWSGI, "--enable-threads", "--lazy-apps"], quick=False),
    _serves(
        "celery prefork, each child ends after one task",
        CELERY,
        drive=tasks_then_sigterm,
        beside=redis,
        patience=180,
        quick=False,
        telling=True,
    ),
]
