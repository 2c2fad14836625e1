"""What the tests of the logs SDK share: a receiver of OTLP/JSON, and an exporter of the engine's in front of it."""

from __future__ import annotations

import json
import logging
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Iterator

import pytest

from ferrotel import _native
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import (
    BatchLogRecordProcessor,
    InMemoryLogRecordExporter,
    LogRecordExporter,
    LogRecordExportResult,
    SimpleLogRecordProcessor,
)
from opentelemetry.sdk.resources import Resource


class Receiver:
    """Keeps the log records of every request."""

    def __init__(self) -> None:
        self.requests: list[Any] = []
        requests = self.requests

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                requests.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1/logs"

    def scopes(self) -> list[Any]:
        return [s for r in self.requests for logs in r["resourceLogs"] for s in logs["scopeLogs"]]

    def records(self) -> list[Any]:
        return [record for scope in self.scopes() for record in scope["logRecords"]]

    def bodies(self) -> list[Any]:
        return [plain(record.get("body", {})) for record in self.records()]


def plain(value: Any) -> Any:
    """An `AnyValue` in JSON as what it stands for."""
    if "arrayValue" in value:
        return [plain(item) for item in value["arrayValue"].get("values", ())]
    if "kvlistValue" in value:
        return attributes(value["kvlistValue"].get("values", ()))
    for kind, read in (("intValue", int), ("doubleValue", float), ("stringValue", str), ("boolValue", bool)):
        if kind in value:
            return read(value[kind])
    return value.get("bytesValue")


def attributes(pairs: Any) -> dict[str, Any]:
    return {pair["key"]: plain(pair.get("value", {})) for pair in pairs}


class EngineExporter(LogRecordExporter):
    """The engine's exporter, as a processor finds it."""

    def __init__(self, url: str) -> None:
        self.engine = _native.OtlpLogRecordExporter(
            protocol="http/json", endpoint=url, headers=(), timeout=10.0, compression="none"
        )

    def _engine_exporter(self) -> _native.OtlpLogRecordExporter:
        return self.engine

    def export(self, batch: Any) -> LogRecordExportResult:
        raise AssertionError("the processor calls the engine")

    def shutdown(self) -> None:
        self.engine.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@pytest.fixture
def native(receiver: Receiver) -> Iterator[LoggerProvider]:
    """A provider whose whole pipeline is the engine's, towards `receiver`."""
    provider = LoggerProvider(Resource({"service.name": "shop"}), shutdown_on_exit=False)
    provider.add_log_record_processor(BatchLogRecordProcessor(EngineExporter(receiver.url)))
    yield provider
    provider.shutdown()


@pytest.fixture
def kept() -> InMemoryLogRecordExporter:
    return InMemoryLogRecordExporter()


@pytest.fixture
def provider(kept: InMemoryLogRecordExporter) -> Iterator[LoggerProvider]:
    """A provider whose processor and exporter are Python's."""
    made = LoggerProvider(Resource({"service.name": "shop"}), shutdown_on_exit=False)
    made.add_log_record_processor(SimpleLogRecordProcessor(kept))
    yield made
    made.shutdown()


@pytest.fixture
def logger(request: pytest.FixtureRequest) -> Iterator[logging.Logger]:
    """A logger of `logging` that is the test's own."""
    made = logging.getLogger(f"test.{request.node.name}")
    made.propagate = False
    made.setLevel(logging.DEBUG)
    yield made
    for handler in list(made.handlers):
        made.removeHandler(handler)
