"""How much a span may hold."""

from __future__ import annotations

from os import environ

from opentelemetry.sdk.environment_variables import (
    OTEL_ATTRIBUTE_COUNT_LIMIT,
    OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT,
    OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT,
    OTEL_LINK_ATTRIBUTE_COUNT_LIMIT,
    OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT,
    OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT,
    OTEL_SPAN_EVENT_COUNT_LIMIT,
    OTEL_SPAN_LINK_COUNT_LIMIT,
)

_DEFAULT_COUNT = 128


class SpanLimits:
    """Limits of what a span, its events and its links hold (specification: trace SDK, span limits).

    Every argument is a non-negative integer, ``None`` (read the environment, else take the default) or
    ``SpanLimits.UNSET`` (no limit). An environment variable that is set and empty means no limit.

    Args:
        max_attributes: For spans, events and links, where nothing below says otherwise; OTEL_ATTRIBUTE_COUNT_LIMIT.
        max_events: Events of a span; OTEL_SPAN_EVENT_COUNT_LIMIT, default 128.
        max_links: Links of a span; OTEL_SPAN_LINK_COUNT_LIMIT, default 128.
        max_span_attributes: OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT, default 128.
        max_event_attributes: OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT, default 128.
        max_link_attributes: OTEL_LINK_ATTRIBUTE_COUNT_LIMIT, default 128.
        max_attribute_length: Characters of a string value; OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT, default none.
        max_span_attribute_length: The same for a span's own attributes; OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT.

    Raises:
        ValueError: A limit is negative or no integer.
    """

    UNSET = -1

    def __init__(
        self,
        max_attributes: int | None = None,
        max_events: int | None = None,
        max_links: int | None = None,
        max_span_attributes: int | None = None,
        max_event_attributes: int | None = None,
        max_link_attributes: int | None = None,
        max_attribute_length: int | None = None,
        max_span_attribute_length: int | None = None,
    ) -> None:
        read = self._from_env_if_absent
        self.max_events = read(max_events, OTEL_SPAN_EVENT_COUNT_LIMIT, _DEFAULT_COUNT)
        self.max_links = read(max_links, OTEL_SPAN_LINK_COUNT_LIMIT, _DEFAULT_COUNT)
        self.max_attributes = read(max_attributes, OTEL_ATTRIBUTE_COUNT_LIMIT, _DEFAULT_COUNT)
        # A kind of its own falls back to the common limit, which is 128 where nobody set it.
        common = self.max_attributes
        self.max_span_attributes = read(max_span_attributes, OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT, common)
        self.max_event_attributes = read(max_event_attributes, OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT, common)
        self.max_link_attributes = read(max_link_attributes, OTEL_LINK_ATTRIBUTE_COUNT_LIMIT, common)
        self.max_attribute_length = read(max_attribute_length, OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT)
        self.max_span_attribute_length = read(
            max_span_attribute_length, OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT, self.max_attribute_length
        )

    def __repr__(self) -> str:
        names = (
            "max_span_attributes",
            "max_event_attributes",
            "max_link_attributes",
            "max_attributes",
            "max_events",
            "max_links",
            "max_attribute_length",
        )
        # The first one is spelt as the reference spells it.
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)}' for name in names)})".replace(
            "max_event_attributes=", "max_events_attributes="
        )

    @classmethod
    def _from_env_if_absent(cls, value: int | None, env_var: str, default: int | None = None) -> int | None:
        if value == cls.UNSET:
            return None
        shown: object = value
        if value is None:
            if env_var not in environ:
                return default
            text = environ[env_var].strip().lower()
            if not text:
                return None
            shown = text
            try:
                value = int(text)
            except ValueError:
                value = -1
        if value < 0:
            raise ValueError(f"{env_var} must be a non-negative integer but got {shown}")
        return value


_UnsetLimits = SpanLimits(*[SpanLimits.UNSET] * 8)

SPAN_ATTRIBUTE_COUNT_LIMIT = SpanLimits._from_env_if_absent(None, OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT, _DEFAULT_COUNT)
