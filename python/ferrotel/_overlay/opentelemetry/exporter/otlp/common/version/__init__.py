"""The release of the reference whose OTLP exporting behaves like this."""

__version__ = "0.66b1"
