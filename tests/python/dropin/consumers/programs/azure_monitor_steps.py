"""The Azure Monitor exporters' first steps: spans, metrics and log records, each with its exporter."""

import logging
import os
import warnings

from azure.monitor.opentelemetry.exporter import (
    AzureMonitorLogExporter,
    AzureMonitorMetricExporter,
    AzureMonitorTraceExporter,
)
from whence import tell

from opentelemetry import metrics, trace
from opentelemetry._logs import set_logger_provider
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

key = "InstrumentationKey=00000000-1111-2222-3333-444444444444"
settings = {
    "connection_string": f"{key};IngestionEndpoint={os.environ['BACKEND']}/",
    "disable_offline_storage": True,
}

trace.set_tracer_provider(TracerProvider())
trace.get_tracer_provider().add_span_processor(BatchSpanProcessor(AzureMonitorTraceExporter(**settings)))
reader = PeriodicExportingMetricReader(AzureMonitorMetricExporter(**settings))
metrics.set_meter_provider(MeterProvider(metric_readers=[reader]))
set_logger_provider(logger_provider := LoggerProvider())
logger_provider.add_log_record_processor(BatchLogRecordProcessor(AzureMonitorLogExporter(**settings)))
with warnings.catch_warnings():
    # The SDK's handler is the deprecated one, as in the reference.
    warnings.simplefilter("ignore")
    logging.getLogger("app").addHandler(LoggingHandler())

tracer = trace.get_tracer(__name__)
served = {"http.request.method": "GET", "http.response.status_code": 200, "url.path": "/x", "url.scheme": "http"}
with tracer.start_as_current_span("GET /x", kind=trace.SpanKind.SERVER, attributes=served) as span:
    with tracer.start_as_current_span("inner") as inner:
        inner.add_event("happened", {"a": 1})
        try:
            raise ValueError("no")
        except ValueError as error:
            inner.record_exception(error)
    logging.getLogger("app").warning("careful %s", 1)
meter = metrics.get_meter("shop")
meter.create_counter("things").add(3, {"k": "v"})
meter.create_histogram("seconds").record(2.5)

metrics.get_meter_provider().force_flush()
metrics.get_meter_provider().shutdown()
logger_provider.shutdown()
trace.get_tracer_provider().shutdown()
context = span.get_span_context()
ids = [f"{context.trace_id:032x}", f"{context.span_id:016x}", f"{inner.get_span_context().span_id:016x}"]
tell(span, ids=ids)
