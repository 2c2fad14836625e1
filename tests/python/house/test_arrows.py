from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Callable

import pytest

ENGINE = "common context baggage api propagation resource config sdk".split()


@pytest.fixture
def arrows(script: Callable[[str], ModuleType], tmp_path: Path) -> ModuleType:
    """The check, on a tree of its own."""
    module = script("arrows")
    module.ROOT = tmp_path
    for name in ENGINE:
        write(tmp_path, f"crates/ferrotel/src/{name}/mod.rs", "")
    return module


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize(
    ("file", "text", "complaint"),
    [
        ("sdk/trace.rs", "use crate::{api::{A, sdk}, common::B};", None),
        ("api/trace.rs", "use crate::common::{A, B};", None),
        ("api/trace.rs", "use crate::sdk::A;", "api/trace.rs:1: api uses sdk"),
        ("common/value.rs", "\nuse crate::{common::A, api::{B, C}};", "common/value.rs:2: common uses api"),
        ("common/value.rs", "fn f() { crate::context::g() }", "common uses context"),
        ("common/value.rs", "// as crate::context::g does", None),
        ("sdk/trace.rs", 'let home = std::env::var("HOME");', "only config/source.rs may use"),
        ("config/source.rs", 'let home = std::env::var("HOME");', None),
        ("extra/mod.rs", "", "module extra and the order"),
    ],
)
def test_engine(arrows: ModuleType, tmp_path: Path, file: str, text: str, complaint: str | None) -> None:
    write(tmp_path, f"crates/ferrotel/src/{file}", text)
    complaints = list(arrows._engine())
    assert len(complaints) == (0 if complaint is None else 1)
    assert complaint is None or complaint in complaints[0]


@pytest.mark.parametrize(
    ("file", "text", "complaint"),
    [
        ("trace/__init__.py", "from opentelemetry.context import x", None),
        (
            "trace/__init__.py",
            "def f():\n    from opentelemetry.sdk.trace import x",
            "__init__.py:2: opentelemetry.trace must",
        ),
        ("trace/__init__.py", "from opentelemetry import sdk", "must not import opentelemetry.sdk"),
        ("trace/span.py", "from .. import sdk", "opentelemetry.trace.span must not import opentelemetry.sdk"),
        ("sdk/trace/__init__.py", "import opentelemetry.trace, ferrotel", None),
        (
            "sdk/trace/__init__.py",
            "import opentelemetry.exporter.otlp.proto.grpc",
            "must not import opentelemetry.exporter",
        ),
        ("exporter/otlp/x.py", "from opentelemetry.sdk.trace import x", None),
        ("instrumentation/flask/__init__.py", "import ferrotel._native", "must not import ferrotel._native"),
        ("instrumentation/flask/__init__.py", "from opentelemetry.trace import x", None),
    ],
)
def test_overlay(arrows: ModuleType, tmp_path: Path, file: str, text: str, complaint: str | None) -> None:
    write(tmp_path, f"python/ferrotel/_overlay/opentelemetry/{file}", text)
    complaints = list(arrows._overlay())
    assert len(complaints) == (0 if complaint is None else 1)
    assert complaint is None or complaint in complaints[0]
