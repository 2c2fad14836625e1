"""Meter providers give out meters."""

from __future__ import annotations

from abc import ABC, abstractmethod

from opentelemetry.metrics._internal.meter import Meter, NoOpMeter
from opentelemetry.util.types import Attributes


class MeterProvider(ABC):
    """Gives out meters."""

    @abstractmethod
    def get_meter(
        self,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> Meter:
        """A meter for an instrumentation scope.

        The name is that of the library that measures (not of the one that is measured), best a fixed string; version,
        schema URL and attributes describe the same library.
        """


class NoOpMeterProvider(MeterProvider):
    """A provider of no-op meters."""

    def get_meter(
        self,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> Meter:
        """A no-op meter."""
        return NoOpMeter(name, version=version, schema_url=schema_url)
