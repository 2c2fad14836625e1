"""A measurement kept as it was made."""

from __future__ import annotations

import dataclasses

from opentelemetry.util.types import Attributes


@dataclasses.dataclass(frozen=True)
class Exemplar:
    """A measurement kept as it was made, with the trace that it belongs to (specification: metrics data model).

    Attributes:
        filtered_attributes: The measurement's attributes that the metric point does not have.
        value: What was measured.
        time_unix_nano: When.
        span_id: The span that was current; None without one.
        trace_id: Its trace; None without one.
    """

    filtered_attributes: Attributes
    value: int | float
    time_unix_nano: int
    span_id: int | None = None
    trace_id: int | None = None
