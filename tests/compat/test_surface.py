"""Every public name of the reference is here and can be called the same way.

`surface.json` holds the facts: for each module of opentelemetry-python 1.45.1 / 0.66b1 its public names (`__all__`,
or else what it defines without an underscore), with parameters as a signature has them (a default is shown as `=`
alone), members and bases.
"""

from __future__ import annotations

import enum
import importlib
import importlib.util
import inspect
import json
from pathlib import Path
from typing import Any, Iterator

import pytest

HERE = Path(__file__).parent
SURFACE: dict[str, dict[str, dict[str, Any]]] = json.loads((HERE / "surface.json").read_text())
# Sets up the SDK of the process when it is imported.
RUNS_ON_IMPORT = {"opentelemetry.instrumentation.auto_instrumentation.sitecustomize"}
# ferrotel's own version of these differs from that of the reference's.
NOT_COMPARED = {"__version__"}


@pytest.mark.parametrize("module", sorted(SURFACE))
def test_module(module: str) -> None:
    if module in RUNS_ON_IMPORT:
        assert SURFACE[module] == {}
        assert importlib.util.find_spec(module) is not None
        return
    loaded = importlib.import_module(module)
    differences = [
        difference
        for name, wanted in SURFACE[module].items()
        for difference in (compare(name, wanted, getattr(loaded, name)) if hasattr(loaded, name) else [f"no {name}"])
    ]
    assert differences == []


def compare(name: str, wanted: dict[str, Any], have: Any) -> Iterator[str]:
    kind = wanted["kind"]
    if kind == "value" and name not in NOT_COMPARED:
        value = have.value if isinstance(have, enum.Enum) else have
        if value != wanted["value"]:
            yield f"{name} is {value!r}, not {wanted['value']!r}"
    if kind == "class" and not inspect.isclass(have):
        yield f"{name} is no class"
        return
    if kind in ("function", "class") and not accepts(wanted.get("params"), have):
        yield f"{name}{signature(have)} does not accept ({wanted['params']})"
    for base in wanted.get("bases", ()):
        # Bases with a private home are the reference's own affair.
        home, _, base_name = base.rpartition(".")
        if home in SURFACE:
            if not issubclass(have, getattr(importlib.import_module(home), base_name)):
                yield f"{name} is no {base}"
    for member, form in wanted.get("members", {}).items():
        if not hasattr(have, member):
            yield f"no {name}.{member}"
        elif form.startswith("(") and not accepts(form[1:-1], getattr(have, member)):
            yield f"{name}.{member}{signature(getattr(have, member))} does not accept {form}"


def signature(callable_: Any) -> inspect.Signature | None:
    try:
        return inspect.signature(callable_)
    except (ValueError, TypeError):
        return None


def accepts(wanted: str | None, callable_: Any) -> bool:
    """Can every call that fits the wanted parameters be made? A callable without a signature shows nothing in
    `help()`."""
    if wanted is None:
        return True
    have = signature(callable_)
    if have is None:
        return False
    parameters = have.parameters.values()
    takes_any_keyword = any(p.kind is p.VAR_KEYWORD for p in parameters)
    takes_any_position = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    positional = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    names, keyword_only, optional = [], False, {}
    for text in filter(None, wanted.split(", ")):
        if text == "/":
            # What stands before it cannot be named in a call, and may have any name.
            names = [None] * len(names)
            optional = {}
        elif text.startswith("*"):
            keyword_only = keyword_only or not text.startswith("**")
        else:
            name = text.rstrip("=")
            optional[name] = text.endswith("=")
            if name not in have.parameters and not takes_any_keyword and name != "self":
                return False
            if not keyword_only:
                names.append(name)
    if not takes_any_position:
        for index, name in enumerate(names):
            if index >= len(positional) or (name not in (None, "self") and positional[index] != name):
                return False
    # What the call may leave out, it must be able to leave out here too.
    required = {p.name for p in parameters if p.default is p.empty and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}
    required -= set(positional[: len([name for name in names if name is None])])
    return all(name in optional and not optional[name] for name in required) or "**" in wanted
