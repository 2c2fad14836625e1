"""What the instrumentation is for."""

from __future__ import annotations

_instruments = ("requests ~= 2.0",)

_supports_metrics = True

_semconv_status = "migration"
