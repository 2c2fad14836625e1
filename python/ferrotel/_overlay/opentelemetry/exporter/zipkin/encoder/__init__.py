"""Zipkin's formats."""

from __future__ import annotations

from enum import Enum

DEFAULT_MAX_TAG_VALUE_LENGTH = 128
NAME_KEY = "otel.library.name"
VERSION_KEY = "otel.library.version"


class Protocol(Enum):
    """The versions of Zipkin's API. Only the second can be sent."""

    V1 = "v1"
    V2 = "v2"
