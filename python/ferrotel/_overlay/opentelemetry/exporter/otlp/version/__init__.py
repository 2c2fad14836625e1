"""The release of the reference whose OTLP exporters behaves like this."""

__version__ = "1.45.1"
