"""B3, in one header and in several."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.propagators.b3 import B3Format, B3MultiFormat, B3SingleFormat

FORMATS = [B3SingleFormat(), B3MultiFormat()]
KEYS = ["b3", "x-b3-traceid", "x-b3-spanid", "x-b3-sampled", "x-b3-flags"]


def cases(section: str) -> list[Any]:
    path = Path(__file__).parents[2] / "vectors" / "b3.json"
    return [pytest.param(case, id=case["name"]) for case in json.loads(path.read_text())[section]]


def context_of(values: dict[str, Any]) -> Context:
    span_context = trace.SpanContext(
        int(values["trace_id"], 16), int(values["span_id"], 16), True, trace.TraceFlags(values["flags"])
    )
    return trace.set_span_in_context(trace.NonRecordingSpan(span_context), Context())


@pytest.mark.parametrize("propagator", FORMATS)
@pytest.mark.parametrize("case", cases("extract"))
def test_extract(case: dict[str, Any], propagator: B3MultiFormat) -> None:
    context = Context({"a": 1})
    extracted = propagator.extract(case["headers"], context)
    if case["expect"] is None:
        assert extracted is context
        assert propagator.extract(case["headers"]) == {}
    else:
        found = trace.get_current_span(extracted).get_span_context()
        assert found == trace.get_current_span(context_of(case["expect"])).get_span_context()
        assert extracted["a"] == 1


@pytest.mark.parametrize("case", cases("inject"))
def test_inject(case: dict[str, Any]) -> None:
    for propagator, expected in zip(FORMATS, (case["single"], case["multiple"])):
        carrier: dict[str, str] = {}
        propagator.inject(carrier, context_of(case["context"]))
        assert carrier == expected
        assert set(carrier) <= propagator.fields


def test_without_a_span_nothing_is_written() -> None:
    for propagator in FORMATS:
        carrier: dict[str, str] = {}
        propagator.inject(carrier)
        assert carrier == {}


def test_former_name_warns() -> None:
    with pytest.warns(DeprecationWarning, match="B3Format is deprecated"):
        assert isinstance(B3Format(), B3MultiFormat)


@given(st.dictionaries(st.sampled_from(KEYS), st.one_of(st.text(), st.binary(), st.none(), st.lists(st.text()))))
def test_no_value_raises(carrier: Any) -> None:
    for propagator in FORMATS:
        assert isinstance(propagator.extract(carrier), Context)
