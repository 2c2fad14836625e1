"""Credentials in headers, endpoints and proxies are sent, and shown nowhere: not in logs, `repr`, errors or output."""

from __future__ import annotations

import base64
import io
import logging
import socket
import sys
import threading
import warnings
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, Iterator

import pytest

from opentelemetry.exporter.otlp.json.http.trace_exporter import OTLPSpanExporter as JsonSpans
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogs
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetrics
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpans
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogs
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpMetrics
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpans
from opentelemetry.exporter.zipkin.json import ZipkinExporter

MARK = "M4rk3r"
USER, PASSWORD, TOKEN, QUERY = f"us{MARK}er", f"pa{MARK}ss", f"to{MARK}ken", f"qu{MARK}ery"
IN_BASE64 = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
HEADERS = {"authorization": f"Bearer {TOKEN}", "api-key": TOKEN}
EXPORTERS = [HttpSpans, JsonSpans, HttpMetrics, HttpLogs, GrpcSpans, GrpcMetrics, GrpcLogs]
GRPC = (GrpcSpans, GrpcMetrics, GrpcLogs)

Finish = Callable[..., Any]


@pytest.fixture(autouse=True)
def nothing_is_shown(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Whatever a test here does: nobody reads a secret."""
    caplog.set_level(logging.DEBUG)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        yield
    out, err = capfd.readouterr()
    lines = [
        record.getMessage() + str(record.exc_text)
        for record in caplog.get_records("call")
        if record.name[:8] != "urllib3."
    ]
    for text in (*lines, *(str(warning.message) for warning in told), out, err):
        assert_hidden(text)


def assert_hidden(text: str) -> None:
    assert MARK not in text and IN_BASE64 not in text, text


@pytest.fixture
def collector() -> Iterator[Any]:
    """Refuses everything with the status that its attribute says, and quotes the credentials in doing so."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            server.seen.append(dict(self.headers.items()))
            server.paths.append(self.path)
            quoted = (
                f"not for you: {self.headers.get('authorization')} {self.headers.get('api-key')} {self.path}".encode()
            )
            self.send_response(server.status)
            self.send_header("location", f"http://{USER}:{PASSWORD}@elsewhere.invalid/x?t={QUERY}")
            self.send_header("content-type", "text/plain")
            self.send_header("content-length", str(len(quoted)))
            self.end_headers()
            self.wfile.write(quoted)

        do_CONNECT = do_POST

        def log_message(self, *_: Any) -> None:
            pass

    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads, server.status, server.seen, server.paths = True, 401, [], []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def export(kind: Any, finished: Finish, url: str, **arguments: Any) -> Any:
    """Makes an exporter, shows it, and has it send; whatever is raised shows nothing either."""
    if kind in GRPC and isinstance(arguments.get("headers"), dict):
        arguments["headers"] = tuple(arguments["headers"].items())
    try:
        exporter = kind(endpoint=url, timeout=0.5, **arguments)
        for thing in (exporter, vars(exporter).get("_engine"), vars(exporter).get("_client")):
            assert_hidden(f"{thing!r} {thing}")
        batch: Any = [finished()] if kind in (HttpSpans, JsonSpans, GrpcSpans) else []
        if kind in (HttpMetrics, GrpcMetrics):
            from opentelemetry.sdk.metrics.export import MetricsData

            batch = MetricsData(resource_metrics=[])
        exporter.export(batch)
        exporter.shutdown()
    except Exception as error:
        assert_hidden(f"{error} {error!r}")
        return None
    return exporter


def url_of(port: int, scheme: str = "http", host: str = "127.0.0.1") -> str:
    return f"{scheme}://{USER}:{PASSWORD}@{host}:{port}/v1/traces?token={QUERY}"


@pytest.mark.parametrize("kind", EXPORTERS, ids=lambda kind: f"{kind.__module__.split('.')[-2]}-{kind.__name__}")
def test_refused_connections(kind: Any, finished: Finish) -> None:
    assert export(kind, finished, url_of(closed_port()), headers=HEADERS) is not None


@pytest.mark.parametrize("status", [307, 400, 401, 404, 503])
def test_a_server_that_quotes(collector: Any, finished: Finish, status: int, caplog: pytest.LogCaptureFixture) -> None:
    collector.status = status
    for kind in (HttpSpans, JsonSpans):
        export(kind, finished, url_of(collector.server_port), headers={"api-key": TOKEN})
        export(kind, finished, url_of(collector.server_port), headers=HEADERS)
    assert "not for you: *** ***" in caplog.text or status == 503
    # They are sent all the same.
    assert {seen["authorization"] for seen in collector.seen} == {f"Basic {IN_BASE64}", f"Bearer {TOKEN}"}
    assert {seen["api-key"] for seen in collector.seen} == {TOKEN}
    assert {path.partition("?")[2] for path in collector.paths} == {f"token={QUERY}"}


@pytest.mark.parametrize("kind", EXPORTERS, ids=lambda kind: f"{kind.__module__.split('.')[-2]}-{kind.__name__}")
def test_tls_where_there_is_none(collector: Any, kind: Any, finished: Finish) -> None:
    export(kind, finished, url_of(collector.server_port, "https"), headers=HEADERS)


@pytest.mark.parametrize(
    "url",
    [
        f"ftp://{USER}:{PASSWORD}@host/x?{QUERY}",
        f"http://{USER}:{PASSWORD}@",
        f"http://{USER}:{PASSWORD}@host:port/",
        f"http://{USER}:{PASSWORD}@ho st/",
        f"http://{USER}:{PASSWORD}@[::1",
        f"{USER}:{PASSWORD}@127.0.0.1:1",
        f"https://{USER}:{PASSWORD}/@127.0.0.1:1/x",
        f"https://{USER}:{PASSWORD}?@127.0.0.1:1/x",
        f"http://no-such-host.invalid/?{QUERY}",
        f"?{QUERY}",
    ],
)
@pytest.mark.parametrize("kind", [HttpSpans, JsonSpans, GrpcSpans])
def test_endpoints_that_are_none(kind: Any, url: str, finished: Finish) -> None:
    export(kind, finished, url, headers=HEADERS)


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"Bearer {TOKEN}\r\nx-evil: 1"},
        {"authorization": f"Bearer {TOKEN}\0"},
        {f"authorization: Bearer {TOKEN}": ""},
        {f"authorization\r\nBearer: {TOKEN}": "1"},
        {"": TOKEN},
    ],
    ids=["line-break", "nul", "name-with-value", "name-with-line-break", "no-name"],
)
@pytest.mark.parametrize("kind", [HttpSpans, JsonSpans, GrpcSpans])
def test_headers_that_cannot_be_sent(
    collector: Any, kind: Any, headers: dict[str, str], finished: Finish, caplog: pytest.LogCaptureFixture
) -> None:
    export(kind, finished, f"http://127.0.0.1:{collector.server_port}/v1/traces", headers=headers)
    (told,) = [record for record in caplog.records if "cannot be sent and are left out" in record.getMessage()]
    assert "\n" not in told.getMessage()
    for seen in collector.seen:
        assert MARK not in str(seen) and "x-evil" not in seen and "Bearer" not in seen


@pytest.mark.parametrize(
    "text",
    [
        f"authorization: Bearer {TOKEN}",
        f"authorization: Bearer {TOKEN}=",
        f"Bearer {TOKEN}",
        f'api-key="{TOKEN}"',
        f"a=1,{TOKEN},b",
        f"api-key={TOKEN}%0d%0ax-evil:1",
    ],
)
@pytest.mark.parametrize("kind", EXPORTERS, ids=lambda kind: f"{kind.__module__.split('.')[-2]}-{kind.__name__}")
def test_lists_of_headers_that_are_malformed(
    kind: Any, text: str, finished: Finish, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", text)
    assert export(kind, finished, f"http://127.0.0.1:{closed_port()}/v1/traces") is not None
    assert "left out" in caplog.text or "Header format invalid!" in caplog.text


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("kind", [HttpSpans, GrpcSpans])
def test_proxies(collector: Any, kind: Any, secure: bool, finished: Finish, monkeypatch: pytest.MonkeyPatch) -> None:
    for port in (collector.server_port, closed_port()):
        for name in ("http_proxy", "https_proxy"):
            monkeypatch.setenv(name, f"http://{USER}:{PASSWORD}@127.0.0.1:{port}")
        export(kind, finished, f"http{'s' * secure}://collector.invalid:4317/v1/traces", headers=HEADERS)
    sent = [seen.get("Proxy-Authorization", seen.get("proxy-authorization")) for seen in collector.seen]
    assert set(sent) <= {f"Basic {IN_BASE64}"}


def test_a_session_of_the_program(collector: Any, finished: Finish) -> None:
    requests = pytest.importorskip("requests")
    for url, headers in (
        (url_of(closed_port()), HEADERS),
        (url_of(collector.server_port), HEADERS),
        (url_of(1, host="ho st"), HEADERS),
        (url_of(collector.server_port), {"api-key": f"{TOKEN}\r\nx-evil: 1"}),
        (f"http://{USER}:{PASSWORD}@[::1", HEADERS),
    ):
        export(HttpSpans, finished, url, headers=headers, session=requests.Session())
    assert all("x-evil" not in seen for seen in collector.seen)


def test_zipkin(collector: Any, finished: Finish) -> None:
    for url in (url_of(closed_port()), url_of(collector.server_port), f"http://{USER}:{PASSWORD}@host:port/"):
        export(ZipkinExporter, lambda: None, url)
        exporter = ZipkinExporter(endpoint=url, timeout=0.5)
        assert_hidden(repr(exporter))
        exporter.export([finished()])
    assert {seen["Authorization"] for seen in collector.seen} == {f"Basic {IN_BASE64}"}


def test_the_doctor(collector: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from ferrotel._doctor import endpoint, environment
    from ferrotel._doctor.findings import Findings

    monkeypatch.delenv("http_proxy", raising=False)
    for url in (
        url_of(collector.server_port),
        url_of(closed_port()),
        f"{USER}:{PASSWORD}@127.0.0.1:{closed_port()}",
        f"http://{USER}:{PASSWORD}@[::1",
        f"http://{USER}:{PASSWORD}@\u2100host/",
        f"http://{USER}:{PASSWORD}@host:port?{QUERY}",
    ):
        for proxy in ("", f"http://{USER}:{PASSWORD}@127.0.0.1:{closed_port()}"):
            monkeypatch.setenv("http_proxy", proxy)
            out, findings = io.StringIO(), Findings()
            environ = {
                "OTEL_EXPORTER_OTLP_ENDPOINT": url,
                "OTEL_EXPORTER_ZIPKIN_ENDPOINT": url,
                "OTEL_EXPORTER_OTLP_HEADERS": f"authorization: Bearer {TOKEN}=,{TOKEN},api-key={TOKEN}",
                "OTEL_EXPORTER_OTLP_HEADER": f"api-key={TOKEN}",
                "OTEL_SOME_TOKEN": TOKEN,
                "OTEL_VENDOR_API_KEY": TOKEN,
                "OTEL_OPAMP": f"wss://{USER}:{PASSWORD}@host",
            }
            endpoint.report(environ, 0.5, findings, out)
            for name in environ:
                out.write(environment.shown(name, environ[name]))
            findings.report(out)
            assert "api-key=***" in out.getvalue() and "Endpoint for traces" in out.getvalue()
            assert_hidden(out.getvalue())


def test_declarative_configuration(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from opentelemetry.configuration import models
    from opentelemetry.configuration.file import load_config_file

    monkeypatch.setenv("URL", url_of(closed_port()))
    monkeypatch.setenv("KEY", TOKEN)
    exporter = "tracer_provider: {processors: [{batch: {exporter: {otlp_http: %s}}}]}"
    for text, is_valid in (
        ("{endpoint: '${URL}', headers: [{name: api-key, value: '${KEY}'}], headers_list: 'a=${KEY}'}", True),
        ("{endpoint: ['${URL}']}", False),
        ("{headers: '${KEY}'}", False),
        ("{headers: ['${KEY}']}", False),
        ("{headers: [{name: a, value: ['${KEY}']}]}", False),
        ("{tls: '${URL}'}", False),
        ("'${URL}'", False),
        ("{endpoint: !!int '${URL}'}", False),
        ("{headers: [{name: a, value: !!bool '${KEY}'}]}", False),
    ):
        (tmp_path / "otel.yaml").write_text("file_format: '1.0'\n" + exporter % text)
        try:
            config = load_config_file(str(tmp_path / "otel.yaml"))
        except Exception as error:
            assert not is_valid, error
            assert_hidden(f"{error} {error!r}")
        else:
            assert is_valid and isinstance(config, models.OpenTelemetryConfiguration)
            assert_hidden(repr(config))


def test_the_mark_would_be_found() -> None:
    sys.stdout.flush()
    with pytest.raises(AssertionError):
        assert_hidden(url_of(1))
