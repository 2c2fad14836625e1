"""Every case."""

from __future__ import annotations

from . import bad_collectors, ends, forks, overload, servers, spool
from .running import Case

ALL: list[Case] = [
    *ends.CASES,
    *forks.CASES,
    *servers.CASES,
    *bad_collectors.CASES,
    *overload.CASES,
    *spool.CASES,
]
