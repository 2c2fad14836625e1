"""The release of the reference whose OTLP in lines of JSON behaves like this."""

__version__ = "0.66b1"
