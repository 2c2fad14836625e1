"""What the instrumentation is for."""

from __future__ import annotations

_instruments = ("celery >= 4.0, < 6.0",)

_supports_metrics = True
