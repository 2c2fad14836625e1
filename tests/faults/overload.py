"""More spans than the network takes."""

from __future__ import annotations

import functools

from . import collector as kinds
from .collector import Collector
from .running import Case

#: Of a batch span processor with default settings.
DELAY_MILLIS = 5000

fast = functools.partial(Collector, kinds.fast)


def _made(name: str, how: str, seconds: float, number: int, delay: int = DELAY_MILLIS, **more: object) -> Case:
    command = ["steady.py", how, str(seconds), str(number), str(delay)]
    return Case("overload", name, command, seconds=35, **more)  # type: ignore[arg-type]


CASES = [
    *(
        _made(f"{rate:,} spans a second for 3 s, default settings", "steady", 3, rate, collector=fast, quick=False)
        for rate in (10_000, 40_000, 120_000)
    ),
    *(
        _made(
            f"flat out, {words}, 3 s, default settings",
            "flat_out",
            3,
            number,
            collector=fast,
            # Threads that do nothing else wait for each other's interpreter lock, in the middle of a span too.
            stall=0.5 if number > 1 else 0.0,
            lost=None,
            counted=True,
            quick=False,
        )
        for words, number in (("one thread", 1), ("four threads", 4))
    ),
    _made(
        "flat out for 1 s, the collector takes 0.5 s for each batch",
        "flat_out",
        1,
        1,
        500,
        collector=functools.partial(Collector, kinds.slow),
        lost=None,
        counted=True,
    ),
]
