"""Metric families and their samples, for where `prometheus_client` is not installed: the part of its classes that a
collector and an exposition use."""

from __future__ import annotations

from typing import Any, NamedTuple


class Exemplar(NamedTuple):
    """A measurement that stands for others; `timestamp` in seconds since the epoch."""

    labels: dict[str, str]
    value: float
    timestamp: float | None = None


class Sample(NamedTuple):
    """One line of a page."""

    name: str
    labels: dict[str, str]
    value: int | float
    timestamp: float | None = None
    exemplar: Exemplar | None = None


class Metric:
    """A metric family. Its name ends with its unit, if it has one; what a type adds (`_total`) its samples have."""

    def __init__(self, name: str, documentation: str, typ: str, unit: str = "") -> None:
        if unit and not name.endswith("_" + unit):
            name = f"{name}_{unit}"
        if not name:
            raise ValueError("a metric without a name")
        self.name = name
        self.documentation = documentation
        self.type = typ
        self.unit = unit
        self.samples: list[Sample] = []

    def add_sample(
        self,
        name: str,
        labels: dict[str, str],
        value: float,
        timestamp: float | None = None,
        exemplar: Exemplar | None = None,
    ) -> None:
        """Adds one line."""
        self.samples.append(Sample(name, labels, value, timestamp, exemplar))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Metric) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Metric({self.name!r}, {self.documentation!r}, {self.type!r}, {self.unit!r}, {self.samples!r})"


class CounterMetricFamily(Metric):
    """A value that only grows."""

    def __init__(self, name: str, documentation: str, *, unit: str = "", **_: Any) -> None:
        super().__init__(name[: -len("_total")] if name.endswith("_total") else name, documentation, "counter", unit)


class GaugeMetricFamily(Metric):
    """A value that goes up and down."""

    def __init__(self, name: str, documentation: str, *, unit: str = "", **_: Any) -> None:
        super().__init__(name, documentation, "gauge", unit)


class HistogramMetricFamily(Metric):
    """Cumulative counts of buckets."""

    def __init__(self, name: str, documentation: str, *, unit: str = "", **_: Any) -> None:
        super().__init__(name, documentation, "histogram", unit)


class InfoMetricFamily(Metric):
    """Labels that describe; the value is always 1."""

    def __init__(self, name: str, documentation: str, **_: Any) -> None:
        super().__init__(name, documentation, "info")
