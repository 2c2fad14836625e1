"""Forks, while spans are made."""

from __future__ import annotations

from .running import Case


def _forks(name: str, *arguments: str, **more: object) -> Case:
    return Case("fork", name, ["forking.py", *arguments], seconds=10, **more)  # type: ignore[arg-type]


CASES = [
    *(
        _forks(
            f"{count} children, two threads make spans", "children", str(count), quick=count == 20, telling=count == 200
        )
        for count in (0, 1, 20, 200)
    ),
    _forks("children of forked children", "grandchildren"),
    _forks("a counter, in 8 children and their parent", "counters", "8", metrics=True, telling=True),
    _forks("100 forks, threads in every lock", "in_the_locks", "100", official=False),
    _forks("5,000 forks, threads in every lock", "in_the_locks", "5000", patience=900, quick=False, official=False),
]
