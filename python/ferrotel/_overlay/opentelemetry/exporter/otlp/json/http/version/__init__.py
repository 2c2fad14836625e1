"""The release of the reference whose OTLP as JSON over HTTP behaves like this."""

__version__ = "0.66b1"
