"""Arize Phoenix's OpenTelemetry package, and OpenInference's instrumentation base underneath it."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Install, Run

pytestmark = pytest.mark.slow


def test_first_steps(install: Install, run: Run, receiver: Any) -> None:
    told = run(install("phoenix"), "phoenix_steps.py", HTTP=receiver.http_endpoint, GRPC=receiver.grpc_endpoint)
    assert told["answers"] == [2, 3]
    assert receiver.wait_for_spans(6)
    spans = {span["name"]: span for span in receiver.spans()}
    assert set(spans) == {"plain", "work", "add", "agent", "second", "third"}
    assert {span["resource"]["telemetry.sdk.name"] for span in spans.values()} == {"ferrotel"}
    projects = {name: span["resource"]["openinference.project.name"] for name, span in spans.items()}
    assert projects == {**dict.fromkeys(spans, "shop"), "third": "other"}

    assert spans["plain"]["attributes"] == {"a": 1}
    agent, work, add = (spans[name]["attributes"] for name in ("agent", "work", "add"))
    assert spans["work"]["parent_span_id"] == spans["add"]["parent_span_id"] == spans["agent"]["span_id"]
    kinds = [attributes["openinference.span.kind"] for attributes in (agent, work, add)]
    assert kinds == ["AGENT", "CHAIN", "TOOL"]
    assert (agent["input.value"], agent["output.value"]) == ("in", '{"out": 1}')
    assert (work["input.value"], work["output.value"]) == ("1", "2")
    assert (add["tool.name"], add["tool.description"]) == ("add", "Adds.")

    protocols = {request["protocol"] for request in receiver.requests()}
    assert protocols == {"http/protobuf", "grpc"}
    headers = [dict(request["headers"]) for request in receiver.requests()]
    assert [each["authorization"] for each in headers if "authorization" in each] == ["Bearer secret"]
    # The processor of `register` is gone: what came after it came over gRPC alone.
    assert sum(request["spans"] for request in receiver.requests() if request["protocol"] == "http/protobuf") == 4
    assert sum(request["spans"] for request in receiver.requests()) == 6
