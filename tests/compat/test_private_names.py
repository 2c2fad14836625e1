"""Names outside the documented API that released packages use are here too: `private_names.txt` lists them with who
does."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent


def names_in(file: str) -> list[str]:
    return [line.split()[0] for line in (HERE / file).read_text().splitlines() if line and line[0] != "#"]


NAMES = names_in("private_names.txt")
MISSING = set(names_in("missing_private_names.txt"))


def load(name: str) -> Any:
    module, _, attribute = name.rpartition(".")
    loaded = importlib.import_module(module)
    return getattr(loaded, attribute) if hasattr(loaded, attribute) else importlib.import_module(name)


@pytest.mark.parametrize("name", NAMES)
def test_name(name: str) -> None:
    try:
        # The global provider is None until one is set.
        assert load(name) is not None or name == "opentelemetry.trace._TRACER_PROVIDER"
    except ImportError:
        assert name in MISSING


def test_what_is_missing_is_listed() -> None:
    assert MISSING - set(NAMES) == set()
