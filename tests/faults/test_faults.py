"""The quick cases of `make faults`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from faults import cases, running

QUICK = [case for case in cases.ALL if case.quick]


@pytest.mark.slow
@pytest.mark.parametrize("case", QUICK, ids=[f"{case.group}: {case.name}" for case in QUICK])
def test_nothing_is_lost_and_nobody_hurt(case: running.Case) -> None:
    try:
        outcome = running.run(case, running.Subject("ferrotel", sys.executable))
    except running.NotHere as missing:
        pytest.skip(str(missing))
    assert list(running.complaints(case, outcome)) == [], outcome
