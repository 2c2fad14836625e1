"""The scrape endpoint: what it answers, and that it harms nobody."""

from __future__ import annotations

import gzip
import http.client
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from typing import Any, Iterator

import pytest

import opentelemetry.exporter.prometheus as prometheus
from opentelemetry.exporter.prometheus import _http_server
from opentelemetry.sdk.metrics import MeterProvider


class Answer:
    def __init__(self, port: int, path: str = "/metrics", method: str = "GET", **headers: str) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        self.status, self.headers, self.body = response.status, response.headers, response.read()
        connection.close()


@pytest.fixture
def endpoint(exporter: Any) -> Iterator[Any]:
    """A running endpoint with one counter, in both lives of the exporter."""
    registry = exporter.CollectorRegistry()
    provider = MeterProvider([exporter.PrometheusMetricReader(registry=registry)], shutdown_on_exit=False)
    provider.get_meter("m").create_counter("hits").add(3)
    server, thread = exporter.start_http_server(0, "127.0.0.1", registry)
    yield server
    server.shutdown()
    thread.join(5)
    assert not thread.is_alive()
    provider.shutdown()


def scrape_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "OtelPrometheusScrape"]


def test_pages(endpoint: Any) -> None:
    for path in ("/metrics", "/", "/anything?x=1"):
        answer = Answer(endpoint.server_port, path)
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert b"\nhits_total{" in answer.body and answer.headers["Content-Length"] == str(len(answer.body))
        assert answer.headers["Content-Encoding"] is None and answer.headers["Server"] == "ferrotel"
    answer = Answer(endpoint.server_port, Accept="application/openmetrics-text; version=1.0.0")
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0; charset=utf-8")
    assert answer.body.endswith(b"# EOF\n")


def test_gzip_where_it_is_asked_for(endpoint: Any) -> None:
    for accepted in ("gzip", "br, gzip;q=0.5", "GZIP"):
        answer = Answer(endpoint.server_port, Accept_Encoding=accepted)
        assert answer.headers["Content-Encoding"] == "gzip" and b"hits_total" in gzip.decompress(answer.body)
    for refused in ("gzip;q=0", "gzip; q=0.0", "identity", "x-gzip"):
        assert Answer(endpoint.server_port, Accept_Encoding=refused).headers["Content-Encoding"] is None


def test_other_requests(endpoint: Any) -> None:
    head = Answer(endpoint.server_port, method="HEAD")
    assert (head.status, head.body) == (200, b"") and int(head.headers["Content-Length"]) > 0
    options = Answer(endpoint.server_port, method="OPTIONS")
    assert (options.status, options.headers["Allow"]) == (200, "OPTIONS, GET, HEAD")
    assert Answer(endpoint.server_port, method="POST").status == 501
    assert Answer(endpoint.server_port, "/favicon.ico").status == 204
    assert Answer(endpoint.server_port).status == 200


def test_nonsense_is_no_trouble(
    endpoint: Any, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    for request in (
        b"",
        b"\r\n",
        b"\x00\xff\n\n",
        b"GET\r\n\r\n",
        b"G" * 100_000,
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nx",
    ):
        with socket.create_connection(("127.0.0.1", endpoint.server_port), 5) as connection:
            try:
                connection.sendall(request)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass
            except OSError:
                pass
    assert Answer(endpoint.server_port).status == 200
    assert not caplog.records and capfd.readouterr() == ("", "")


def test_a_page_that_fails(exporter: Any, caplog: pytest.LogCaptureFixture) -> None:
    class Failing:
        def collect(self) -> Any:
            raise ValueError("no page")

    server, _ = exporter.start_http_server(0, "127.0.0.1", Failing())
    answer = Answer(server.server_port)
    assert (answer.status, answer.body) == (500, b"ValueError: no page\n")
    assert [record.getMessage() for record in caplog.records] == ["Exception while making the page for Prometheus"]
    server.shutdown()


def test_slow_clients_are_few_and_end(endpoint: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[type(endpoint).__module__], "_REQUEST_SECONDS", 0.5)
    slow = [socket.create_connection(("127.0.0.1", endpoint.server_port), 10) for _ in range(12)]
    begin = time.monotonic()
    for connection in slow:
        connection.sendall(b"GET /")
    time.sleep(0.2)
    assert len(scrape_threads()) <= 8
    # They drip, so that no single wait is long.
    while slow and time.monotonic() - begin < 10:
        for connection in list(slow):
            try:
                connection.sendall(b"x")
            except OSError:
                slow.remove(connection)
                connection.close()
        time.sleep(0.1)
    assert not slow and time.monotonic() - begin < 5
    assert Answer(endpoint.server_port).status == 200


def test_no_threads_between_scrapes(endpoint: Any) -> None:
    Answer(endpoint.server_port)
    deadline = time.monotonic() + 5
    while scrape_threads() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not scrape_threads() and not endpoint._requests


def test_shutdown_frees_the_port_at_once(exporter: Any) -> None:
    registry = exporter.CollectorRegistry()
    server, thread = exporter.start_http_server(0, "127.0.0.1", registry)
    begin = time.monotonic()
    server.shutdown()
    server.shutdown()
    server.server_close()
    assert time.monotonic() - begin < 0.2
    thread.join(2)
    assert not thread.is_alive()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.server_port), 2)
    again, _ = exporter.start_http_server(server.server_port, "127.0.0.1", registry)
    assert Answer(again.server_port).status == 200
    again.shutdown()


def test_a_taken_port_raises(endpoint: Any, exporter: Any) -> None:
    before = threading.active_count()
    with pytest.raises(OSError, match="in use"):
        exporter.start_http_server(endpoint.server_port, "127.0.0.1")
    assert threading.active_count() == before


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_serves_nothing(endpoint: Any) -> None:
    # A scrape that is under way when the fork comes.
    half = socket.create_connection(("127.0.0.1", endpoint.server_port), 5)
    half.sendall(b"GET / HTTP/1.1\r\n")
    deadline = time.monotonic() + 5
    while not endpoint._requests and time.monotonic() < deadline:
        time.sleep(0.01)
    (connection,) = endpoint._requests
    descriptors = [endpoint.socket.fileno(), connection.fileno(), endpoint._woken.fileno(), endpoint._waker.fileno()]
    inherited = [os.fstat(number).st_ino for number in descriptors]
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            still = []
            for number in os.listdir("/proc/self/fd"):
                try:
                    still.append(os.fstat(int(number)).st_ino)
                except OSError:
                    pass
            endpoint.shutdown()
            result = b"closed" if not set(inherited) & set(still) and not endpoint._requests else b"open"
            os.write(writing, result)
        finally:
            os._exit(0)
    os.close(writing)
    assert os.read(reading, 100) == b"closed"
    os.close(reading)
    os.waitpid(child, 0)
    # The parent goes on, also with the scrape that was under way.
    half.sendall(b"\r\n")
    assert half.recv(100).startswith(b"HTTP/1.1 200 ")
    half.close()
    assert Answer(endpoint.server_port).status == 200


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_the_child_does_not_hold_the_port(exporter: Any) -> None:
    server, _ = exporter.start_http_server(0, "127.0.0.1", exporter.CollectorRegistry())
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writing)
        os.read(reading, 1)
        os._exit(0)
    server.shutdown()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.server_port), 2)
    os.close(writing)
    os.close(reading)
    os.waitpid(child, 0)


def test_many_at_once(endpoint: Any) -> None:
    statuses: list[int] = []

    def scrape() -> None:
        for _ in range(10):
            statuses.append(Answer(endpoint.server_port).status)

    threads = [threading.Thread(target=scrape) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 40


# The reader of OTEL_METRICS_EXPORTER=prometheus


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_the_automatic_reader_serves(exporter: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setenv("OTEL_EXPORTER_PROMETHEUS_PORT", str(port))
    monkeypatch.setenv("OTEL_EXPORTER_PROMETHEUS_HOST", "127.0.0.1")
    provider = MeterProvider([exporter._AutoPrometheusMetricReader()], shutdown_on_exit=False)
    provider.get_meter("m").create_counter("auto.hits").add(1)
    assert b"auto_hits_total" in Answer(port).body
    provider.shutdown()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 2)


def test_a_taken_port_is_one_line(
    exporter: Any, endpoint: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_PROMETHEUS_PORT", str(endpoint.server_port))
    monkeypatch.setenv("OTEL_EXPORTER_PROMETHEUS_HOST", "127.0.0.1")
    reader = exporter._AutoPrometheusMetricReader()
    (record,) = caplog.records
    assert record.levelno == logging.ERROR and record.name == "opentelemetry.exporter.prometheus"
    message = record.getMessage()
    assert (
        f"port {endpoint.server_port} of 127.0.0.1" in message
        and "Set OTEL_EXPORTER_PROMETHEUS_PORT to a free port" in message
    )
    assert "\n" not in message and record.exc_info is None
    reader.shutdown()


@pytest.mark.parametrize("host", ["no.such.host.invalid", "x" * 100])
def test_a_host_that_is_none(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, host: str) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_PROMETHEUS_HOST", host)
    prometheus._AutoPrometheusMetricReader().shutdown()
    (record,) = caplog.records
    assert f"port 9464 of {host}" in record.getMessage()


@pytest.mark.parametrize(
    ("environment", "port", "addr", "warned"),
    [
        ({}, 9464, "localhost", False),
        ({"PORT": "", "HOST": ""}, 9464, "localhost", False),
        ({"PORT": " 9999 ", "HOST": "::1"}, 9999, "::1", False),
        ({"PORT": "many"}, 9464, "localhost", True),
        ({"PORT": "65536"}, 9464, "localhost", True),
        ({"PORT": "-1"}, 9464, "localhost", True),
    ],
)
def test_the_environment(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    environment: dict[str, str],
    port: int,
    addr: str,
    warned: bool,
) -> None:
    calls: list[Any] = []
    monkeypatch.setattr(prometheus, "start_http_server", lambda **arguments: calls.append(arguments))
    for name, value in environment.items():
        monkeypatch.setenv(f"OTEL_EXPORTER_PROMETHEUS_{name}", value)
    prometheus._AutoPrometheusMetricReader().shutdown()
    assert calls == [{"port": port, "addr": addr}]
    assert bool(caplog.records) == warned


def test_it_serves_ipv6() -> None:
    server, _ = _http_server.start_http_server(0, "::1", prometheus.CollectorRegistry())
    connection = http.client.HTTPConnection("::1", server.server_port, timeout=5)
    connection.request("GET", "/metrics")
    assert connection.getresponse().status == 200
    connection.close()
    server.shutdown()


def test_the_client_libraries_own_server_shows_the_metrics() -> None:
    import prometheus_client

    reader = prometheus.PrometheusMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    provider.get_meter("m").create_counter("shared.hits").add(1)
    httpd, thread = prometheus_client.start_http_server(0, "127.0.0.1")
    body = Answer(httpd.server_port).body
    assert b"shared_hits_total" in body and b"python_info" in body
    server, _ = prometheus.start_http_server(0, "127.0.0.1")
    assert b"shared_hits_total" in Answer(server.server_port).body
    assert b"python_info" in Answer(server.server_port, "/metrics?name[]=python_info").body
    assert b"shared_hits" not in Answer(server.server_port, "/metrics?name[]=python_info").body
    server.shutdown()
    httpd.shutdown()
    httpd.server_close()
    thread.join()
    provider.shutdown()


def test_no_thread_to_be_had(exporter: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    port = free_port()
    monkeypatch.setenv("OTEL_EXPORTER_PROMETHEUS_PORT", str(port))
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(RuntimeError):
        exporter.start_http_server(port, "127.0.0.1")
    exporter._AutoPrometheusMetricReader().shutdown()
    monkeypatch.undo()
    assert [
        f"port {port} of localhost: can't start new thread" in record.getMessage() for record in caplog.records
    ] == [True]
    again, _ = exporter.start_http_server(port, "127.0.0.1")
    again.shutdown()


def test_a_server_that_is_closed_before_its_thread_runs(
    exporter: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    waiting: list[threading.Thread] = []
    start = threading.Thread.start
    monkeypatch.setattr(threading.Thread, "start", lambda thread: waiting.append(thread))
    server, thread = exporter.start_http_server(0, "127.0.0.1", exporter.CollectorRegistry())
    monkeypatch.undo()
    server.shutdown()
    assert waiting == [thread]
    start(thread)
    thread.join(5)
    assert not thread.is_alive() and capfd.readouterr() == ("", "")


CONFIGURED = """
import sys
sys.modules.update(dict.fromkeys(sys.argv[1:]))
from opentelemetry.sdk._configuration import _OTelSDKConfigurator
_OTelSDKConfigurator().configure()
from opentelemetry import metrics
metrics.get_meter("m").create_counter("hits").add(1)
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("blocked", [[], ["prometheus_client"]], ids=["client", "own"])
def test_the_environment_alone_is_enough(blocked: list[str]) -> None:
    port = free_port()
    environment = {
        **os.environ,
        "OTEL_METRICS_EXPORTER": "prometheus",
        "OTEL_TRACES_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none",
        "OTEL_EXPORTER_PROMETHEUS_HOST": "127.0.0.1",
        "OTEL_EXPORTER_PROMETHEUS_PORT": str(port),
        "OTEL_SERVICE_NAME": "configured",
    }
    with subprocess.Popen(
        [sys.executable, "-c", CONFIGURED, *blocked], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as program:
        assert program.stdin is not None and program.stdout is not None
        assert program.stdout.readline() == b"ready\n"
        body = Answer(port).body
        program.stdin.close()
        assert program.wait(10) == 0
    assert b'service_name="configured"' in body and b"\nhits_total{" in body
    assert (b"python_info" in body) != bool(blocked)
