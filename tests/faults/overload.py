"""More spans than the network takes."""

from __future__ import annotations

import functools

from . import collector as kinds
from .collector import Collector
from .running import Case


def _made(name: str, how: str, seconds: float, number: int, **more: object) -> Case:
    command = ["steady.py", how, str(seconds), str(number)]
    return Case("overload", name, command, seconds=35, **more)  # type: ignore[arg-type]


CASES = [
    *(
        _made(f"{rate:,} spans a second for 3 s, default settings", "steady", 3, rate, quick=False)
        for rate in (10_000, 40_000, 120_000)
    ),
    _made("flat out, one thread, 3 s", "flat_out", 3, 1, lost=None, counted=True, quick=False),
    _made("flat out, four threads, 3 s", "flat_out", 3, 4, lost=None, counted=True, quick=False),
    _made(
        "flat out for 1 s, the collector takes 0.5 s for each batch",
        "flat_out",
        1,
        1,
        collector=functools.partial(Collector, kinds.slow),
        lost=None,
        counted=True,
    ),
]
