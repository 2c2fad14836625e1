"""The components that ferrotel brings itself, by entry point group and name.

They are found here without a scan of the installed distributions, which costs tens of milliseconds and finds nothing
where the package was put on the path without its metadata.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_SAMPLING = "opentelemetry.sdk.trace.sampling"

_COMPONENTS = {
    "opentelemetry_traces_exporter": {
        "console": "opentelemetry.sdk.trace.export:ConsoleSpanExporter",
        "otlp": "opentelemetry.exporter.otlp.proto.grpc.trace_exporter:OTLPSpanExporter",
        "otlp_json_file": "opentelemetry.exporter.otlp.json.file.trace_exporter:FileSpanExporter",
        "otlp_json_http": "opentelemetry.exporter.otlp.json.http.trace_exporter:OTLPSpanExporter",
        "otlp_proto_grpc": "opentelemetry.exporter.otlp.proto.grpc.trace_exporter:OTLPSpanExporter",
        "otlp_proto_http": "opentelemetry.exporter.otlp.proto.http.trace_exporter:OTLPSpanExporter",
        "zipkin_json": "opentelemetry.exporter.zipkin.json:ZipkinExporter",
    },
    "opentelemetry_metrics_exporter": {
        "console": "opentelemetry.sdk.metrics.export:ConsoleMetricExporter",
        "otlp": "opentelemetry.exporter.otlp.proto.grpc.metric_exporter:OTLPMetricExporter",
        "otlp_json_file": "opentelemetry.exporter.otlp.json.file.metric_exporter:FileMetricExporter",
        "otlp_json_http": "opentelemetry.exporter.otlp.json.http.metric_exporter:OTLPMetricExporter",
        "otlp_proto_grpc": "opentelemetry.exporter.otlp.proto.grpc.metric_exporter:OTLPMetricExporter",
        "otlp_proto_http": "opentelemetry.exporter.otlp.proto.http.metric_exporter:OTLPMetricExporter",
        "prometheus": "opentelemetry.exporter.prometheus:_AutoPrometheusMetricReader",
    },
    "opentelemetry_logs_exporter": {
        "console": "opentelemetry.sdk._logs.export:ConsoleLogRecordExporter",
    },
    "opentelemetry_traces_sampler": {
        "always_on": f"{_SAMPLING}:_AlwaysOn",
        "always_off": f"{_SAMPLING}:_AlwaysOff",
        "parentbased_always_on": f"{_SAMPLING}:_ParentBasedAlwaysOn",
        "parentbased_always_off": f"{_SAMPLING}:_ParentBasedAlwaysOff",
        "traceidratio": f"{_SAMPLING}:TraceIdRatioBased",
        "parentbased_traceidratio": f"{_SAMPLING}:ParentBasedTraceIdRatio",
    },
    "opentelemetry_id_generator": {
        "random": "opentelemetry.sdk.trace.id_generator:RandomIdGenerator",
    },
}


def load_built_in(group: str, name: str) -> Any:
    """The component of this name, or None when ferrotel has none."""
    target = _COMPONENTS.get(group, {}).get(name)
    if target is None:
        return None
    module, _, attribute = target.partition(":")
    return getattr(import_module(module), attribute)
