"""What span and log record processors report about themselves, through the metrics API."""

from __future__ import annotations

import os
from collections import Counter

from ferrotel._late import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from typing import Any, Callable, Iterable

    from opentelemetry.metrics import CallbackOptions, Meter, MeterProvider, Observation

_SCOPE = "opentelemetry-sdk"
_ITEMS = {"traces": "span", "logs": "log"}
_component_counter: Counter[str] = Counter()


class ProcessorMetricsT(Protocol):
    """What a processor reports."""

    def register_queue_size(self, get_queue_size: Callable[[], int]) -> None: ...

    def drop_items(self, count: int, error_type: str = "queue_full") -> None: ...

    def finish_items(self, count: int) -> None: ...


class NoOpProcessorMetrics:
    """Reports nothing: the default."""

    def register_queue_size(self, get_queue_size: Callable[[], int]) -> None:
        pass

    def drop_items(self, count: int, error_type: str = "queue_full") -> None:
        pass

    def finish_items(self, count: int) -> None:
        pass


class ProcessorMetrics:
    """The instruments `otel.sdk.processor.{span,log}.*` of one processor."""

    def __init__(
        self,
        signal: str,
        component_type: Any,
        meter_provider: MeterProvider,
        *,
        capacity: int | None = None,
    ) -> None:
        self._item = _ITEMS[signal]
        self._meter: Meter = meter_provider.get_meter(_SCOPE)
        self._standard_attrs = component_attributes(component_type)
        self._processed = self._meter.create_counter(
            f"otel.sdk.processor.{self._item}.processed",
            unit=f"{{{self._item}}}",
            description=f"{self._item.capitalize()}s whose processing is over, delivered to the exporter or not.",
        )
        if capacity is not None:
            self._queue_capacity = self._meter.create_up_down_counter(
                f"otel.sdk.processor.{self._item}.queue.capacity",
                unit=f"{{{self._item}}}",
                description=f"How many {self._item}s the processor's queue can hold.",
            )
            self._queue_capacity.add(capacity, self._standard_attrs)
        self._capacity = capacity
        self._pid = os.getpid()

    def register_queue_size(self, get_queue_size: Callable[[], int]) -> None:
        from opentelemetry.metrics import Observation

        def observe(_options: CallbackOptions) -> Iterable[Observation]:
            if self._capacity is not None and self._pid != os.getpid():
                # A forked child counts from zero.
                self._pid = os.getpid()
                self._queue_capacity.add(self._capacity, self._standard_attrs)
            return (Observation(get_queue_size(), self._standard_attrs),)

        self._meter.create_observable_up_down_counter(
            f"otel.sdk.processor.{self._item}.queue.size",
            callbacks=(observe,),
            unit=f"{{{self._item}}}",
            description=f"How many {self._item}s wait in the processor's queue.",
        )

    def drop_items(self, count: int, error_type: str = "queue_full") -> None:
        self._processed.add(count, {**self._standard_attrs, "error.type": error_type})

    def finish_items(self, count: int) -> None:
        self._processed.add(count, self._standard_attrs)


def component_attributes(component_type: Any) -> dict[str, str]:
    """`otel.component.type` and `.name` of the next component of this type (a string, or an enumeration's member)."""
    name: str = getattr(component_type, "value", component_type)
    number = _component_counter[name]
    _component_counter[name] += 1
    return {"otel.component.type": name, "otel.component.name": f"{name}/{number}"}


def create_processor_metrics(
    signal: str,
    component_type: Any,
    meter_provider: MeterProvider | None,
    *,
    capacity: int | None = None,
    enabled: bool,
) -> ProcessorMetricsT:
    """The metrics of one processor; `meter_provider` of None means the global one."""
    if not enabled:
        return NoOpProcessorMetrics()
    if meter_provider is None:
        from opentelemetry.metrics import get_meter_provider

        meter_provider = get_meter_provider()
    return ProcessorMetrics(signal, component_type, meter_provider, capacity=capacity)
