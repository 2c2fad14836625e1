"""The release of the reference whose Zipkin exporter behaves like this."""

__version__ = "1.45.1"
