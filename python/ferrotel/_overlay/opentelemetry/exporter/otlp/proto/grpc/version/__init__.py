"""The release of the reference whose OTLP over gRPC behaves like this."""

__version__ = "1.45.1"
