"""What the specification wants documentation to say: help() says it."""

from __future__ import annotations

import inspect

from opentelemetry.sdk.metrics.view import View
from opentelemetry.trace import Span, Tracer


def said(documented: object) -> str:
    return " ".join((inspect.getdoc(documented) or "").split())


def test_attributes_at_the_start_are_the_better_way() -> None:
    assert "`attributes` that are known now are better given here than set later" in said(Tracer.start_span)
    assert "A sampler sees only what was given when the span was started" in said(Span.set_attribute)


def test_exemplars_keep_attributes_that_a_view_leaves_out() -> None:
    assert "Attributes that a view leaves out may still be sent, with exemplars" in said(View)
