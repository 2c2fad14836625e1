"""What the instrumentation is for."""

from __future__ import annotations

_instruments = ("sqlalchemy >= 1.0.0",)

_supports_metrics = True

_semconv_status = "migration"
