"""The provider, limits, records and exporters; names that released packages import."""

from __future__ import annotations

import gc
import io
import json
import os
import warnings
import weakref
from importlib import import_module
from typing import Any

import pytest

from opentelemetry._logs import LogRecord, NoOpLogger, SeverityNumber
from opentelemetry.sdk._logs import (
    ConcurrentMultiLogRecordProcessor,
    LoggerProvider,
    LogRecordLimits,
    LogRecordProcessor,
    ReadableLogRecord,
    ReadWriteLogRecord,
)
from opentelemetry.sdk._logs.export import (
    BatchLogRecordProcessor,
    ConsoleLogRecordExporter,
    InMemoryLogRecordExporter,
    LogRecordExportResult,
    SimpleLogRecordProcessor,
)
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource

from .conftest import EngineExporter, Receiver


@pytest.mark.parametrize(
    "name",
    [
        "sdk._logs.LoggingHandler",
        "sdk._logs._internal.LogRecord",
        "sdk._logs._internal.SynchronousMultiLogRecordProcessor",
        "sdk._logs._internal._LoggerConfig",
        "sdk._logs._internal._RuleBasedLoggerConfigurator",
        "sdk._logs._internal._default_logger_configurator",
        "sdk._logs._internal._disable_logger_configurator",
        "sdk._logs._internal.export.LogRecordExportResult",
        "sdk._logs._internal.export.LogRecordExporter",
        "sdk._logs._internal.export.in_memory_log_exporter.InMemoryLogRecordExporter",
        "sdk._logs.export.LogExporter",
        "sdk._logs.export.LogExportResult",
        "sdk._logs.export.ConsoleLogExporter",
        "sdk._logs.export.InMemoryLogExporter",
        "sdk._logs.LogLimits",
        "sdk._logs.LogDroppedAttributesWarning",
    ],
)
def test_names_that_released_packages_import(name: str) -> None:
    module, _, attribute = name.rpartition(".")
    assert hasattr(import_module(f"opentelemetry.{module}"), attribute)


@pytest.mark.parametrize("name", ["ConsoleLogExporter", "InMemoryLogExporter"])
def test_older_names_warn_and_work(name: str) -> None:
    older = getattr(import_module("opentelemetry.sdk._logs.export"), name)
    with pytest.warns(DeprecationWarning, match="WILL be removed"):
        exporter = older()
    assert exporter.force_flush()


def test_a_scope_has_one_logger_unless_it_has_attributes() -> None:
    provider = LoggerProvider(shutdown_on_exit=False)
    logger = provider.get_logger("a", "1", "s")
    assert provider.get_logger("a", "1", "s") is logger
    assert provider.get_logger("a", "2", "s") is not logger
    assert provider.get_logger("a", "1", "s", {"k": "v"}) is not provider.get_logger("a", "1", "s", {"k": "v"})


def test_disabled_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", " TRUE ")
    assert type(LoggerProvider(shutdown_on_exit=False).get_logger("a")) is NoOpLogger


def test_a_configurator_that_raises_enables(caplog: pytest.LogCaptureFixture) -> None:
    def configure(scope: Any) -> Any:
        raise ValueError("no")

    provider = LoggerProvider(shutdown_on_exit=False, _logger_configurator=configure)
    provider.add_log_record_processor(SimpleLogRecordProcessor(InMemoryLogRecordExporter()))
    assert provider.get_logger("a").enabled()
    assert "logger configurator failed for scope 'a', using default config" in caplog.text


def test_a_configurator_may_log_and_ask_for_loggers() -> None:
    def configure(scope: Any) -> Any:
        from opentelemetry.sdk._logs._internal import _LoggerConfig

        if scope.name == "a":
            provider.get_logger("b").emit(body="from the configurator")
        return _LoggerConfig()

    kept = InMemoryLogRecordExporter()
    provider = LoggerProvider(shutdown_on_exit=False, _logger_configurator=configure)
    provider.add_log_record_processor(SimpleLogRecordProcessor(kept))
    provider.get_logger("a").emit(body="a")
    assert [readable.log_record.body for readable in kept.get_finished_logs()] == ["from the configurator", "a"]


def test_a_provider_that_nobody_holds_goes_away() -> None:
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(InMemoryLogRecordExporter()))
    provider.get_logger("a").emit(body="a")
    gone = weakref.ref(provider)
    del provider
    gc.collect()
    assert gone() is None


def test_a_forked_child_has_its_own_queue_and_resource(receiver: Receiver) -> None:
    provider = LoggerProvider(Resource({"service.name": "shop"}), shutdown_on_exit=False)
    provider.add_log_record_processor(
        BatchLogRecordProcessor(EngineExporter(receiver.url), schedule_delay_millis=60_000)
    )
    logger = provider.get_logger("a")
    logger.emit(body="parent")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        logger.emit(body="child")
        os._exit(0 if provider.force_flush() else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert receiver.bodies() == ["child"]
    provider.shutdown()
    assert receiver.bodies() == ["child", "parent"]


def test_limits_come_from_arguments_then_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert LogRecordLimits().max_log_record_attributes == 128
    monkeypatch.setenv("OTEL_ATTRIBUTE_COUNT_LIMIT", "5")
    monkeypatch.setenv("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "7")
    limits = LogRecordLimits()
    assert (limits.max_log_record_attributes, limits.max_log_record_attribute_length) == (5, 7)
    assert LogRecordLimits(max_log_record_attributes=LogRecordLimits.UNSET).max_log_record_attributes is None
    monkeypatch.setenv("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "many")
    with pytest.raises(ValueError, match="must be a non-negative integer but got many"):
        LogRecordLimits()


def test_flush_and_shutdown_reach_every_processor() -> None:
    class Told(LogRecordProcessor):
        def __init__(self, answer: Any = True) -> None:
            self.calls: list[str] = []
            self.answer = answer

        def on_emit(self, log_record: ReadWriteLogRecord) -> None:
            self.calls.append("emit")

        def shutdown(self) -> None:
            self.calls.append("shutdown")

        def force_flush(self, timeout_millis: int = 30000) -> bool:
            self.calls.append("flush")
            answer: bool = self.answer
            return answer

    for multi in (None, ConcurrentMultiLogRecordProcessor(2)):
        provider = LoggerProvider(shutdown_on_exit=False, multi_log_record_processor=multi)
        told = [Told(), Told(None), Told(False)]
        for processor in told[:2]:
            provider.add_log_record_processor(processor)
        assert provider.force_flush()
        provider.add_log_record_processor(told[2])
        assert not provider.force_flush()
        provider.get_logger("a").emit(body="a")
        provider.shutdown()
        assert [processor.calls for processor in told] == [["flush", "flush", "emit", "shutdown"]] * 2 + [
            ["flush", "emit", "shutdown"]
        ]


def test_a_record_as_json() -> None:
    cycle: list[Any] = [b"bytes"]
    cycle.append(cycle)
    record = LogRecord(timestamp=0, observed_timestamp=0, severity_number=SeverityNumber.WARN, body=cycle)
    text = ReadableLogRecord(record, Resource({})).to_json(indent=None)
    assert json.loads(text)["severity_number"] == 13 and json.loads(text)["body"] == ["Ynl0ZXM=", None]
    out = io.StringIO()
    exporter = ConsoleLogRecordExporter(out, lambda readable: f"{readable.log_record.body}\n")
    assert exporter.export([ReadableLogRecord(LogRecord(body="x"), Resource({}))]) is LogRecordExportResult.SUCCESS
    assert out.getvalue() == "x\n"


def test_what_the_sdk_counts_about_itself(monkeypatch: pytest.MonkeyPatch, receiver: Receiver) -> None:
    monkeypatch.setenv("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED", "true")
    reader = InMemoryMetricReader()
    meter_provider = MeterProvider([reader], shutdown_on_exit=False)
    provider = LoggerProvider(shutdown_on_exit=False, meter_provider=meter_provider)
    provider.add_log_record_processor(
        SimpleLogRecordProcessor(InMemoryLogRecordExporter(), meter_provider=meter_provider)
    )
    provider.get_logger("a").emit(body="a")
    provider.get_logger("b").emit(body="b")
    data: Any = reader.get_metrics_data()
    metrics = {m.name: m.data.data_points[0].value for m in data.resource_metrics[0].scope_metrics[0].metrics}
    assert metrics == {"otel.sdk.log.created": 2, "otel.sdk.processor.log.processed": 2}
    meter_provider.shutdown()


def test_batch_settings_by_variable(monkeypatch: pytest.MonkeyPatch, receiver: Receiver) -> None:
    monkeypatch.setenv("OTEL_BLRP_MAX_QUEUE_SIZE", "10")
    monkeypatch.setenv("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "5")
    monkeypatch.setenv("OTEL_BLRP_SCHEDULE_DELAY", "20")
    for exporter in (InMemoryLogRecordExporter(), EngineExporter(receiver.url)):
        processor = BatchLogRecordProcessor(exporter)
        batch = processor._batch_processor
        assert (batch._max_queue_size, batch._max_export_batch_size, batch._schedule_delay) == (10, 5, 0.02)
        assert batch._exporter is exporter and batch._exporting == "Log"
        processor.shutdown()
