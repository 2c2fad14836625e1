"""What the instrumentation is for."""

from __future__ import annotations

_instruments = ("django >= 2.0",)

_supports_metrics = True
