"""The release of the distro that this one is compatible with."""

__version__ = "0.66b1"
