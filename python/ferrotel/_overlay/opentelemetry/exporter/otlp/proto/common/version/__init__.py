"""The release of the reference whose OTLP encoding behaves like this."""

__version__ = "1.45.1"
