"""Pydantic Logfire."""

from __future__ import annotations

from typing import Any

import pytest

from ..conftest import Environment
from .conftest import Install, Run

pytestmark = pytest.mark.slow

ERROR = 2


@pytest.fixture(scope="module")
def logfire(install: Install) -> Environment:
    return install("logfire")


def test_first_steps(logfire: Environment, run: Run, receiver: Any) -> None:
    told = run(logfire, "logfire_steps.py", OTEL_EXPORTER_OTLP_ENDPOINT=receiver.http_endpoint)
    assert told["flushed"]
    assert receiver.wait_for_spans(6)
    spans = {span["attributes"]["logfire.msg"]: span for span in receiver.spans()}
    assert set(spans) == {
        "Hello, world!",
        "careful",
        "Asking the user their age",
        "broken",
        "work x=1",
        "bad thing",
    }
    asking = spans["Asking the user their age"]
    assert (asking["attributes"]["answer"], asking["attributes"]["logfire.span_type"]) == (42, "span")
    # Logfire sets the code's place on the span that is being started, and the level of a log.
    assert asking["attributes"]["code.filepath"].endswith("logfire_steps.py")
    assert spans["careful"]["parent_span_id"] == asking["span_id"]
    assert spans["careful"]["attributes"]["logfire.level_num"] == 13
    assert spans["broken"]["status_code"] == ERROR
    assert [event["name"] for event in spans["broken"]["events"]] == ["exception"]
    resource = asking["resource"]
    assert (resource["service.name"], resource["telemetry.sdk.name"]) == ("shop", "ferrotel")

    series = {metric["name"]: metric for metric in receiver.metrics()}
    assert (series["things"]["value"], series["level"]["value"]) == (3, 4)
    assert (series["seconds"]["kind"], series["seconds"]["value"]["sum"]) == ("exponential_histogram", 1.5)


def test_its_own_backend(logfire: Environment, run: Run, receiver: Any) -> None:
    # Logfire asks its backend what the token is for: ours does not know, and Logfire warns.
    told = run(logfire, "logfire_backend.py", BACKEND=receiver.http_endpoint)
    assert told["flushed"]
    assert receiver.wait_for_spans(2)
    by_message = {span["attributes"]["logfire.msg"]: span for span in receiver.spans()}
    assert set(by_message) == {"order 7", "inner"}
    assert by_message["inner"]["parent_span_id"] == by_message["order 7"]["span_id"]
    assert {metric["name"] for metric in receiver.metrics()} >= {"orders"}
    # Sent by Logfire's session, not past it.
    for request in receiver.requests():
        headers = dict(request["headers"])
        assert headers["authorization"] == "pylf_v1_local_secret"
        assert headers["user-agent"].startswith("logfire/")
