"""OTLP over HTTP, in protobuf.

`OTLPSpanExporter` in `trace_exporter` sends spans, `OTLPMetricExporter` in `metric_exporter` metrics, `OTLPLogExporter`
in `_log_exporter` log records. The variables OTEL_EXPORTER_OTLP_* and those of the signal (OTEL_EXPORTER_OTLP_TRACES_*,
_METRICS_*, _LOGS_*) configure what their arguments leave open. The package `requests` is needed only by a
program that brings a session of its own.
"""

import enum

from .version import __version__

_OTLP_HTTP_HEADERS = {
    "Content-Type": "application/x-protobuf",
    "User-Agent": "OTel-OTLP-Exporter-Python/" + __version__,
}


class Compression(enum.Enum):
    """What a body is compressed with."""

    NoCompression = "none"
    Deflate = "deflate"
    Gzip = "gzip"
