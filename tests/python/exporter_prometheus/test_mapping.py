"""Names and units of OpenTelemetry in Prometheus."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opentelemetry.exporter.prometheus._mapping import map_unit, sanitize_attribute, sanitize_full_name


@pytest.mark.parametrize(
    ("unit", "word"),
    [
        ("", ""),
        ("1", ""),
        ("{request}", ""),
        ("{request}/s", "per_second"),
        ("s", "seconds"),
        ("ms", "milliseconds"),
        ("By", "bytes"),
        ("MiBy", "mebibytes"),
        ("Cel", "celsius"),
        ("%", "percent"),
        ("By/s", "bytes_per_second"),
        ("m/s", "meters_per_second"),
        ("requests/h", "requests_per_hour"),
        ("km/h/d", "km_per_h_d"),
        ("m/", "m"),
        ("/s", "per_second"),
        ("  weird (unit) ", "weird_unit"),
        ("s{wall}", "seconds"),
        ("µs", "s"),
    ],
)
def test_units(unit: str, word: str) -> None:
    assert map_unit(unit) == word


@pytest.mark.parametrize(
    ("name", "metric", "label"),
    [
        ("http.server.duration", "http_server_duration", "http_server_duration"),
        ("a__b--c", "a_b_c", "a_b_c"),
        ("ns:name", "ns:name", "ns_name"),
        ("1st", "_st", "_st"),
        ("1.5", "_5", "_5"),
        ("größe", "gr_e", "gr_e"),
        ("__name__", "_name_", "_name_"),
    ],
)
def test_names(name: str, metric: str, label: str) -> None:
    assert sanitize_full_name(name) == metric
    assert sanitize_attribute(name) == label


@given(st.text(min_size=1))
def test_whatever_comes_is_valid(text: str) -> None:
    assert re.fullmatch("[a-zA-Z_:][a-zA-Z0-9_:]*", sanitize_full_name(text))
    assert re.fullmatch("[a-zA-Z_][a-zA-Z0-9_]*", sanitize_attribute(text))
    assert re.fullmatch("[a-zA-Z0-9_:]*", map_unit(text))
    assert "__" not in sanitize_full_name(text) + " " + sanitize_attribute(text)
