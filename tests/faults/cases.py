"""Every case."""

from __future__ import annotations

from . import bad_collectors, ends, forks, overload, spool
from .running import Case

ALL: list[Case] = [*ends.CASES, *forks.CASES, *bad_collectors.CASES, *overload.CASES, *spool.CASES]
