"""The text of exceptions is `traceback`'s, to the letter, first and every further time."""

from __future__ import annotations

import importlib.util
import linecache
import os
import sys
import traceback
from pathlib import Path
from typing import Any, Callable
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ferrotel._native import kept_frames
from opentelemetry.sdk.trace import _stack_trace
from opentelemetry.sdk.trace._stack_trace import format_exception


def expected(exception: BaseException) -> str:
    return "".join(traceback.format_exception(type(exception), exception, exception.__traceback__))


def same(exception: BaseException) -> None:
    for _ in range(3):
        assert format_exception(exception) == expected(exception)


def caught(function: Callable[..., Any], *args: Any) -> BaseException:
    try:
        function(*args)
    except BaseException as error:
        return error
    raise AssertionError("nothing raised")


class Mine(Exception):
    pass


class Silent(Exception):
    def __str__(self) -> str:
        return ""


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


class Twisted(Exception):
    __module__ = 5  # type: ignore[assignment]


def raising(error: Any) -> None:
    raise error


def deep(depth: int) -> None:
    if depth:
        deep(depth - 1)
    raise ValueError("at the bottom")


def chained(first: Any, second: Any, cause: bool) -> None:
    try:
        raising(first)
    except BaseException as error:
        if cause:
            raise second from error
        raise second  # noqa: B904


def suppressed() -> None:
    try:
        raising(KeyError("k"))
    except KeyError:
        raise ValueError("v") from None


def wide() -> Any:
    table = {"a": [1, 2, {"b": None}]}
    return table["a"][2]["b"]["c"] + (  # type: ignore[index, call-overload]
        1 / 0 if table else
        2
    )  # fmt: skip


def noted() -> None:
    error = ValueError("v")
    error.__notes__ = ["a note", "another\nline"]  # type: ignore[attr-defined]
    raise error


def circular() -> None:
    first, second = ValueError("first"), ValueError("second")
    first.__context__, second.__context__ = second, first
    raise first


def grouped() -> None:
    if sys.version_info >= (3, 11):
        raise ExceptionGroup("group", [caught(deep, 1), ValueError("v")])  # type: ignore[list-item]  # noqa: F821
    raise ValueError("no groups")


@pytest.mark.parametrize(
    "function, args",
    [
        (raising, (ValueError("no such user"),)),
        (raising, (Mine("mine"),)),
        (raising, (Mine(),)),
        (raising, (Mine("two\nlines"),)),
        (raising, (Silent(),)),
        (raising, (Mute(),)),
        (raising, (Twisted("t"),)),
        (raising, (KeyboardInterrupt(),)),
        (raising, (SyntaxError("bad", ("file.py", 3, 5, "a b c\n")),)),
        (deep, (0,)),
        (deep, (2,)),
        (deep, (3,)),
        (deep, (4,)),
        (deep, (50,)),
        (chained, (KeyError("k"), Mine("m"), True)),
        (chained, (KeyError("k"), Mine("m"), False)),
        (chained, (SyntaxError("s"), Mine("m"), False)),
        (suppressed, ()),
        (wide, ()),
        (noted, ()),
        (circular, ()),
        (grouped, ()),
        (lambda: sys.nothing, ()),  # type: ignore[attr-defined]
        (lambda: nothing, ()),  # type: ignore[name-defined]  # noqa: F821
        (lambda: importlib.util.nothing, ()),  # type: ignore[attr-defined]
        (compile, ("a b", "file.py", "exec")),
        (int, ("x",)),
        (eval, ("1 / 0",)),
    ],
)
def test_all_kinds(function: Callable[..., Any], args: Any) -> None:
    for _ in range(2):
        same(caught(function, *args))


def test_endless_recursion() -> None:
    def endless(n: int) -> int:
        return endless(n + 1)

    same(caught(endless, 0))


def test_an_exception_that_was_never_raised() -> None:
    same(ValueError("v"))
    same(ValueError())


STEPS = [
    "{next}()",
    "x = [1, {next}(), 3]",
    "x = (\n        1 +\n        {next}()\n    )",
    "x = {{'a': {next}()}}['a']['b']",
    "try:\n        {next}()\n    except ValueError as error:\n        raise KeyError('k') from error",
    "try:\n        {next}()\n    finally:\n        1 / 0",
    "for _ in (y for y in [{next}()]): pass",
    "(lambda: {next}())()",
    "assert {next}() is None, 'né ü 漢'",
    "    \n    {next}()  # a comment",
]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    steps=st.lists(st.sampled_from(STEPS), min_size=1, max_size=6),
    end=st.sampled_from(["raise ValueError('v')", "[][1]", "None + 1", "int('x')", "undefined", "().nothing"]),
)
def test_programs(tmp_path: Path, steps: list[str], end: str) -> None:
    names = [f"f{i}" for i in range(len(steps) + 1)]
    functions = [
        f"def {name}():\n    {step.format(next=after)}\n" for name, step, after in zip(names, steps, names[1:])
    ]
    source = "\n".join([*functions, f"def {names[-1]}():\n    {end}\n"])
    path = tmp_path / "program.py"
    path.write_text(source, encoding="utf-8")
    namespace: dict[str, Any] = {}
    exec(compile(source, str(path), "exec"), namespace)
    same(caught(namespace["f0"]))


def test_a_source_that_changes(tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text("def f():\n    raise ValueError('v')\n")
    namespace: dict[str, Any] = {}
    exec(compile(path.read_text(), str(path), "exec"), namespace)
    same(caught(namespace["f"]))
    path.write_text("# another line\ndef f():\n    raise ValueError('v') # changed\n")
    error = caught(namespace["f"])
    assert format_exception(error) == expected(error) and "def f():" in format_exception(error)
    os.remove(path)
    same(caught(namespace["f"]))
    path.write_text("def f():\n    raise  ValueError('v')\n")
    same(caught(namespace["f"]))
    linecache.clearcache()
    same(caught(namespace["f"]))


def test_sources_that_are_in_no_file() -> None:
    namespace: dict[str, Any] = {}
    exec(compile("def f():\n    1 / 0\n", "<cell>", "exec"), namespace)
    same(caught(namespace["f"]))
    with mock.patch.dict(linecache.cache, {"<cell>": (20, None, ["def f():\n", "    1 / 0\n"], "<cell>")}):
        same(caught(namespace["f"]))
        assert "1 / 0" in format_exception(caught(namespace["f"]))
    same(caught(namespace["f"]))
    with mock.patch.dict(linecache.cache, {"<cell>": (20, None, ["x\n", "    other\n"], "<cell>")}):
        same(caught(namespace["f"]))


def test_equal_code_in_other_files(tmp_path: Path) -> None:
    for name in ("a.py", "b.py"):
        path = tmp_path / name
        path.write_text(f"def f():\n    raise ValueError('v')  # {name}\n")
        namespace: dict[str, Any] = {}
        exec(compile("def f():\n    raise ValueError('v')\n", str(path), "exec"), namespace)
        same(caught(namespace["f"]))


def test_whoever_replaces_the_texts_is_asked() -> None:
    error = caught(deep, 1)
    format_exception(error)
    with mock.patch.object(traceback, "format_exception", return_value=["mine"]):
        assert format_exception(error) == "mine"
    with mock.patch.object(traceback.StackSummary, "format", return_value=["frames\n"]):
        same(error)
        assert "frames" in format_exception(error)
    with mock.patch.object(linecache, "getline", return_value="a line"):
        same(error)
    with mock.patch.object(sys, "tracebacklimit", 1, create=True):
        same(error)
    same(error)


def test_what_is_kept_is_bounded() -> None:
    for i in range(2048 + 50):
        namespace: dict[str, Any] = {}
        exec(compile(f"def f{i}():\n    1 / 0\n", __file__, "exec"), namespace)
        format_exception(caught(namespace[f"f{i}"]))
        assert kept_frames() <= 2048


def test_the_texts_are_kept() -> None:
    error = caught(deep, 1)
    first = format_exception(error)
    with mock.patch.object(_stack_trace, "_keep", side_effect=AssertionError) as keep:
        assert format_exception(error) == first
    assert not keep.called
