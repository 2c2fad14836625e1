"""What the instrumentation is for."""

from __future__ import annotations

_instruments = ("fastapi ~= 0.92",)

_supports_metrics = True

_semconv_status = "migration"
