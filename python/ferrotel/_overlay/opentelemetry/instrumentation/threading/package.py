"""What the instrumentation is for: nothing that has to be installed."""

from __future__ import annotations

_instruments: tuple[str, ...] = ()

_supports_metrics = False
