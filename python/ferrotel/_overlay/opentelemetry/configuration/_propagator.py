"""The propagators that a configuration names."""

from __future__ import annotations

from typing import Any, Callable

from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.configuration import models
from opentelemetry.configuration._components import create_component
from opentelemetry.propagate import set_global_textmap
from opentelemetry.propagators.b3 import B3MultiFormat, B3SingleFormat
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_PROPAGATORS: dict[str, Callable[[Any], TextMapPropagator]] = {
    "tracecontext": lambda _: TraceContextTextMapPropagator(),
    "baggage": lambda _: W3CBaggagePropagator(),
    "b3": lambda _: B3SingleFormat(),
    "b3multi": lambda _: B3MultiFormat(),
}


def create_propagator(config: models.Propagator | None) -> CompositePropagator:
    """All that `composite` and then `composite_list` name, each class once. Without any, a propagator that carries
    nothing: the environment's are not taken."""
    wanted = list(config.composite or ()) if config is not None else []
    words = (config.composite_list or "").split(",") if config is not None else []
    names = [word.strip() for word in words]
    wanted += [models.TextMapPropagator(**{name: {}}) for name in names if name and name.lower() != "none"]
    found: dict[type, TextMapPropagator] = {}
    for entry in wanted:
        propagator = create_component("propagator", entry, _PROPAGATORS, "opentelemetry_propagator")
        found.setdefault(type(propagator), propagator)
    return CompositePropagator(list(found.values()))


def configure_propagator(config: models.Propagator | None) -> None:
    """Makes the configuration's propagator the global one, also one that carries nothing."""
    set_global_textmap(create_propagator(config))
