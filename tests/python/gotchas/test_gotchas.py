"""The common mistakes that OpenTelemetry's documentation warns of, one after another: impossible, or one line says what
to do. docs/gotchas.md tells the same in words.

Where a whole process matters, the test runs one, with a real receiver, and no logging configured: what it prints on its
standard error is what a newcomer sees.
"""

from __future__ import annotations

import os
import socketserver
import subprocess
import sys
import textwrap
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import metadata
from pathlib import Path
from typing import Any, Callable, Iterator, Sequence

import pytest

import ferrotel
from ferrotel import _native
from opentelemetry import context, propagate, trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpanExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpanExporter
from opentelemetry.instrumentation.threading import ThreadingInstrumentor
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

SECONDS = 30


@pytest.fixture
def server() -> Iterator[Any]:
    with _native.ViewServer() as running:
        yield running


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracer(exporter: InMemorySpanExporter) -> Iterator[trace.Tracer]:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield provider.get_tracer("test")
    provider.shutdown()


def run(source: str, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Runs a program that prepends the usual imports."""
    imports = """
        import os, sys, threading
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpanExporter
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpanExporter
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SimpleSpanProcessor
    """
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(imports) + textwrap.dedent(source), *arguments],
        capture_output=True,
        encoding="utf-8",
        timeout=SECONDS,
        env={**os.environ, **environ},
    )


# 1. Forgetting to set the global provider.


def test_1_a_provider_that_is_not_set() -> None:
    ended = run("""
        tracer = trace.get_tracer("early")
        tracer.start_span("before anything").end()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter()))
        for _ in range(3):
            with trace.get_tracer("a").start_as_current_span("lost"):
                pass
        tracer.start_span("lost").end()
    """)
    assert (ended.returncode, ended.stdout) == (0, "")
    assert ended.stderr == (
        "A span was made, and a TracerProvider with a span processor, but it is not the global provider: spans are not "
        "recorded. Call opentelemetry.trace.set_tracer_provider(provider) before.\n"
    )


def test_1_no_provider_although_the_environment_asks_for_spans() -> None:
    source = 'trace.get_tracer("a").start_span("lost").end()'
    ended = run(source, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:4317")
    assert ended.stderr == (
        "A span was made, OTEL_EXPORTER_OTLP_ENDPOINT is set, but no tracer provider: spans are not recorded. Call "
        "opentelemetry.trace.set_tracer_provider(...) before, or run the program under opentelemetry-instrument.\n"
    )
    assert run(source).stderr == ""


@pytest.mark.parametrize(
    "wiring",
    [
        "trace.set_tracer_provider(provider)",
        # A library that keeps its provider to itself is no mistake; nor is one that has been shut down.
        'provider.get_tracer("mine").start_span("own").end()',
        "provider.shutdown()",
        "del provider",
    ],
)
def test_1_nothing_is_said_where_nothing_is_wrong(wiring: str) -> None:
    ended = run(f"""
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter(out=open(os.devnull, "w"))))
        {wiring}
        trace.get_tracer("a").start_span("a").end()
        os._exit(0)
    """)
    assert (ended.returncode, ended.stderr) == (0, "")


# 2. SimpleSpanProcessor in production.

ADVICE = "use BatchSpanProcessor, which exports in the background."


class Slow(SpanExporter):
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        time.sleep(0.4)
        return SpanExportResult.SUCCESS


def test_2_a_simple_processor_that_holds_the_program_up(caplog: pytest.LogCaptureFixture) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(Slow()))
    tracer = provider.get_tracer("test")
    for _ in range(2):
        tracer.start_span("a").end()
    assert caplog.records == []
    for _ in range(2):
        tracer.start_span("a").end()
    [record] = caplog.records
    assert (record.name, record.levelname) == ("opentelemetry.sdk.trace.export", "WARNING")
    assert record.getMessage() == (
        "SimpleSpanProcessor exports every span on the thread that ends it, which has held the program up for 1.2 s by "
        f"now: {ADVICE}"
    )


def test_2_the_same_in_the_engine(caplog: pytest.LogCaptureFixture) -> None:
    with http_server(delay=0.6) as url:
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(HttpSpanExporter(endpoint=f"{url}/v1/traces")))
        for _ in range(3):
            provider.get_tracer("test").start_span("a").end()
        provider.shutdown()
    [message] = [record.getMessage() for record in caplog.records]
    assert message.endswith(ADVICE)


def test_2_a_quick_exporter_is_no_mistake(
    tracer: trace.Tracer, exporter: InMemorySpanExporter, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2000):
        tracer.start_span("a").end()
    assert len(exporter.get_finished_spans()) == 2000
    assert caplog.records == []


# 3. Not calling provider.shutdown().


@pytest.mark.parametrize("kind", ["Grpc", "Http"])
@pytest.mark.parametrize(
    ("end", "code", "error"),
    [
        ("", 0, ""),
        ("sys.exit(3)", 3, ""),
        ("raise ValueError('the program is broken')", 1, "ValueError: the program is broken\n"),
        ("os.kill(os.getpid(), 2)", -2, "KeyboardInterrupt\n"),
        ("threading.Thread(target=lambda: trace.get_tracer('a').start_span('waiting').end()).start()", 0, ""),
    ],
    ids=["end", "exit", "exception", "interrupt", "thread"],
)
def test_3_a_process_that_ends_delivers(server: Any, kind: str, end: str, code: int, error: str) -> None:
    endpoint = server.grpc_endpoint if kind == "Grpc" else f"{server.http_endpoint}/v1/traces"
    ended = run(
        f"""
        provider = TracerProvider()
        provider.add_span_processor(BatchSpanProcessor({kind}SpanExporter(endpoint=sys.argv[1])))
        trace.set_tracer_provider(provider)
        tracer = trace.get_tracer("a")
        with tracer.start_as_current_span("outer"):
            tracer.start_span("waiting").end()
            {end or "pass"}
        """,
        endpoint,
    )
    assert ended.returncode == code
    assert ended.stderr.endswith(error)
    names = sorted(span["name"] for span in server.spans())
    assert names == ["outer", *["waiting"] * (2 if "Thread" in end else 1)]


def test_3_a_python_exporter_is_asked_too() -> None:
    ended = run("""
        provider = TracerProvider()
        provider.add_span_processor(BatchSpanProcessor(ConsoleSpanExporter(formatter=lambda span: span.name + "\\n")))
        trace.set_tracer_provider(provider)
        trace.get_tracer("a").start_span("waiting").end()
    """)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "waiting\n", "")


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("provider", ["inherited", "own"])
def test_3_children_of_multiprocessing_deliver(server: Any, method: str, provider: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        textwrap.dedent(f"""
        import multiprocessing, sys
        from concurrent.futures import ProcessPoolExecutor
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        def set_up():
            provider = TracerProvider()
            provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint={server.grpc_endpoint!r})))
            trace.set_tracer_provider(provider)

        def work(name):
            with trace.get_tracer("a").start_as_current_span(name):
                pass

        if {provider!r} == "inherited":
            set_up()  # which also runs in what is spawned: it imports this file

        if __name__ == "__main__":
            methods = multiprocessing.get_context({method!r})
            setting = {{}} if {provider!r} == "inherited" else {{"initializer": set_up}}
            with ProcessPoolExecutor(1, methods, **setting) as pool:
                pool.submit(work, "pooled").result()
            if {provider!r} == "inherited":
                child = methods.Process(target=work, args=("child",))
                child.start()
                child.join()
                work("parent")
        """)
    )
    ended = subprocess.run([sys.executable, str(program)], capture_output=True, encoding="utf-8", timeout=SECONDS)
    assert (ended.returncode, ended.stderr) == (0, "")
    names = sorted(span["name"] for span in server.spans())
    assert names == (["child", "parent", "pooled"] if provider == "inherited" else ["pooled"])


def test_3_ends_that_run_no_exit_handler_want_a_flush(server: Any) -> None:
    source = """
        provider = TracerProvider()
        provider.add_span_processor(BatchSpanProcessor(GrpcSpanExporter(endpoint=sys.argv[1])))
        trace.set_tracer_provider(provider)
        trace.get_tracer("a").start_span("waiting").end()
        {flush}
        os._exit(0)
    """
    run(source.format(flush=""), server.grpc_endpoint)
    assert server.spans() == []
    run(source.format(flush="provider.force_flush()"), server.grpc_endpoint)
    assert [span["name"] for span in server.spans()] == ["waiting"]


# 4. Attribute value types.


def test_4_mappings_and_none_are_values(
    server: Any, tracer: trace.Tracer, exporter: InMemorySpanExporter, caplog: pytest.LogCaptureFixture
) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(GrpcSpanExporter(endpoint=server.grpc_endpoint)))
    values = {"data": {"key": "value", "deep": {"list": [1, None, "x"]}}, "nothing": None, "raw": b"\x00"}
    with provider.get_tracer("a").start_as_current_span("a") as span:
        span.set_attributes(values)
    provider.shutdown()
    [received] = server.spans()
    assert received["attributes"] == values
    assert caplog.records == []


def test_4_other_objects_become_text_with_one_line_for_a_type(
    tracer: trace.Tracer, exporter: InMemorySpanExporter, caplog: pytest.LogCaptureFixture
) -> None:
    class Money:
        def __str__(self) -> str:
            return "7 EUR"

    class Opaque:
        pass

    with tracer.start_as_current_span("a") as span:
        for number in range(3):
            span.set_attribute(f"price.{number}", Money())  # type: ignore[arg-type]
        span.set_attribute("secret", Opaque())  # type: ignore[arg-type]
        span.set_attribute("kept", 1)
    [finished] = exporter.get_finished_spans()
    assert finished.attributes is not None
    assert dict(finished.attributes) == {
        "price.0": "7 EUR",
        "price.1": "7 EUR",
        "price.2": "7 EUR",
        "secret": None,
        "kept": 1,
    }
    messages = [record.getMessage() for record in caplog.records if record.name == "opentelemetry.attributes"]
    assert messages == [
        f"Invalid type `{kind}` for attribute value. Expected one of bool, str, None, bytes, int, float or a Mapping "
        "or Sequence of those types. Its text is used, or None where it has none: give str(value), or an attribute for "
        "each field. This is said once for a type."
        for kind in (Money, Opaque)
    ]


# 5. API and SDK.


def test_5_one_distribution_holds_both() -> None:
    import opentelemetry.sdk.trace
    import opentelemetry.trace

    home = Path(ferrotel.__file__).parent
    for module in (opentelemetry.trace, opentelemetry.sdk.trace):
        assert module.__file__ is not None
        assert home in Path(module.__file__).parents
    requires = (
        metadata.requires("ferrotel") if "ferrotel" in {d.metadata["Name"] for d in metadata.distributions()} else None
    )
    assert not requires


# 6. Span names of high cardinality: nothing is wrong with them that a program could see. See docs/gotchas.md.


def test_6_a_scope_that_is_not_entered_makes_no_span(tracer: trace.Tracer, exporter: InMemorySpanExporter) -> None:
    tracer.start_as_current_span("GET /users/12345")
    assert exporter.get_finished_spans() == ()


# 7. The ports of OTLP.


def export_one(exporter: Any, caplog: pytest.LogCaptureFixture) -> list[str]:
    """What is logged when a span is exported."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    provider.get_tracer("a").start_span("a").end()
    provider.force_flush()
    provider.shutdown()
    return [record.getMessage() for record in caplog.records]


def test_7_grpc_on_the_port_for_http(server: Any, caplog: pytest.LogCaptureFixture) -> None:
    [message] = export_one(GrpcSpanExporter(endpoint=server.http_endpoint), caplog)
    assert message.startswith(
        f"Failed to export traces to 127.0.0.1:{server.http_port}, error code: StatusCode.UNIMPLEMENTED, error "
        f"details: port {server.http_port} is for OTLP over HTTP (protocol http/protobuf or http/json); gRPC is on "
        f"port {server.grpc_port}."
    )


def test_7_http_on_the_port_for_grpc(server: Any, caplog: pytest.LogCaptureFixture) -> None:
    [message] = export_one(HttpSpanExporter(endpoint=f"{server.grpc_endpoint}/v1/traces"), caplog)
    assert message == (
        f"Failed to export spans batch code: 404, reason: Not Found (port {server.grpc_port} is for OTLP over gRPC; "
        f"OTLP over HTTP is on port {server.http_port}). The endpoint is {server.grpc_endpoint}/v1/traces. The server "
        "does not take OTLP traces at /v1/traces: is this its port for OTLP over HTTP (4318 on most collectors)?"
    )


def test_7_grpc_to_a_server_that_knows_nothing_of_it(caplog: pytest.LogCaptureFixture) -> None:
    with http_server() as url:
        [message] = export_one(GrpcSpanExporter(endpoint=url, timeout=5), caplog)
    assert "This looks like an OTLP/HTTP port, and the exporter speaks gRPC: use the port for gRPC (4317" in message
    assert "4318 is HTTP), or the protocol http/protobuf." in message


def test_7_http_to_a_server_that_knows_only_grpc(caplog: pytest.LogCaptureFixture) -> None:
    with http2_server() as url:
        [message] = export_one(HttpSpanExporter(endpoint=f"{url}/v1/traces", timeout=5), caplog)
    assert "This looks like an OTLP/gRPC port, and the exporter speaks HTTP: use the port for HTTP (4318" in message
    assert "4317 is gRPC), or the protocol grpc." in message


def test_7_a_path_that_is_missing(server: Any, caplog: pytest.LogCaptureFixture) -> None:
    # An endpoint given in code is taken as it is; only OTEL_EXPORTER_OTLP_ENDPOINT gets /v1/traces added.
    [message] = export_one(HttpSpanExporter(endpoint=server.http_endpoint), caplog)
    assert message.endswith("The server does not take OTLP traces at /: the path is usually /v1/traces.")


def test_7_no_collector_at_all(caplog: pytest.LogCaptureFixture) -> None:
    with socketserver.TCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler) as taken:
        address = f"127.0.0.1:{taken.server_address[1]}"
    first, *_, last = export_one(GrpcSpanExporter(endpoint=f"http://{address}", timeout=2), caplog)
    assert first.startswith("Transient error StatusCode.UNAVAILABLE encountered while exporting traces")
    assert last.startswith("Failed to export traces")
    for message in (first, last):
        assert message.endswith(f"Nothing listens at {address}: is the collector running there?")


# 8. set_status without record_exception.


def test_8_an_exception_that_leaves_the_block_is_recorded(tracer: trace.Tracer, exporter: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="bad"):
        with tracer.start_as_current_span("a"):
            raise ValueError("bad")
    [span] = exporter.get_finished_spans()
    assert (span.status.status_code, span.status.description) == (trace.StatusCode.ERROR, "ValueError: bad")
    [event] = span.events
    assert event.attributes is not None
    assert event.attributes["exception.message"] == "bad"
    assert "test_gotchas.py" in str(event.attributes["exception.stacktrace"])


def test_8_an_exception_that_is_handled_is_recorded_on_request(
    tracer: trace.Tracer, exporter: InMemorySpanExporter
) -> None:
    with tracer.start_as_current_span("status only") as span:
        try:
            raise ValueError("bad")
        except ValueError as error:
            span.set_status(trace.StatusCode.ERROR, str(error))
    with tracer.start_as_current_span("both") as span:
        try:
            raise ValueError("bad")
        except ValueError as error:
            span.record_exception(error)
            span.set_status(trace.StatusCode.ERROR, str(error))
    status_only, both = exporter.get_finished_spans()
    assert status_only.events == ()
    assert [event.name for event in both.events] == ["exception"]
    assert (both.status.status_code, both.status.description) == (trace.StatusCode.ERROR, "bad")


# 9. Thread pools.


def test_9_context_reaches_a_thread_of_a_pool_when_it_is_taken_along(
    tracer: trace.Tracer, exporter: InMemorySpanExporter
) -> None:
    def work(name: str) -> None:
        tracer.start_span(name).end()

    def attached(taken: context.Context, name: str) -> None:
        token = context.attach(taken)
        try:
            work(name)
        finally:
            context.detach(token)

    with ThreadPoolExecutor(1) as pool, tracer.start_as_current_span("outer") as outer:
        pool.submit(work, "plain").result()
        pool.submit(attached, context.get_current(), "attach").result()
        pool.submit(copy_context().run, work, "copy_context").result()
        pool.submit(work, "plain again").result()
    parents = {span.name: span.parent and span.parent.span_id for span in exporter.get_finished_spans()}
    assert parents == {
        "plain": None,
        "attach": outer.get_span_context().span_id,
        "copy_context": outer.get_span_context().span_id,
        "plain again": None,
        "outer": None,
    }


def test_9_context_reaches_threads_by_itself_when_they_are_instrumented(
    tracer: trace.Tracer, exporter: InMemorySpanExporter
) -> None:
    ThreadingInstrumentor().instrument()
    try:
        with ThreadPoolExecutor(1) as pool, tracer.start_as_current_span("outer") as outer:
            pool.submit(lambda: tracer.start_span("pool").end()).result()
            thread = threading.Thread(target=lambda: tracer.start_span("thread").end())
            thread.start()
            thread.join()
    finally:
        ThreadingInstrumentor().uninstrument()
    parents = {span.name: span.parent and span.parent.span_id for span in exporter.get_finished_spans()}
    here = outer.get_span_context().span_id
    assert parents == {"pool": here, "thread": here, "outer": None}


# 10. Header names whose case has changed on the way.


def test_10_a_dict_of_headers_knows_no_case(tracer: trace.Tracer) -> None:
    headers: dict[str, str] = {}
    with tracer.start_as_current_span("call") as span:
        propagate.inject(headers)
    sent = span.get_span_context()
    received: list[Any] = []
    with http_server(seen=received.append) as url:
        urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=5).close()
    [arrived] = received
    assert "Traceparent" in dict(arrived.items())

    def found(carrier: Any) -> trace.SpanContext:
        return trace.get_current_span(propagate.extract(carrier, context.Context())).get_span_context()

    # As the official packages: the default getter looks a mapping's keys up as they are.
    assert not found(dict(arrived.items())).is_valid
    # What the framework gives ignores case; so does a dict of lower-case names.
    assert found(arrived).trace_id == sent.trace_id
    assert found({name.lower(): value for name, value in arrived.items()}).span_id == sent.span_id


@contextmanager
def http_server(delay: float = 0.0, seen: Callable[[Any], None] = lambda headers: None) -> Iterator[str]:
    """A server that has nothing to do with OTLP and answers 200 to everything that is HTTP/1.1."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen(self.headers)
            self.rfile.read(int(self.headers.get("content-length", 0)))
            time.sleep(delay)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{httpd.server_port}"
    finally:
        httpd.shutdown()
        thread.join()
        httpd.server_close()


@contextmanager
def http2_server() -> Iterator[str]:
    """What a client of HTTP/1.1 sees of a gRPC server: an HTTP/2 frame of settings, and the connection's end."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.sendall(bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))
            self.request.recv(65536)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{running.server_address[1]}"
        finally:
            running.shutdown()
            thread.join()
