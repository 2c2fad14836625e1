"""OTLP's protobuf messages from the SDK's objects."""

from ferrotel._portions import with_official
from opentelemetry.exporter.otlp.proto.common.version import __version__

__path__ = with_official(__path__, __name__)

__all__ = ["__version__"]
