"""OTLP over HTTP, in JSON."""

from opentelemetry.exporter.otlp.json.http.trace_exporter import OTLPSpanExporter

__all__ = ["OTLPSpanExporter"]
