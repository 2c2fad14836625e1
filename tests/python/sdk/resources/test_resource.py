"""`Resource` itself: merging, equality, JSON, and what `create` puts together."""

from __future__ import annotations

import json
import logging
import os
import sys
from typing import Any

import pytest

from ferrotel import _native
from opentelemetry.sdk.resources import SERVICE_INSTANCE_ID, SERVICE_NAME, Resource


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OTEL_RESOURCE_ATTRIBUTES", "OTEL_SERVICE_NAME", "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS"):
        monkeypatch.delenv(name, raising=False)


def test_create_says_who_made_the_telemetry() -> None:
    attributes = Resource.create({"service.name": "shop", "answer": 42}).attributes
    assert attributes["telemetry.sdk.name"] == "ferrotel"
    assert attributes["telemetry.sdk.language"] == "python"
    assert attributes["telemetry.sdk.version"] == _native.__version__
    assert attributes["service.name"] == "shop"
    assert attributes["answer"] == 42
    assert len(str(attributes[SERVICE_INSTANCE_ID])) == 36


def test_a_service_without_a_name_is_called_after_the_interpreter() -> None:
    assert Resource.create().attributes[SERVICE_NAME] == f"unknown_service:{os.path.basename(sys.executable)}"
    assert str(Resource.create({SERVICE_NAME: ""}).attributes[SERVICE_NAME]).startswith("unknown_service")


def test_a_service_without_name_and_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "")
    assert Resource.create().attributes[SERVICE_NAME] == "unknown_service"


def test_priority_is_arguments_then_service_name_then_resource_attributes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=from-attributes,a=1,b=2,telemetry.sdk.name=mine")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "from-name")
    attributes = Resource.create({"b": "given"}).attributes
    assert attributes["service.name"] == "from-name"
    assert attributes["a"] == "1"
    assert attributes["b"] == "given"
    assert attributes["telemetry.sdk.name"] == "mine"
    assert Resource.create({"service.name": "given"}).attributes["service.name"] == "given"


def test_merge_prefers_the_other_side_and_changes_neither() -> None:
    one, other = Resource({"a": 1, "b": 1}), Resource({"b": 2, "c": 2})
    merged = one.merge(other)
    assert dict(merged.attributes) == {"a": 1, "b": 2, "c": 2}
    assert dict(one.attributes) == {"a": 1, "b": 1}
    assert dict(other.attributes) == {"b": 2, "c": 2}


@pytest.mark.parametrize(("mine", "theirs", "merged"), [("", "", ""), ("x", "", "x"), ("", "x", "x"), ("x", "x", "x")])
def test_merge_of_schema_urls_that_fit(mine: str, theirs: str, merged: str) -> None:
    assert Resource({}, mine).merge(Resource({}, theirs)).schema_url == merged


def test_merge_of_two_schema_urls_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    one = Resource({"a": 1}, "url-1")
    assert one.merge(Resource({"b": 1}, "url-2")) is one
    (record,) = caplog.records
    assert record.name == "opentelemetry.sdk.resources"
    assert record.levelno == logging.ERROR
    assert record.getMessage() == "Failed to merge resources: The two schemas url-1 and url-2 are incompatible"


def test_a_resource_cannot_be_changed() -> None:
    given = {"a": 1}
    resource = Resource(given)
    given["a"] = 2
    with pytest.raises(TypeError):
        resource.attributes["a"] = 3  # type: ignore[index]
    with pytest.raises(AttributeError):
        resource.schema_url = "x"  # type: ignore[misc]
    assert resource.attributes["a"] == 1


def test_equal_resources_are_one_key() -> None:
    attributes: dict[str, Any] = {
        "text": "x",
        "bytes": b"\x01",
        "list": ["a", "b"],
        "map": {"inner": [1, {"deep": b"x"}]},
        "nan": 0.5,
    }
    one, other = Resource(attributes, "url"), Resource(dict(reversed(list(attributes.items()))), "url")
    assert one == other
    assert hash(one) == hash(other)
    assert len({one, other}) == 1
    assert one != Resource(attributes, "other")
    assert hash(one) != hash(Resource({**attributes, "bytes": b"\x02"}, "url"))
    assert one != "not a resource"


def test_numbers_that_are_equal_hash_equally() -> None:
    assert Resource({"a": 1}) == Resource({"a": 1.0})
    assert hash(Resource({"a": 1})) == hash(Resource({"a": 1.0}))


def test_to_json() -> None:
    resource = Resource({"name": "x", "raw": b"\xff\x00", "map": {"a": [1, 2]}}, "url")
    expected = {"attributes": {"name": "x", "raw": "ff00", "map": {"a": [1, 2]}}, "schema_url": "url"}
    assert json.loads(resource.to_json()) == expected
    assert "\n" not in resource.to_json(indent=None)
    assert '\n    "attributes"' in resource.to_json()


def test_get_empty() -> None:
    assert dict(Resource.get_empty().attributes) == {}
    assert Resource.get_empty().schema_url == ""


def test_a_subclass_can_call_super() -> None:
    class Shop(Resource):
        def __init__(self, name: str) -> None:
            super().__init__({SERVICE_NAME: name})

    shop = Shop("shop")
    assert shop._attributes[SERVICE_NAME] == "shop"
    assert shop._schema_url == ""
    assert shop == Resource({SERVICE_NAME: "shop"})
    assert Resource({"a": 1}).merge(shop).attributes[SERVICE_NAME] == "shop"


def test_an_empty_key_is_dropped_and_the_rest_kept(caplog: pytest.LogCaptureFixture) -> None:
    assert dict(Resource({"": "x", "a": 1}).attributes) == {"a": 1}
    assert len(caplog.records) == 1
