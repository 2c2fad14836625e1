"""Baggage."""

from __future__ import annotations

from typing import Any, Callable

from opentelemetry import baggage, context
from opentelemetry.propagate import extract, inject


def test_baggage(alone: Callable[..., Any]) -> None:
    def example() -> None:
        ctx = baggage.set_baggage("user.id", "12345")
        assert baggage.get_baggage("user.id") is None
        context.attach(ctx)

        user_id = baggage.get_baggage("user.id")
        all_baggage = baggage.get_all()

        assert user_id == "12345"
        assert all_baggage == {"user.id": "12345"}

        # "In this or a downstream service": the headers take it there.
        headers: dict[str, str] = {}
        inject(headers)
        assert headers["baggage"] == "user.id=12345"
        assert baggage.get_baggage("user.id", extract(headers, context.Context())) == "12345"

    alone(example)
    assert baggage.get_all() == {}
