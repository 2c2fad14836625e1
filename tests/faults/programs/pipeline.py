"""What the programs share: an SDK as its documentation sets it up, spans that are counted, and a report.

Runs on any SDK that has the API's names. The report, in the file that FAULTS_REPORT names: lines of JSON with `pid`,
`made` by this process so far, `stall` (seconds for which the slowest span held its thread up, see stall.py) and, where
the end begins, `ending` (the clock).
"""

import json
import os
import threading
import time

from stall import Watch, enlist

try:
    import resource
except ImportError:
    resource = None

_tracer = None
_lock = threading.Lock()
made = 0
stall = 0.0


def set_up(metrics=False, logs=False, delay_millis=5000):
    """Tracing, and the other signals where they are wanted, over OTLP to where the environment says."""
    global _tracer
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    if os.environ.get("FAULTS_PROTOCOL") == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    else:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(), schedule_delay_millis=delay_millis))
    trace.set_tracer_provider(provider)
    _tracer = trace.get_tracer("faults")
    if metrics:
        _set_up_metrics()
    if logs:
        _set_up_logs()
    return provider


def use_what_there_is():
    """For a program that somebody else has set up."""
    global _tracer
    from opentelemetry import trace

    _tracer = trace.get_tracer("faults")


def _set_up_metrics():
    from opentelemetry import metrics
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    if os.environ.get("FAULTS_PROTOCOL") == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
    else:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    metrics.set_meter_provider(MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())]))


def _set_up_logs():
    from opentelemetry._logs import set_logger_provider
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

    if os.environ.get("FAULTS_PROTOCOL") == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
    else:
        from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    provider = LoggerProvider()
    provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
    set_logger_provider(provider)


def span():
    """Makes one span."""
    global made, stall
    with Watch() as watch:
        with _tracer.start_as_current_span("work"):
            pass
    with _lock:
        made += 1
        if watch.taken * 1e-9 > stall:
            stall = max(stall, watch.stall())


def fast_span():
    """Makes one span where the measuring of `span` would be most of the work. Spans in which the system switched the
    thread out involuntarily do not count for the stall."""
    global made, stall
    switches = _involuntary()
    start = time.perf_counter()
    with _tracer.start_as_current_span("work"):
        pass
    taken = time.perf_counter() - start
    with _lock:
        made += 1
        if taken > stall and _involuntary() == switches:
            stall = taken


def spans(count, pause=0.0):
    for _ in range(count):
        span()
        if pause:
            time.sleep(pause)


def order(count):
    """Counts with a counter, in a program that makes no spans."""
    global made
    from opentelemetry import metrics

    metrics.get_meter("faults").create_counter("orders").add(count)
    made += count


def _involuntary():
    return resource.getrusage(resource.RUSAGE_THREAD).ru_nivcsw if resource else 0


def reset():
    """For a child: it reports its own."""
    global made, stall, _lock
    made, stall, _lock = 0, 0.0, threading.Lock()
    enlist()


def report(**more):
    line = json.dumps({"pid": os.getpid(), "made": made, "stall": stall, **more}) + "\n"
    # One write to a file that is only appended to: lines of several processes do not mix, and no exit loses them.
    file = os.open(os.environ["FAULTS_REPORT"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, line.encode())
    finally:
        os.close(file)


def ending(**more):
    """Reports, as the last thing before the program ends."""
    report(ending=time.monotonic(), **more)
