from __future__ import annotations

from types import ModuleType
from typing import Callable

import pytest

CRATES_IO = "registry+https://github.com/rust-lang/crates.io-index"


@pytest.fixture
def licenses(script: Callable[[str], ModuleType]) -> ModuleType:
    return script("licenses")


@pytest.mark.parametrize(
    ("expression", "permitted"),
    [
        ("MIT", True),
        ("GPL-3.0-only", False),
        ("MIT OR GPL-3.0-only", True),
        ("MIT/GPL-3.0-only", True),
        ("MIT AND GPL-3.0-only", False),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", True),
        ("(MIT OR Apache-2.0) AND OpenSSL", False),
        ("OpenSSL AND (MIT OR Apache-2.0)", False),
        ("Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT", True),
        ("GPL-2.0-only WITH Classpath-exception-2.0", False),
        ("LGPL-2.1-or-later AND MIT OR ISC", True),
    ],
)
def test_expressions(licenses: ModuleType, expression: str, permitted: bool) -> None:
    assert licenses.permits(expression) is permitted


def test_expression_that_is_none(licenses: ModuleType) -> None:
    with pytest.raises(ValueError, match="not understood"):
        licenses.permits("MIT Apache-2.0")


@pytest.mark.parametrize(
    ("name", "license", "source", "complaint"),
    [
        ("serde", "MIT OR Apache-2.0", CRATES_IO, None),
        ("ferrotel", "Apache-2.0", None, None),
        ("openssl-sys", "MIT", CRATES_IO, "banned"),
        ("aws-lc-rs", "ISC AND (Apache-2.0 OR ISC)", CRATES_IO, "banned"),
        ("native-tls", "MIT", CRATES_IO, "banned"),
        ("other", None, CRATES_IO, "names no licence"),
        ("other", "AGPL-3.0", CRATES_IO, "is not allowed"),
        ("other", "MIT", "git+https://example.com/other", "not from crates.io"),
    ],
)
def test_crates(licenses: ModuleType, name: str, license: str, source: str, complaint: str) -> None:
    complaints = licenses._complaints({"name": name, "version": "1.0.0", "license": license, "source": source})
    assert len(complaints) == (0 if complaint is None else 1)
    assert complaint is None or complaint in complaints[0]
