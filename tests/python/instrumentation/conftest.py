"""The servers that instrumented libraries talk to, each on a port of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Iterator, NamedTuple

import pytest

from opentelemetry.instrumentation._semconv import _OpenTelemetrySemanticConventionStability
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

ROOT = Path(__file__).parents[3]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class RedisServer(NamedTuple):
    port: int
    folder: Path

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    @property
    def unix_socket(self) -> str:
        return str(self.folder / "redis.sock")


def start_redis(folder: Path, *options: str) -> tuple[RedisServer, subprocess.Popen[bytes]]:
    """A Redis that keeps nothing on disk, and its process."""
    port = free_port()
    while port > 55535:
        # A cluster has a second port, 10,000 above.
        port = free_port()
    script = subprocess.run([str(ROOT / "scripts/redis.sh")], capture_output=True, text=True)
    if script.returncode:
        pytest.fail(script.stderr, pytrace=False)
    server, log = RedisServer(port, folder), folder / "log"
    command = [script.stdout.strip(), "--bind", "127.0.0.1", "--port", str(server.port), "--dir", str(folder)]
    command += ["--unixsocket", server.unix_socket, "--save", "", "--logfile", str(log), *options]
    process = subprocess.Popen(command)
    deadline = time.monotonic() + 20
    while not log.exists() or "eady to accept connections" not in log.read_text():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            pytest.fail(f"Redis did not start: {log.read_text() if log.exists() else 'no log'}", pytrace=False)
        time.sleep(0.02)
    return server, process


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis for the whole session: use keys of your own."""
    server, process = start_redis(tmp_path_factory.mktemp("redis"))
    try:
        yield server
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="session")
def redis_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """The one node of a cluster, which has no slots yet."""
    server, process = start_redis(tmp_path_factory.mktemp("cluster"), "--cluster-enabled", "yes")
    try:
        yield server
    finally:
        process.terminate()
        process.wait(20)


class PostgresServer(NamedTuple):
    port: int
    folder: Path

    @property
    def dsn(self) -> str:
        return f"host=127.0.0.1 port={self.port} dbname=postgres user=postgres"

    @property
    def address(self) -> str:
        """The part of a URL between its scheme and its query."""
        return f"postgres@127.0.0.1:{self.port}/postgres"

    def log(self) -> str:
        """What the server logged: every statement as it came, and errors."""
        return (self.folder / "log").read_text()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL for the whole session, with the empty database `postgres`: use tables of your own."""
    script = subprocess.run([str(ROOT / "scripts/postgres.sh")], capture_output=True, text=True)
    if script.returncode:
        pytest.fail(script.stderr, pytrace=False)
    programs = Path(script.stdout.strip())
    # PostgreSQL refuses to run as root, and where another user cannot look; its socket's path must be short.
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    as_user: dict[str, Any] = {"cwd": folder}
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        as_user.update(user=nobody.pw_uid, group=nobody.pw_gid, extra_groups=[])
    server = PostgresServer(free_port(), folder)
    make = [str(programs / "initdb"), "-D", str(folder / "data"), "-U", "postgres", "-A", "trust"]
    made = subprocess.run(
        [*make, "-E", "UTF8", "--locale=C", "--no-sync"], capture_output=True, encoding="utf-8", **as_user
    )
    if made.returncode:
        pytest.fail(f"initdb: {made.stderr}", pytrace=False)
    settings = {
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": str(folder),
        "fsync": "off",
        "log_statement": "all",
        "log_line_prefix": "",
        "lc_messages": "C",
    }
    command = [str(programs / "postgres"), "-D", str(folder / "data"), "-p", str(server.port)]
    command += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, **as_user)
    try:
        deadline = time.monotonic() + 30
        while "ready to accept connections" not in server.log():
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"PostgreSQL did not start: {server.log()}", pytrace=False)
            time.sleep(0.02)
        yield server
    finally:
        # Open connections are ended.
        process.send_signal(signal.SIGINT)
        process.wait(20)
        shutil.rmtree(folder)


class Recorded:
    """Providers, and what was recorded with them."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.tracers = TracerProvider(shutdown_on_exit=False)
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.reader = InMemoryMetricReader()
        self.meters = MeterProvider([self.reader], shutdown_on_exit=False)
        self.providers: dict[str, Any] = {"tracer_provider": self.tracers, "meter_provider": self.meters}

    def spans(self) -> list[Any]:
        """Those that ended since the last call, in this order."""
        spans = list(self.exporter.get_finished_spans())
        self.exporter.clear()
        return spans

    def points(self, name: str) -> list[Any]:
        data: Any = self.reader.get_metrics_data()
        return [
            point
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        ]


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    """Telemetry of a test. It may set OTEL_SEMCONV_STABILITY_OPT_IN before it instruments anything."""
    stability = _OpenTelemetrySemanticConventionStability
    stability._initialized = False
    made = Recorded()
    yield made
    made.tracers.shutdown()
    made.meters.shutdown()
    stability._initialized = False


class HttpServer:
    """Answers `/status/<code>`, `/redirect` and everything else; keeps the headers of what it was asked."""

    def __init__(self) -> None:
        self.requests: list[dict[str, str]] = []
        kept = self.requests

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                kept.append({name.lower(): value for name, value in self.headers.items()})
                path = self.path.partition("?")[0]
                redirected = path == "/redirect"
                status = 302 if redirected else int(path.rpartition("/")[2]) if "/status/" in path else 200
                self.send_response(status)
                if redirected:
                    self.send_header("Location", "/status/204")
                body = b"" if status == 204 else b"body"
                for name, value in (("X-Answer", "a"), ("X-Secret", "s"), ("Content-Length", str(len(body)))):
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def callers(self) -> list[str | None]:
        """The ids of the spans that the requests came from."""
        parents = [request.get("traceparent") for request in self.requests]
        return [parent and parent.split("-")[2] for parent in parents]

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def http_server() -> Iterator[HttpServer]:
    server = HttpServer()
    yield server
    server.stop()
