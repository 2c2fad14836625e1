"""Span events and links as Python sees them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from time import time_ns

from ferrotel._late import TYPE_CHECKING
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.util import BoundedList
from opentelemetry.trace import Link

if TYPE_CHECKING:
    from typing import Any

    from opentelemetry.trace import SpanContext
    from opentelemetry.util import types


class EventBase(ABC):
    """What every event has: a name and a time.

    Args:
        name: The name.
        timestamp: Nanoseconds since the epoch; default: now.
    """

    def __init__(self, name: str, timestamp: int | None = None) -> None:
        self._name = name
        self._timestamp = time_ns() if timestamp is None else timestamp

    @property
    def name(self) -> str:
        """The name."""
        return self._name

    @property
    def timestamp(self) -> int:
        """Nanoseconds since the epoch."""
        return self._timestamp

    @property
    @abstractmethod
    def attributes(self) -> types.Attributes:
        """The attributes."""


class Event(EventBase):
    """A time-stamped annotation of a span (specification: trace API, add events).

    Args:
        name: The name.
        attributes: The attributes.
        timestamp: Nanoseconds since the epoch; default: now.
        limit: Unused; the span's limits count.
    """

    def __init__(
        self,
        name: str,
        attributes: types.Attributes = None,
        timestamp: int | None = None,
        limit: int | None = 128,
    ) -> None:
        super().__init__(name, timestamp)
        self._attributes = attributes

    @property
    def attributes(self) -> types.Attributes:
        return self._attributes

    @property
    def dropped_attributes(self) -> int:
        """How many attributes did not fit."""
        return self._attributes.dropped if isinstance(self._attributes, BoundedAttributes) else 0


# The native spans make their Python events and links through these.


def _make_attributes(attributes: dict[str, Any], dropped: int) -> BoundedAttributes:
    made = BoundedAttributes(attributes=attributes)
    made.dropped = dropped
    return made


def _make_event(name: str, attributes: dict[str, Any], dropped: int, timestamp: int) -> Event:
    return Event(name, _make_attributes(attributes, dropped), timestamp)


def _make_link(context: SpanContext, attributes: dict[str, Any], dropped: int) -> Link:
    return Link(context, _make_attributes(attributes, dropped))


def _make_list(items: list[Any], limit: int | None, dropped: int) -> BoundedList[Any]:
    made: BoundedList[Any] = BoundedList.from_seq(limit, items)
    made.dropped = dropped
    return made
