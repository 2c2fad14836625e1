"""The release of opentelemetry-python whose behaviour this package has."""

__version__ = "1.45.1"
