"""OTLP written to a file or a stream, one line of JSON a batch (specification: OTLP file exporter).

    BatchSpanProcessor(FileSpanExporter("/var/log/otel/traces.jsonl"))

A file takes one signal: several exporters of one signal may append to the same, also from several processes.
"""

from opentelemetry.exporter.otlp.json.file.metric_exporter import FileMetricExporter
from opentelemetry.exporter.otlp.json.file.trace_exporter import FileSpanExporter

__all__ = ["FileMetricExporter", "FileSpanExporter"]
