"""Every case."""

from __future__ import annotations

from . import ends
from .running import Case

ALL: list[Case] = [*ends.CASES]
