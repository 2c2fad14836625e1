"""Exceptions of the metrics SDK."""

from __future__ import annotations


class MetricsTimeoutError(Exception):
    """A collection or an export took longer than it may."""
