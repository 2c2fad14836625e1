"""OTLP's protobuf messages from the SDK's objects."""

from opentelemetry.exporter.otlp.proto.common.version import __version__

__all__ = ["__version__"]
