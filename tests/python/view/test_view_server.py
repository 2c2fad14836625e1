"""`ViewServer`: the same receiver as a collector inside the process."""

from __future__ import annotations

import gzip
import json
import math
import os
import threading
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from ferrotel import _native

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def server() -> Iterator[Any]:
    with _native.ViewServer() as running:
        yield running


def span(number: int, **fields: Any) -> dict[str, Any]:
    return {"traceId": f"{1:032x}", "spanId": f"{number:016x}", "name": f"span {number}", **fields}


def post(server: Any, *spans: dict[str, Any], **headers: str) -> bytes:
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
    scope_spans = [{"scope": {"name": "scope", "version": "1"}, "spans": list(spans)}]
    return post_document(
        server, "traces", {"resourceSpans": [{"resource": resource, "scopeSpans": scope_spans}]}, **headers
    )


def post_document(server: Any, signal: str, document: dict[str, Any], **headers: str) -> bytes:
    body = json.dumps(document).encode()
    if headers.get("Content-Encoding") == "gzip":
        body = gzip.compress(body)
    request = urllib.request.Request(
        f"{server.http_endpoint}/v1/{signal}", body, {"Content-Type": "application/json", **headers}
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        content: bytes = response.read()
    return content


def test_spans_come_back_as_python_values(server: Any) -> None:
    values = {
        "text": ({"stringValue": "é"}, "é"),
        "int": ({"intValue": str(-(2**63))}, -(2**63)),
        "bool": ({"boolValue": True}, True),
        "double": ({"doubleValue": 0.5}, 0.5),
        "bytes": ({"bytesValue": "AP8="}, b"\x00\xff"),
        "list": ({"arrayValue": {"values": [{"intValue": 1}, {}]}}, [1, None]),
        "map": ({"kvlistValue": {"values": [{"key": "k", "value": {"stringValue": "v"}}]}}, {"k": "v"}),
    }
    attributes = [{"key": key, "value": sent} for key, (sent, _) in values.items()]
    event = {"name": "happened", "timeUnixNano": "5", "attributes": attributes[:1]}
    link = {"traceId": f"{9:032x}", "spanId": f"{8:016x}", "traceState": "a=b"}
    sent = span(
        2,
        parentSpanId=f"{1:016x}",
        kind=3,
        startTimeUnixNano="1",
        endTimeUnixNano=str(2**64 - 1),
        attributes=attributes,
        events=[event],
        links=[link],
        status={"code": 2, "message": "bad"},
        flags=257,
    )
    post(server, sent)
    assert server.wait_for_spans(1)
    [got] = server.spans()
    assert got["attributes"] == {key: expected for key, (_, expected) in values.items()}
    assert (got["trace_id"], got["span_id"], got["parent_span_id"]) == (f"{1:032x}", f"{2:016x}", f"{1:016x}")
    assert (got["start_time_unix_nano"], got["end_time_unix_nano"], got["flags"]) == (1, 2**64 - 1, 257)
    assert (got["status_code"], got["status_message"], got["kind"]) == (2, "bad", 3)
    assert got["events"] == [
        {"name": "happened", "time_unix_nano": 5, "attributes": {"text": "é"}, "dropped_attributes_count": 0}
    ]
    assert got["links"][0]["trace_id"] == f"{9:032x}"
    assert got["links"][0]["trace_state"] == "a=b"
    assert got["resource"] == {"service.name": "shop"}
    assert (got["scope_name"], got["scope_version"], got["protocol"]) == ("scope", "1", "http/json")


def test_special_numbers(server: Any) -> None:
    numbers = [{"key": name, "value": {"doubleValue": name}} for name in ("NaN", "Infinity", "-Infinity")]
    post(server, span(1, attributes=numbers))
    got = server.spans()[0]["attributes"]
    assert math.isnan(got["NaN"])
    assert (got["Infinity"], got["-Infinity"]) == (math.inf, -math.inf)


def test_requests_are_remembered_with_their_headers(server: Any) -> None:
    post(server, span(1), span(2), Authorization="Bearer x", **{"Content-Encoding": "gzip"})
    [request] = server.requests()
    assert request["signal"] == "traces"
    assert (request["protocol"], request["path"], request["spans"]) == ("http/json", "/v1/traces", 2)
    assert ("authorization", "Bearer x") in request["headers"]
    assert ("content-encoding", "gzip") in request["headers"]


def test_a_refused_span_is_counted_and_told(server: Any) -> None:
    answer = json.loads(post(server, span(1), span(0)))
    assert answer["partialSuccess"]["rejectedSpans"] == "1"
    assert "span_id is all zero" in answer["partialSuccess"]["errorMessage"]
    assert server.counts() == {
        "traces": 1,
        "spans": 1,
        "series": 0,
        "logs": 0,
        "received_spans": 1,
        "received_points": 0,
        "received_logs": 0,
        "rejected_spans": 1,
        "rejected_points": 0,
        "dropped_spans": 0,
        "dropped_traces": 0,
        "dropped_series": 0,
        "dropped_logs": 0,
    }


def test_metrics_come_back_as_python_values(server: Any) -> None:
    attributes = [{"key": "route", "value": {"stringValue": "/"}}]
    number = {"startTimeUnixNano": "1", "timeUnixNano": "2", "attributes": attributes}
    metrics = [
        {"name": "a", "unit": "1", "sum": {"isMonotonic": True, "dataPoints": [{**number, "asInt": str(2**62)}]}},
        {"name": "b", "description": "it", "gauge": {"dataPoints": [{**number, "asDouble": 0.5}, {"flags": 1}]}},
        {
            "name": "c",
            "histogram": {
                "aggregationTemporality": 1,
                "dataPoints": [{"count": 3, "sum": 9.5, "max": 8, "bucketCounts": ["1", "2"], "explicitBounds": [4]}],
            },
        },
        {
            "name": "d",
            "exponentialHistogram": {
                "dataPoints": [{"count": 3, "scale": 0, "zeroCount": 1, "positive": {"bucketCounts": ["2"]}}]
            },
        },
        {"name": "e", "summary": {"dataPoints": [{"count": 1, "quantileValues": [{"quantile": 0.5, "value": 3}]}]}},
    ]
    post_document(server, "metrics", {"resourceMetrics": [{"scopeMetrics": [{"metrics": metrics}]}]})
    assert server.wait_for_series(6)
    got = {(one["name"], one["kind"], bool(one["attributes"])): one for one in server.metrics()}
    counter = got["a", "counter", True]
    assert (counter["value"], counter["unit"], counter["attributes"]) == (2**62, "1", {"route": "/"})
    assert (counter["temporality"], counter["time_unix_nano"], counter["protocol"]) == ("cumulative", 2, "http/json")
    assert got["b", "gauge", True]["value"] == 0.5
    assert got["b", "gauge", True]["description"] == "it"
    assert got["b", "gauge", False]["value"] is None
    histogram = got["c", "histogram", False]
    assert histogram["temporality"] == "delta"
    assert histogram["value"] == {
        "count": 3,
        "sum": 9.5,
        "min": None,
        "max": 8.0,
        "buckets": [(-math.inf, 4.0, 1), (4.0, math.inf, 2)],
    }
    assert got["d", "exponential_histogram", False]["value"]["buckets"] == [(0.0, 0.0, 1), (1.0, 2.0, 2)]
    assert got["e", "summary", False]["value"] == {"count": 1, "sum": 0.0, "quantiles": [(0.5, 3.0)]}
    [request] = server.requests()
    assert (request["signal"], request["data_points"]) == ("metrics", 6)


def test_log_records_come_back_as_python_values(server: Any) -> None:
    record = {
        "timeUnixNano": "5",
        "observedTimeUnixNano": "6",
        "severityNumber": 17,
        "severityText": "ERROR",
        "body": {"kvlistValue": {"values": [{"key": "k", "value": {"intValue": "1"}}]}},
        "attributes": [{"key": "user", "value": {"stringValue": "é"}}],
        "traceId": f"{1:032x}",
        "spanId": f"{2:016x}",
        "flags": 1,
        "eventName": "it.happened",
    }
    scope_logs = [{"scope": {"name": "logger"}, "logRecords": [record, {}]}]
    post_document(server, "logs", {"resourceLogs": [{"scopeLogs": scope_logs}]})
    assert server.wait_for_logs(2)
    got, empty = server.logs()
    assert (got["time_unix_nano"], got["observed_time_unix_nano"], got["flags"]) == (5, 6, 1)
    assert (got["severity_number"], got["severity_text"], got["event_name"]) == (17, "ERROR", "it.happened")
    assert (got["body"], got["attributes"], got["scope_name"]) == ({"k": 1}, {"user": "é"}, "logger")
    assert (got["trace_id"], got["span_id"]) == (f"{1:032x}", f"{2:016x}")
    assert (empty["body"], empty["trace_id"], empty["span_id"]) == (None, None, None)
    server.clear()
    assert server.logs() == []


def test_what_is_kept_is_bounded() -> None:
    with _native.ViewServer(max_spans=3) as server:
        for number in range(1, 6):
            post(server, span(number, traceId=f"{number:032x}"))
        assert [one["name"] for one in server.spans()] == ["span 3", "span 4", "span 5"]
        assert server.counts()["dropped_spans"] == 2
        server.clear()
        assert server.spans() == []


def test_waiting_gives_up_and_lets_other_threads_run(server: Any) -> None:
    before = time.monotonic()
    assert not server.wait_for_spans(1, timeout=0.05)
    assert 0.04 < time.monotonic() - before < 5
    thread = threading.Timer(0.05, post, (server, span(1)))
    thread.start()
    assert server.wait_for_spans(1, timeout=20)
    thread.join()
    with pytest.raises(ValueError, match="negative"):
        server.wait_for_spans(9, timeout=-1.0)


def test_stop_closes_the_ports_and_keeps_the_spans() -> None:
    server = _native.ViewServer()
    post(server, span(1))
    server.stop()
    server.stop()
    with pytest.raises(urllib.error.URLError):
        post(server, span(2))
    assert len(server.spans()) == 1
    again = _native.ViewServer(server.grpc_port, server.http_port)
    again.stop()


def test_a_taken_port_and_a_public_address_are_errors(server: Any) -> None:
    with pytest.raises(OSError, match=f"port {server.http_port} .* is taken"):
        _native.ViewServer(http_port=server.http_port)
    with pytest.raises(ValueError, match="loopback"):
        _native.ViewServer(host="0.0.0.0")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_does_not_wait_for_the_parents_thread(server: Any) -> None:
    pid = os.fork()
    if pid == 0:
        server.stop()
        os._exit(7)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            assert os.WEXITSTATUS(status) == 7
            break
        time.sleep(0.02)
    else:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        pytest.fail("the child hangs")
    assert json.loads(post(server, span(1))) == {}
