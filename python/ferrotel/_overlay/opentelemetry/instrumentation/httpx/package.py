"""What the instrumentation is for: either of two libraries with the same interface."""

from __future__ import annotations

_instruments_httpx = ("httpx >= 0.18.0",)
_instruments_httpx2 = ("httpx2 >= 2.0.0",)

_instruments: tuple[str, ...] = ()
_instruments_any = (*_instruments_httpx, *_instruments_httpx2)

_supports_metrics = True

_semconv_status = "migration"
