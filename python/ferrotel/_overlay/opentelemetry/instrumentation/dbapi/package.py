"""What the instrumentation is for."""

from __future__ import annotations

# Others build on it, and say which driver they are for.
_instruments: tuple[str, ...] = ()

_semconv_status = "migration"
