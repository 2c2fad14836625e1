"""The release of the instrumentation that this one is compatible with."""

__version__ = "0.66b1"
