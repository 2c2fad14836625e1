"""What the instrumentation is for: the standard library's `logging`, which is no distribution."""

from __future__ import annotations

_instruments: tuple[str, ...] = ()
