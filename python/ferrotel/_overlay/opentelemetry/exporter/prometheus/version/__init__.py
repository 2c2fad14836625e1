"""The release of the reference whose behaviour this exporter carries."""

__version__ = "0.66b1"
