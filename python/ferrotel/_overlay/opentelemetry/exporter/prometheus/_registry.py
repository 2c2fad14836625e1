"""The registry for where `prometheus_client` is not installed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Iterable, Protocol

from opentelemetry.sdk.util._fork import call_after_fork

if TYPE_CHECKING:
    from opentelemetry.exporter.prometheus._metric_families import Metric


class Collector(Protocol):
    """What can be registered."""

    def collect(self) -> Iterable[Metric]: ...


class CollectorRegistry:
    """The collectors that make up a page, in the order of their registration."""

    def __init__(self) -> None:
        self._collectors: tuple[Collector, ...] = ()
        self._make_lock()
        call_after_fork(self._make_lock)

    def _make_lock(self) -> None:
        # A forked child must not inherit it as another thread held it.
        self._lock = threading.RLock()

    def register(self, collector: Collector) -> None:
        """Adds a collector; ValueError where it is registered already."""
        with self._lock:
            if any(known is collector for known in self._collectors):
                raise ValueError("this collector is registered already")
            self._collectors += (collector,)

    def unregister(self, collector: Collector) -> None:
        """Takes a collector out; KeyError where it is not registered."""
        with self._lock:
            remaining = tuple(known for known in self._collectors if known is not collector)
            if len(remaining) == len(self._collectors):
                raise KeyError(collector)
            self._collectors = remaining

    def collect(self) -> Iterable[Metric]:
        """The families of all collectors."""
        for collector in self._collectors:
            yield from collector.collect()


REGISTRY = CollectorRegistry()
