"""What the instrumentation is for: any ASGI application, which needs no distribution."""

from __future__ import annotations

_instruments: tuple[str, ...] = ()

_supports_metrics = True

_semconv_status = "migration"
