"""The release of the reference whose behaviour this propagator carries."""

__version__ = "1.45.1"
