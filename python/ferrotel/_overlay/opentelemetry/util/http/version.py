"""The release of the HTTP instrumentations' common part that this one is compatible with."""

__version__ = "0.66b1"
