"""What the instrumentation is for."""

from __future__ import annotations

_instruments = ("redis >= 2.6",)

_semconv_status = "migration"
