"""`python -m ferrotel doctor`, and the command line around it."""

from __future__ import annotations

import contextlib
import functools
import re
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Iterator

import pytest

from .conftest import Environment

pytestmark = pytest.mark.slow

SETTINGS_FRAME = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"


@pytest.fixture
def http1() -> Iterator[int]:
    """The port of a server that speaks HTTP/1.1 only, as an OTLP/HTTP receiver may."""
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture
def answering() -> Iterator[tuple[int, list[bytes]]]:
    """The port of a server that answers what a connection sends first with what the list holds."""
    answers: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection, contextlib.suppress(ConnectionError):
                        connection.recv(1024)
                        if answers:
                            connection.sendall(answers[0])
                        connection.recv(1024)

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1], answers


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def row(report: str, name: str) -> list[str]:
    return next(re.split(r"\s{2,}", line.strip()) for line in report.splitlines() if line.startswith(f"  {name} "))


def test_help(alone: Environment) -> None:
    bare = alone.run("-m", "ferrotel")
    assert (bare.returncode, bare.stderr) == (0, "")
    assert "doctor" in bare.stdout
    assert "view" in bare.stdout
    assert alone.run("-m", "ferrotel", "--help").stdout == bare.stdout


def test_unknown_command(alone: Environment) -> None:
    result = alone.run("-m", "ferrotel", "docter")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("ferrotel: there is no command 'docter'")


def test_alone(alone: Environment) -> None:
    result = alone.run("-m", "ferrotel", "doctor", "--offline")
    assert (result.returncode, result.stderr) == (0, "")
    assert row(result.stdout, "opentelemetry.sdk.trace")[1:] == [
        "ferrotel",
        "<overlay>/opentelemetry/sdk/trace/__init__.py",
    ]
    assert f"<overlay> is {alone.overlay}" in result.stdout
    assert "is not what an import gives)\n  nothing\n" in result.stdout.replace("and not", "is not")
    assert "no OTEL_ variable is set" in result.stdout
    assert result.stdout.endswith("\nNo problem found.\n")


def test_names_what_it_shadows(ferrotel_first: Environment) -> None:
    result = ferrotel_first.run("-m", "ferrotel", "doctor", "--offline")
    assert (result.returncode, result.stderr) == (0, "")
    report = result.stdout
    assert row(report, "opentelemetry.trace")[1] == "ferrotel"
    assert row(report, "opentelemetry.instrumentation.asyncpg")[1:] == [
        "opentelemetry-instrumentation-asyncpg 0.66b1",
        str(ferrotel_first.site_packages / "opentelemetry/instrumentation/asyncpg/__init__.py"),
    ]
    shadowed = report.split("Shadowed")[1].split("Environment")[0]
    assert "\n  opentelemetry-api 1.45.1\n" in shadowed
    assert "\n  opentelemetry-sdk 1.45.1" in shadowed
    assert "asyncpg" not in shadowed


def test_switched_off(official_first: Environment) -> None:
    result = official_first.run("-m", "ferrotel", "doctor", "--offline", FERROTEL_DISABLED="1")
    assert result.returncode == 0
    assert "FERROTEL_DISABLED is set: the official packages are to be in effect" in result.stdout
    assert row(result.stdout, "opentelemetry.trace")[1] == "opentelemetry-api 1.45.1"


def test_overlay_not_on_the_path(official_only: Environment, target: Path) -> None:
    result = official_only.run("-m", "ferrotel", "doctor", "--offline", PYTHONPATH=str(target))
    assert result.returncode == 1
    assert row(result.stdout, "opentelemetry.trace")[1] == "opentelemetry-api 1.45.1"
    assert "call ferrotel.activate() before the first import of opentelemetry" in result.stdout


def test_regular_package_hides_the_namespace(alone: Environment, tmp_path: Path) -> None:
    (tmp_path / "opentelemetry").mkdir()
    init = tmp_path / "opentelemetry" / "__init__.py"
    init.write_text("")
    result = alone.run("-m", "ferrotel", "doctor", "--offline", PYTHONPATH=str(tmp_path))
    assert result.returncode == 1
    assert f"{init} makes opentelemetry a regular package" in result.stdout


def test_environment(alone: Environment) -> None:
    result = alone.run(
        *("-m", "ferrotel", "doctor", "--offline"),
        OTEL_SERVICE_NAME="shop",
        OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer secret,x-tenant=secret",
        OTEL_EXPORTER_OTLP_ENDPOINT="http://user:secret@localhost:4317",
        OTEL_EXPORTER_OLTP_TIMEOUT="10",
        OTEL_NO_SUCH_THING="1",
        OTEL_PYTHON_FLASK_EXCLUDED_URLS="health",
    )
    assert result.returncode == 0
    report = result.stdout
    assert "  OTEL_SERVICE_NAME=shop\n" in report
    assert "  OTEL_EXPORTER_OTLP_HEADERS=authorization=***,x-tenant=***\n" in report
    assert "  OTEL_EXPORTER_OTLP_ENDPOINT=http://***@localhost:4317\n" in report
    assert "secret" not in report
    notes = report.split("Notes\n")[1]
    assert (
        "OTEL_EXPORTER_OLTP_TIMEOUT is not a variable that anything here reads. Is OTEL_EXPORTER_OTLP_TIMEOUT" in notes
    )
    assert "OTEL_NO_SUCH_THING is not a variable that anything here reads.\n" in notes
    assert "FLASK" not in notes
    assert "OTEL_SERVICE_NAME" not in notes


def test_spool(alone: Environment, tmp_path: Path) -> None:
    root = tmp_path / "spool"
    doctor = functools.partial(alone.run, "-m", "ferrotel", "doctor", "--offline", FERROTEL_SPOOL_DIR=str(root))
    report = doctor().stdout
    assert f"\nSpool {root}\n  does not exist: it is made" in report
    assert "is not a variable" not in report
    folder = root / "traces-0123456789abcdef"
    folder.mkdir(parents=True)
    assert "  nothing waits\n" in doctor().stdout
    for name in ("1-2-512-9000.batch", "2-3-8-1000.batch", "3-4-5-6.damaged", ".lock", ".5-6-7-8.batch.tmp"):
        (folder / name).touch()
    result = doctor()
    assert "  traces-0123456789abcdef: 2 batches with 520 items, 10000 bytes\n" in result.stdout
    assert f"A damaged batch is set aside: {folder / '3-4-5-6.damaged'}" in result.stdout
    assert result.returncode == 0


def test_values_that_name_nothing(alone: Environment) -> None:
    result = alone.run(
        *("-m", "ferrotel", "doctor", "--offline"),
        OTEL_PROPAGATORS="tracecontext,b4",
        OTEL_TRACES_SAMPLER="AlwaysOn",
        OTEL_TRACES_EXPORTER="none",
    )
    assert result.returncode == 1
    problems = result.stdout.split("Problems\n")[1]
    assert "OTEL_PROPAGATORS: there is no 'b4'. There are: b3, b3multi, baggage, jaeger, tracecontext." in problems
    assert "OTEL_TRACES_SAMPLER: there is no 'AlwaysOn'. There are: always_off, always_on, " in problems
    assert "OTEL_TRACES_EXPORTER" not in problems


def test_endpoint_that_speaks_http2(alone: Environment, answering: tuple[int, list[bytes]]) -> None:
    port, answers = answering
    answers.append(SETTINGS_FRAME)
    url = f"http://127.0.0.1:{port}"
    result = alone.run("-m", "ferrotel", "doctor", OTEL_EXPORTER_OTLP_ENDPOINT=url)
    assert result.returncode == 0
    assert (
        f"  {url} (from OTEL_EXPORTER_OTLP_ENDPOINT), grpc (the default)\n  answers, speaks HTTP/2\n" in result.stdout
    )


def test_grpc_configured_for_an_http_port(alone: Environment, http1: int) -> None:
    url = f"http://127.0.0.1:{http1}"
    result = alone.run("-m", "ferrotel", "doctor", OTEL_EXPORTER_OTLP_ENDPOINT=url, OTEL_EXPORTER_OTLP_PROTOCOL="grpc")
    assert result.returncode == 1
    assert "answers, does not offer HTTP/2" in result.stdout
    problems = result.stdout.split("Problems\n")[1]
    assert f"{url} speaks HTTP/1.1 only, gRPC needs HTTP/2. OTLP over gRPC usually has port 4317." in problems
    assert "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf" in problems


def test_http_configured_for_an_http_port(alone: Environment, http1: int) -> None:
    url = f"http://127.0.0.1:{http1}/v1/traces"
    result = alone.run(
        *("-m", "ferrotel", "doctor"),
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=url,
        OTEL_EXPORTER_OTLP_TRACES_PROTOCOL="http/protobuf",
    )
    assert result.returncode == 0
    assert (
        f"{url} (from OTEL_EXPORTER_OTLP_TRACES_ENDPOINT), http/protobuf (from OTEL_EXPORTER_OTLP_TRACES_PROTOCOL)"
        in (result.stdout)
    )


def test_something_else_listens(alone: Environment, answering: tuple[int, list[bytes]]) -> None:
    port, answers = answering
    answers.append(b"SSH-2.0-OpenSSH_9.6\r\n")
    result = alone.run("-m", "ferrotel", "doctor", OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{port}")
    assert result.returncode == 1
    assert "no OTLP receiver listens there" in result.stdout


def test_endpoint_that_says_nothing_ends_in_time(alone: Environment, answering: tuple[int, list[bytes]]) -> None:
    begin = time.monotonic()
    url = f"http://127.0.0.1:{answering[0]}"
    result = alone.run("-m", "ferrotel", "doctor", "--timeout", "0.5", OTEL_EXPORTER_OTLP_ENDPOINT=url)
    assert result.returncode == 1
    assert "said nothing" in result.stdout
    assert time.monotonic() - begin < 10


def test_configured_endpoint_does_not_answer(alone: Environment, closed_port: int) -> None:
    url = f"http://127.0.0.1:{closed_port}"
    result = alone.run("-m", "ferrotel", "doctor", OTEL_EXPORTER_OTLP_ENDPOINT=url)
    assert result.returncode == 1
    assert f"{url} does not answer: [Errno 111] Connection refused" in result.stdout.split("Problems\n")[1]


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://no-such-host.invalid:4317", "does not answer"),
        ("http://", "the URL names no host"),
        ("http://localhost:99999", "does not answer"),
        ("http://[::1", "does not answer"),
    ],
)
def test_endpoint_that_is_no_endpoint(alone: Environment, url: str, told: str) -> None:
    result = alone.run("-m", "ferrotel", "doctor", OTEL_EXPORTER_OTLP_ENDPOINT=url)
    assert (result.returncode, result.stderr) == (1, "")
    assert told in result.stdout.split("Problems\n")[1]


def test_protocol_that_does_not_exist(alone: Environment) -> None:
    result = alone.run("-m", "ferrotel", "doctor", OTEL_EXPORTER_OTLP_PROTOCOL="http")
    assert result.returncode == 1
    assert "OTEL_EXPORTER_OTLP_PROTOCOL: there is no protocol 'http'" in result.stdout


def test_no_otlp_exporter(alone: Environment) -> None:
    result = alone.run("-m", "ferrotel", "doctor", OTEL_TRACES_EXPORTER="console")
    assert result.returncode == 0
    assert "  none: OTEL_TRACES_EXPORTER=console\n" in result.stdout
