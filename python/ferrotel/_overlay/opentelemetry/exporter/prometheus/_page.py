"""The families of one scrape, each name once, and what goes wrong on the way said once."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Iterable, Mapping

if TYPE_CHECKING:
    from opentelemetry.exporter.prometheus._client import Exemplar, Metric

_logger = logging.getLogger("opentelemetry.exporter.prometheus")

_SAMPLE_SUFFIXES = {
    "counter": ("_total",),
    "histogram": ("_bucket", "_count", "_sum"),
    "info": ("_info",),
}
_MAX_SAID = 1_000


class Complaints:
    """Says a thing once, however often it is scraped."""

    def __init__(self) -> None:
        self._said: set[tuple[str, str]] = set()

    def say(self, kind: str, name: str, message: str, *args: object) -> None:
        """Warns, unless it did so for this `kind` and `name` before. At most 1,000 warnings in all."""
        if (kind, name) not in self._said and len(self._said) < _MAX_SAID:
            self._said.add((kind, name))
            _logger.warning(message, *args)


class Page:
    """Collects families and their samples.

    Specification: `compatibility/prometheus_and_openmetrics.md`, "Metric Metadata": no two HELP or TYPE lines for a
    name. One that is there twice costs the whole page with strict parsers.
    """

    def __init__(self, complaints: Complaints) -> None:
        self._complaints = complaints
        self._families: dict[str, Metric] = {}
        self._owners: dict[str, str] = {}
        self._series: dict[str, set[frozenset[tuple[str, str]]]] = {}

    def families(self) -> Iterable[Metric]:
        """What the page is made of, in the order of arrival."""
        return self._families.values()

    def family(self, made: Metric, source: str) -> Metric | None:
        """The family that metric `source` adds to: `made`, or the one of its name that is there already.

        None, with a warning, where the name is taken by another type.
        """
        there = self._families.get(made.name)
        if there is not None and there.type == made.type:
            if there.documentation != made.documentation:
                self._complaints.say(
                    "help",
                    made.name,
                    "Several metrics are called %s in Prometheus and have different descriptions; the first is shown",
                    made.name,
                )
            return there
        samples = [made.name + suffix for suffix in _SAMPLE_SUFFIXES.get(made.type, ("",))]
        taken = made.name if there is not None else next((name for name in samples if name in self._owners), None)
        if taken is not None:
            self._complaints.say(
                "type",
                source,
                "Metric %r (%s) is left out for Prometheus: the name %s is that of another metric, of type %s. "
                "Rename one of them, for example with a View",
                source,
                made.type,
                taken,
                self._families[self._owners.get(taken, taken)].type,
            )
            return None
        self._families[made.name] = made
        self._owners.update(dict.fromkeys(samples, made.name))
        return made

    def admits(self, family: Metric, labels: Mapping[str, str]) -> bool:
        """Whether these labels are new in a family; a warning where they are not."""
        seen = self._series.setdefault(family.name, set())
        # An empty label is none.
        key = frozenset([item for item in labels.items() if item[1]])
        if key not in seen:
            seen.add(key)
            return True
        self._complaints.say(
            "series",
            family.name,
            "Several series of %s have the same labels in Prometheus; the first is shown",
            family.name,
        )
        return False

    def add(self, family: Metric, suffix: str, labels: dict[str, str], value: float, exemplar: Exemplar | None) -> None:
        """Adds one line to a family."""
        family.add_sample(family.name + suffix, labels, value, exemplar=exemplar)
