"""Instrumentation scopes, and settings by scope."""

from __future__ import annotations

import json

import pytest

from opentelemetry.sdk.util._configurator import RuleBasedConfigurator
from opentelemetry.sdk.util.instrumentation import (
    InstrumentationInfo,
    InstrumentationScope,
    _scope_name_matches_glob,
)


def test_scope_fields() -> None:
    scope = InstrumentationScope("name", "1.0", "url", {"a": [1, 2]})
    assert (scope.name, scope.version, scope.schema_url) == ("name", "1.0", "url")
    assert scope.attributes == {"a": (1, 2)}
    assert (scope._name, scope._version, scope._schema_url) == ("name", "1.0", "url")
    bare = InstrumentationScope("name")
    assert (bare.version, bare.schema_url, dict(bare.attributes or {})) == (None, "", {})
    assert repr(InstrumentationScope("n", "1")) == "InstrumentationScope(n, 1, , {})"


def test_scope_attributes_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        InstrumentationScope("n", attributes={"a": 1}).attributes["a"] = 2  # type: ignore[index]


def test_scopes_with_the_same_fields_are_one_key() -> None:
    one, other = InstrumentationScope("n", "1", "u", {"a": [1]}), InstrumentationScope("n", "1", "u", {"a": [1]})
    assert one == other
    assert len({one, other}) == 1
    assert one != InstrumentationScope("n", "1", "u")
    assert one != InstrumentationScope("n", "2", "u", {"a": [1]})
    assert one != ("n", "1", "u")


def test_scopes_can_be_sorted() -> None:
    scopes = [
        InstrumentationScope("b"),
        InstrumentationScope("a", "2"),
        InstrumentationScope("a"),
        InstrumentationScope("a", attributes={"k": 1}),
    ]
    ordered = [(scope.name, scope.version, dict(scope.attributes or {})) for scope in sorted(scopes)]
    assert ordered == [("a", None, {}), ("a", None, {"k": 1}), ("a", "2", {}), ("b", None, {})]
    with pytest.raises(TypeError):
        sorted([InstrumentationScope("a"), "a"])  # type: ignore[type-var]


def test_scope_to_json() -> None:
    assert json.loads(InstrumentationScope("n", "1", "u", {"a": b"\x01"}).to_json()) == {
        "name": "n",
        "version": "1",
        "schema_url": "u",
        "attributes": {"a": "01"},
    }
    assert json.loads(InstrumentationScope("n").to_json())["attributes"] is None
    assert "\n" not in InstrumentationScope("n").to_json(indent=None)


def test_the_older_info_is_deprecated_and_works() -> None:
    with pytest.warns(DeprecationWarning, match="You should use InstrumentationScope"):
        infos = [InstrumentationInfo("b"), InstrumentationInfo("a", "1", "u"), InstrumentationInfo("a", "1", "u")]
    b, a, same = infos
    assert (a.name, a.version, a.schema_url, b.schema_url) == ("a", "1", "u", "")
    assert a == same
    assert len({a, same}) == 1
    assert a < b
    assert a != b
    assert a != InstrumentationScope("a", "1", "u")
    assert repr(a) == "InstrumentationInfo(a, 1, u)"


def test_globs_on_scope_names() -> None:
    matches = _scope_name_matches_glob("lib.*")
    assert matches(InstrumentationScope("lib.http"))
    assert not matches(InstrumentationScope("Lib.http"))
    assert not matches(InstrumentationScope("my.lib.http"))


def test_the_first_rule_that_applies_decides() -> None:
    rules = [(_scope_name_matches_glob("a*"), 1), (_scope_name_matches_glob("ab*"), 2)]
    configurator = RuleBasedConfigurator(rules=rules, default_config=0)
    assert [configurator(InstrumentationScope(name)) for name in ("ab", "b")] == [1, 0]
    configurator.update_rules(rules[1:])
    assert [configurator(InstrumentationScope(name)) for name in ("ab", "a")] == [2, 0]
