"""Traceloop's SDK (OpenLLMetry)."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Install, Run

pytestmark = pytest.mark.slow


def test_first_steps(install: Install, run: Run, receiver: Any) -> None:
    told = run(install("traceloop"), "traceloop_steps.py", BACKEND=receiver.http_endpoint)
    assert told["answer"] == "a joke"
    assert receiver.wait_for_spans(3)
    spans = {span["name"]: span for span in receiver.spans()}
    assert set(spans) == {"entertain.workflow", "joke.task", "openai.chat"}
    workflow, task, chat = (spans[name] for name in ("entertain.workflow", "joke.task", "openai.chat"))
    assert [workflow["parent_span_id"], task["parent_span_id"], chat["parent_span_id"]] == [
        None,
        workflow["span_id"],
        task["span_id"],
    ]
    # Put on each span when it starts, by a function that Traceloop sets as the processor's `on_start`.
    for span in (task, chat):
        assert span["attributes"]["traceloop.workflow.name"] == "entertain"
        assert span["attributes"]["traceloop.association.properties.user_id"] == "u1"
    assert chat["attributes"]["gen_ai.request.model"] == "a-model"
    assert chat["attributes"]["gen_ai.usage.output_tokens"] == 2
    resource = workflow["resource"]
    assert (resource["service.name"], resource["telemetry.sdk.name"]) == ("shop", "ferrotel")
    series = {metric["name"] for metric in receiver.metrics()}
    assert {"gen_ai.client.operation.duration", "gen_ai.client.token.usage"} <= series
    assert {dict(request["headers"])["authorization"] for request in receiver.requests()} == {"Bearer secret"}
