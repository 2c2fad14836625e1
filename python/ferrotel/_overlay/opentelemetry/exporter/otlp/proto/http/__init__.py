"""OTLP over HTTP, in protobuf.

`OTLPSpanExporter` in `trace_exporter` sends spans; the variables OTEL_EXPORTER_OTLP_* and
OTEL_EXPORTER_OTLP_TRACES_* configure what its arguments leave open. The package `requests` is needed only by a
program that brings a session of its own.
"""

import enum

from ferrotel._portions import with_official

from .version import __version__

# The exporters of metrics and logs, where the official distribution is there.
__path__ = with_official(__path__, __name__)

_OTLP_HTTP_HEADERS = {
    "Content-Type": "application/x-protobuf",
    "User-Agent": "OTel-OTLP-Exporter-Python/" + __version__,
}


class Compression(enum.Enum):
    """What a body is compressed with."""

    NoCompression = "none"
    Deflate = "deflate"
    Gzip = "gzip"
