"""The propagator of this process.

`OTEL_PROPAGATORS` names the propagators that it is made of, separated by commas; default: `tracecontext,baggage`. The
others that come with this package are `b3` (one header), `b3multi` and `jaeger`; further names are looked up as entry
points of the group `opentelemetry_propagator`, and `none` turns propagation off.

A program hands incoming headers to `extract`, and outgoing ones to `inject`:

    context = extract(request.headers)
    ...
    headers = {}
    inject(headers)
"""

from __future__ import annotations

from logging import getLogger
from os import environ
from typing import TYPE_CHECKING

from ferrotel import _native
from opentelemetry.context.context import Context
from opentelemetry.environment_variables import OTEL_PROPAGATORS
from opentelemetry.propagators import composite, textmap

logger = getLogger(__name__)

_DEFAULT = "tracecontext,baggage"


def _load(name: str) -> textmap.TextMapPropagator:
    if name == "tracecontext":
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        return TraceContextTextMapPropagator()
    if name == "baggage":
        from opentelemetry.baggage.propagation import W3CBaggagePropagator

        return W3CBaggagePropagator()
    if name in ("b3", "b3multi"):
        from opentelemetry.propagators import b3

        return b3.B3SingleFormat() if name == "b3" else b3.B3MultiFormat()
    if name == "jaeger":
        from opentelemetry.propagators.jaeger import JaegerPropagator

        return JaegerPropagator()
    from opentelemetry.util._importlib_metadata import entry_points

    for entry_point in entry_points(group="opentelemetry_propagator", name=name):
        loaded: textmap.TextMapPropagator = entry_point.load()()
        return loaded
    raise ValueError(f"Propagator {name} not found. It is either misspelled or not installed.")


def _load_propagators() -> textmap.TextMapPropagator:
    names = [name.strip() for name in (environ.get(OTEL_PROPAGATORS) or _DEFAULT).split(",")]
    if any(name.lower() == "none" for name in names):
        logger.debug("%s contains none: nothing is propagated", OTEL_PROPAGATORS)
        return composite.CompositePropagator([])
    loaded: list[textmap.TextMapPropagator] = []
    for name in filter(None, names):
        try:
            loaded.append(_load(name))
        except ValueError:
            raise
        except Exception:
            logger.exception("Failed to load propagator: %s", name)
            raise
    return composite.CompositePropagator(loaded)


_HTTP_TEXT_FORMAT: textmap.TextMapPropagator = _load_propagators()

# The reference leaves these three behind at module level, and deprecates them: nothing reads them.
propagators: list[textmap.TextMapPropagator] = []
environ_propagators = environ.get(OTEL_PROPAGATORS, _DEFAULT)
propagator = environ_propagators.split(",")[-1].strip()


def get_global_textmap() -> textmap.TextMapPropagator:
    """Return the propagator of this process."""
    return _HTTP_TEXT_FORMAT


def set_global_textmap(http_text_format: textmap.TextMapPropagator) -> None:
    """Replace the propagator of this process."""
    global _HTTP_TEXT_FORMAT
    _HTTP_TEXT_FORMAT = http_text_format


if TYPE_CHECKING:

    def extract(
        carrier: textmap.CarrierT,
        context: Context | None = None,
        getter: textmap.Getter[textmap.CarrierT] = textmap.default_getter,
    ) -> Context:
        """Read the values that came with a request."""

    def inject(
        carrier: textmap.CarrierT,
        context: Context | None = None,
        setter: textmap.Setter[textmap.CarrierT] = textmap.default_setter,
    ) -> None:
        """Write the values that go with a request."""
else:
    # Native, because every request goes through them. They ask this module for the propagator.
    extract, inject = _native.propagate_functions(globals())
