"""PEP 440, against the package that defines it in practice: `packaging`, which pytest brings."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version as OfficialVersion

from opentelemetry.instrumentation._version_specifier import Version, VersionSpecifier

VERSIONS = [
    "".join(parts)
    for parts in itertools.product(
        ["1", "1.0", "1.0.0", "1.1", "2", "2.7.3.1", "0.92", "10.0", "1!1.0"],
        ["", "a1", "b2", "rc1", ".pre3", "-alpha"],
        ["", ".post1", "-2"],
        ["", ".dev1"],
        ["", "+local.1", "+2"],
    )
]
versions = st.sampled_from(VERSIONS)


@given(versions, versions)
def test_order(left: str, right: str) -> None:
    assert (Version(left).key() < Version(right).key()) == (OfficialVersion(left) < OfficialVersion(right))
    assert (Version(left).key() == Version(right).key()) == (OfficialVersion(left) == OfficialVersion(right))


@given(st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "~="]), versions, st.booleans(), versions)
def test_contains(operator: str, wanted: str, series: bool, version: str) -> None:
    text = operator + wanted + (".*" if series else "")
    try:
        official = SpecifierSet(text)
    except InvalidSpecifier:
        return
    assert VersionSpecifier(text).contains(version) == official.contains(version, prereleases=True)


@pytest.mark.parametrize(
    ("text", "version", "fits"),
    [
        ("", "1.0a1", True),
        (">= 1.0, < 2", "1.9.9", True),
        (">=1.0,<2", "2.0", False),
        ("~= 0.92", "0.129.0", True),
        ("~= 0.92", "1.0", False),
        ("<3", "3.0rc1", False),
        ("===foo", "FOO", True),
        ("<2", "no version", False),
    ],
)
def test_by_hand(text: str, version: str, fits: bool) -> None:
    assert VersionSpecifier(text).contains(version) is fits


@pytest.mark.parametrize("text", ["1.0", ">=", ">= x y", "~=1", ">=1.0.*", "=>1"])
def test_what_is_no_specifier(text: str) -> None:
    with pytest.raises(ValueError, match="Invalid"):
        VersionSpecifier(text)
