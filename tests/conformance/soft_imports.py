"""Imports of `opentelemetry` in the tests' files made soft: a missing name costs the tests that use it, not the whole
file."""

from __future__ import annotations

import ast
import importlib
from typing import Callable, Iterator

from .source_file import statements_at_start


def soften(source: str) -> str:
    """A file of tests with its imports of `opentelemetry` replaced by calls of `soft`, line for line."""
    lines = source.split("\n")
    call = '__import__("conformance.soft_imports", fromlist=["soft"]).soft'
    for node in statements_at_start(ast.parse(source)):
        text = ""
        if isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").split(".")[0] == "opentelemetry":
            if node.names[0].name != "*":
                wanted = ", ".join(repr(name) for name in [node.module, *(alias.name for alias in node.names)])
                text = ", ".join(alias.asname or alias.name for alias in node.names) + f", = {call}({wanted})"
        elif isinstance(node, ast.Import) and any(a.name.startswith("opentelemetry.") for a in node.names):
            text = "; ".join(
                (f"{alias.asname}, = " if alias.asname else "import opentelemetry; ")
                + f"{call}({alias.name.rpartition('.')[0]!r}, {alias.name.rpartition('.')[2]!r})"
                for alias in node.names
            )
        if text:
            height = (node.end_lineno or node.lineno) - node.lineno
            lines[node.lineno - 1 : node.end_lineno] = [" " * node.col_offset + text] + [""] * height
    return "\n".join(lines)


class Missing(type):
    """The type of what stands in for a name that is not there.

    It may be named, subscripted (in annotations) and subclassed. Called or asked for an attribute, it fails.
    """

    def __getitem__(cls, item: object) -> Missing:
        return cls

    def __call__(cls, *args: object, **kwargs: object) -> object:
        raise ImportError(f"not in this implementation: {cls.__doc__}")

    def __iter__(cls) -> Iterator[object]:
        # Without it Python would iterate by subscripts, without an end.
        raise TypeError(f"not in this implementation: {cls.__doc__}")

    def __getattr__(cls, name: str) -> object:
        raise AttributeError(f"not in this implementation: {cls.__doc__}")


# Who is told of each name that is missing: the plugin.
on_missing: list[Callable[[str], None]] = []


def soft(module: str, *names: str) -> list[object]:
    """What `from module import names` gives, with a stand-in for each name that is not there."""
    found: list[object] = []
    for name in names:
        try:
            loaded = importlib.import_module(module)
            found.append(
                getattr(loaded, name) if hasattr(loaded, name) else importlib.import_module(f"{module}.{name}")
            )
        except Exception:  # whatever importing the implementation raises
            for tell in on_missing:
                tell(f"{module}.{name}")
            found.append(Missing(name, (), {"__doc__": f"{module}.{name}", "__test__": False}))
    return found
