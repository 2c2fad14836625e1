"""What OTLP exporters report about themselves, through the metrics API."""

from __future__ import annotations

from contextlib import contextmanager
from time import perf_counter

from ferrotel._late import TYPE_CHECKING, Protocol
from opentelemetry.sdk._shared_internal._processor_metrics import component_attributes

if TYPE_CHECKING:
    from typing import Any, ContextManager, Iterable, Iterator, Mapping

    from opentelemetry.metrics import MeterProvider

_ITEMS = {"traces": "span", "logs": "log", "metrics": "metric_data_point"}
_UNITS = {"traces": "{span}", "logs": "{log_record}", "metrics": "{data_point}"}
_DEFAULT_PORTS = {"http": 80, "https": 443}


class ExportResult:
    """What an export tells its measurement: the error that ended it, if any, and the error's own attributes."""

    error: Exception | None = None
    error_attrs: Mapping[str, Any] | None = None


class ExporterMetricsT(Protocol):
    """What an exporter reports."""

    def export_operation(self, num_items: int) -> ContextManager[ExportResult]: ...

    def settle(self, in_flight: int, exported: int, failed: int, operations: Iterable[tuple[float, bool]]) -> None: ...


class NoOpExporterMetrics:
    """Reports nothing: the default."""

    @contextmanager
    def export_operation(self, num_items: int) -> Iterator[ExportResult]:
        yield ExportResult()

    def settle(self, in_flight: int, exported: int, failed: int, operations: Iterable[tuple[float, bool]]) -> None:
        pass


class ExporterMetrics:
    """The instruments `otel.sdk.exporter.*` of one exporter."""

    def __init__(self, component_type: Any, signal: str, endpoint: str, meter_provider: MeterProvider | None) -> None:
        if meter_provider is None:
            from opentelemetry.metrics import get_meter_provider

            meter_provider = get_meter_provider()
        attributes: dict[str, Any] = dict(component_attributes(component_type or "unknown_otlp_exporter"))
        attributes.update(_server(endpoint, "grpc" in attributes["otel.component.type"]))
        self._standard_attrs = attributes
        meter = meter_provider.get_meter("opentelemetry-sdk")
        item, unit = _ITEMS[signal], _UNITS[signal]
        self._inflight = meter.create_up_down_counter(
            f"otel.sdk.exporter.{item}.inflight", unit=unit, description="Items handed over and not yet settled."
        )
        self._exported = meter.create_counter(
            f"otel.sdk.exporter.{item}.exported", unit=unit, description="Items whose export is over, well or badly."
        )
        self._duration = meter.create_histogram(
            "otel.sdk.exporter.operation.duration", unit="s", description="How long one export took."
        )

    @contextmanager
    def export_operation(self, num_items: int) -> Iterator[ExportResult]:
        """Measures one export; the caller fills in what went wrong."""
        result, begin = ExportResult(), perf_counter()
        self._inflight.add(num_items, self._standard_attrs)
        try:
            yield result
        finally:
            seconds = perf_counter() - begin
            self._inflight.add(-num_items, self._standard_attrs)
            attributes = dict(self._standard_attrs)
            if result.error is not None:
                attributes["error.type"] = type(result.error).__qualname__
            self._exported.add(num_items, attributes)
            self._duration.record(seconds, {**attributes, **(result.error_attrs or {})})

    def settle(self, in_flight: int, exported: int, failed: int, operations: Iterable[tuple[float, bool]]) -> None:
        """Takes over what the engine has exported: by how much the items in flight became more, how many are over, and
        for each export its seconds and whether it was accepted."""
        attributes = self._standard_attrs
        refused = {**attributes, "error.type": RuntimeError.__qualname__}
        self._inflight.add(in_flight, attributes)
        if exported:
            self._exported.add(exported, attributes)
        if failed:
            self._exported.add(failed, refused)
        for seconds, accepted in operations:
            self._duration.record(seconds, attributes if accepted else refused)


def create_exporter_metrics(
    component_type: Any, signal: str, endpoint: str, meter_provider: MeterProvider | None, enabled: bool
) -> ExporterMetricsT:
    """The metrics of one exporter; `meter_provider` of None means the global one."""
    if not enabled:
        return NoOpExporterMetrics()
    return ExporterMetrics(component_type, signal, endpoint, meter_provider)


def _server(endpoint: str, grpc: bool) -> dict[str, Any]:
    from urllib.parse import urlsplit

    url = urlsplit(endpoint if "://" in endpoint or endpoint.startswith("//") else f"//{endpoint}")
    try:
        port = url.port
    except ValueError:
        port = None
    port = port or (443 if grpc else _DEFAULT_PORTS.get(url.scheme))
    found = {"server.address": url.hostname, "server.port": port}
    return {name: value for name, value in found.items() if value}
