"""Langfuse."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from .conftest import Install, Run

pytestmark = pytest.mark.slow


def test_first_steps(install: Install, run: Run, receiver: Any) -> None:
    # Langfuse's own path is its backend's, which is not OTLP's usual one.
    environ = {"BACKEND": receiver.http_endpoint, "LANGFUSE_OTEL_TRACES_EXPORT_PATH": "v1/traces"}
    told = run(install("langfuse"), "langfuse_steps.py", **environ)
    assert (told["answer"], told["numbers"], told["got"]) == (2, [1, 2], [1, "broken"])
    assert receiver.wait_for_spans(6)
    spans = {span["name"]: span for span in receiver.spans()}
    assert set(spans) == {"llm", "process-request", "inner", "work", "count", "fails"}
    assert {span["scope_name"] for span in spans.values()} == {"langfuse-sdk"}
    assert {span["resource"]["telemetry.sdk.name"] for span in spans.values()} == {"ferrotel"}

    def about(name: str) -> dict[str, Any]:
        prefix = "langfuse.observation."
        attributes = spans[name]["attributes"].items()
        return {key[len(prefix) :]: value for key, value in attributes if key.startswith(prefix)}

    assert spans["llm"]["parent_span_id"] == spans["process-request"]["span_id"]
    assert about("process-request") == {"type": "span", "output": "done", "metadata.a": "1"}
    llm = about("llm")
    assert (llm["type"], llm["model.name"], llm["output"]) == ("generation", "a-model", "answer")
    assert json.loads(llm["usage_details"]) == {"input": 3, "output": 4}

    assert spans["inner"]["parent_span_id"] == spans["work"]["span_id"]
    assert (about("inner")["model.name"], about("work")["output"]) == ("another", "2")
    # Put on a span when it starts, by Langfuse's processor, from the context.
    assert {
        (spans[name]["attributes"]["user.id"], spans[name]["attributes"]["session.id"]) for name in ("inner", "work")
    } == {("u1", "s1")}
    assert "user.id" not in spans["llm"]["attributes"]
    assert about("count")["output"] == "[1, 2]"
    assert (about("fails")["level"], about("fails")["status_message"]) == ("ERROR", "broken")

    for request in receiver.requests():
        key = base64.b64encode(b"pk-lf-local:sk-lf-local").decode()
        assert dict(request["headers"])["authorization"] == f"Basic {key}"
