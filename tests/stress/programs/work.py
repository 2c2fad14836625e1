"""What the programs share: all three signals, set up and used in every way there is, and counted.

The receiver's address comes from the environment, as OTLP exporters want it.
"""

import faulthandler
import json
import logging
import sys

from opentelemetry import baggage, context, propagate, trace
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler

QUEUE = 1 << 17


def hang_after(seconds):
    """A program that hangs says where, and ends."""
    faulthandler.dump_traceback_later(seconds, exit=True)


def report(**result):
    print(json.dumps(result))
    sys.stdout.flush()


def nothing():
    """What the callbacks call, before a program puts something in its place."""


class Hooks:
    """Every place in which the SDK calls Python code calls `visit`."""

    def __init__(self):
        self.visit = nothing

    def sampler(self):
        hooks = self

        class Asking(Sampler):
            def should_sample(self, *args, **kwargs):
                hooks.visit()
                return ALWAYS_ON.should_sample(*args, **kwargs)

            def get_description(self):
                return "asking"

        return Asking()

    def ids(self):
        hooks = self

        class Ids(RandomIdGenerator):
            def generate_span_id(self):
                hooks.visit()
                return super().generate_span_id()

        return Ids()

    def processor(self):
        hooks = self

        class Processor(SpanProcessor):
            started = ended = 0

            def on_start(self, span, parent_context=None):
                hooks.visit()
                span.set_attribute("on_start", True)
                self.started += 1

            def _on_ending(self, span):
                hooks.visit()

            def on_end(self, span):
                hooks.visit()
                self.ended += 1
                len(span.attributes)

        return Processor()

    def exporter(self):
        hooks = self

        class Exporter(SpanExporter):
            exported = 0

            def export(self, spans):
                hooks.visit()
                self.exported += len(spans)
                return SpanExportResult.SUCCESS

        return Exporter()

    def observed(self):
        from opentelemetry.metrics import Observation

        def callback(options):
            self.visit()
            yield Observation(1, {"at": "callback"})

        return callback

    def text(self):
        return Text(self)


class Text:
    """What is no attribute value, and has a text."""

    def __init__(self, hooks):
        self.hooks = hooks

    def __str__(self):
        self.hooks.visit()
        return "text"


class Telemetry:
    """Providers for all signals: `native`, where the engine alone has a say, or with Python code in every place."""

    def __init__(self, native, hooks=None, endpoint=None):
        self.hooks = hooks or Hooks()
        self.native = native
        resource = Resource({"service.name": "stress"})
        kwargs = {} if native else {"sampler": self.hooks.sampler(), "id_generator": self.hooks.ids()}
        self.tracing = TracerProvider(resource=resource, shutdown_on_exit=False, **kwargs)
        self.tracing.add_span_processor(BatchSpanProcessor(otlp("trace_exporter", "OTLPSpanExporter", endpoint), QUEUE))
        self.logs = LoggerProvider(resource=resource, shutdown_on_exit=False)
        self.logs.add_log_record_processor(
            BatchLogRecordProcessor(otlp("_log_exporter", "OTLPLogExporter", endpoint), max_queue_size=QUEUE)
        )
        self.reader = InMemoryMetricReader()
        readers = [
            self.reader,
            PeriodicExportingMetricReader(otlp("metric_exporter", "OTLPMetricExporter", endpoint), 1e6),
        ]
        views = () if native else (View(instrument_name="seconds", attribute_keys={"key"}),)
        self.metering = MeterProvider(readers, resource=resource, shutdown_on_exit=False, views=views)
        self.processor = self.exporter = None
        if not native:
            self.processor, self.exporter = self.hooks.processor(), self.hooks.exporter()
            self.tracing.add_span_processor(self.processor)
            self.tracing.add_span_processor(SimpleSpanProcessor(self.exporter))
            self.slow = self.hooks.exporter()
            self.tracing.add_span_processor(BatchSpanProcessor(self.slow, max_queue_size=QUEUE))
            self.logs.add_log_record_processor(SimpleLogRecordProcessor(Collecting(self.hooks)))
        self.tracer = self.tracing.get_tracer("stress")
        meter = self.metering.get_meter("stress")
        self.counter = meter.create_counter("calls")
        self.histogram = meter.create_histogram("seconds")
        meter.create_observable_gauge("gauge", [self.hooks.observed()])
        self.logger = self.logs.get_logger("stress")

    def flush(self):
        flushed = self.tracing.force_flush() and self.logs.force_flush() and self.metering.force_flush()
        return flushed is not False

    def shut_down(self):
        self.tracing.shutdown()
        self.logs.shutdown()
        self.metering.shutdown()

    def counted(self):
        """What the counter says."""
        data = self.reader.get_metrics_data()
        metrics = [m for r in data.resource_metrics for s in r.scope_metrics for m in s.metrics] if data else []
        return sum(p.value for m in metrics if m.name == "calls" for p in m.data.data_points)


class Collecting:
    """An exporter of log records."""

    def __init__(self, hooks):
        self.hooks, self.count = hooks, 0

    def export(self, batch):
        self.hooks.visit()
        self.count += len(batch)

    def shutdown(self):
        pass

    def force_flush(self, timeout_millis=0):
        return True


def otlp(module, name, endpoint=None):
    """An exporter to `endpoint`, or to where the environment says."""
    from importlib import import_module

    kind = getattr(import_module("opentelemetry.exporter.otlp.proto.http." + module), name)
    signal = {"trace_exporter": "traces", "_log_exporter": "logs", "metric_exporter": "metrics"}[module]
    return kind(endpoint and endpoint + "/v1/" + signal)


class Worker:
    """Does everything once in `everything`, and counts what it did."""

    def __init__(self, telemetry):
        self.telemetry = telemetry
        self.spans = self.adds = self.records = 0

    def everything(self):
        telemetry, text = self.telemetry, self.telemetry.hooks.text()
        tracer = telemetry.tracer
        token = context.attach(baggage.set_baggage("key", "value"))
        try:
            self.spans += 1
            with tracer.start_as_current_span("outer", attributes={"text": text, "n": 1}) as span:
                span.set_attribute("text", text)
                span.set_attributes({"a": text, "b": [1, 2], "c": {"d": text}})
                span.add_event("event", {"text": text})
                self.adds += 1
                telemetry.counter.add(1, {"key": "value"})
                telemetry.histogram.record(0.5, {"key": text})
                self.records += 1
                telemetry.logger.emit(body=text, attributes={"key": text})
                carrier = {}
                propagate.inject(carrier)
                extracted = propagate.extract(carrier)
                self.spans += 1
                inner = tracer.start_span("inner", context=extracted, links=[trace.Link(span.get_span_context())])
                inner.record_exception(ValueError("odd"))
                inner.set_status(trace.StatusCode.ERROR, "odd")
                inner.update_name("renamed")
                inner.end()
                telemetry.tracing.get_tracer("another")
                telemetry.metering.get_meter("another").create_counter("calls_of_another")
        finally:
            context.detach(token)


def quiet():
    """Log lines of the SDK's go nowhere, and are counted."""
    handler = Counting()
    logging.getLogger("opentelemetry").addHandler(handler)
    logging.getLogger("opentelemetry").propagate = False
    return handler


class Counting(logging.Handler):
    def __init__(self):
        super().__init__()
        self.lines = []

    def emit(self, record):
        line = f"{record.name}: {record.getMessage()}"
        if record.exc_info and record.exc_info[1]:
            line += f" ({record.exc_info[1]!r})"
        if f"Invalid type `{Text}`" not in line and len(self.lines) < 10:
            self.lines.append(line)
