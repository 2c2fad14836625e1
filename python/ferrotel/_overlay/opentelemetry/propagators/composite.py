"""Several propagators as one."""

from __future__ import annotations

import logging
import typing

from ferrotel import _native
from ferrotel._compat import deprecated
from opentelemetry.propagators import textmap

logger = logging.getLogger(__name__)


class CompositePropagator(_native.CompositePropagatorBase, textmap.TextMapPropagator):
    """Runs propagators one after the other; where two use the same key, the later one wins.

    A propagator that raises is logged, and the others go on. `extract` and `inject` are native, because every request
    goes through them.

    Args:
        propagators: The propagators, in the order in which they run.
    """

    def __init__(self, propagators: typing.Sequence[textmap.TextMapPropagator]) -> None:
        self._propagators = propagators

    @property
    def fields(self) -> set[str]:
        """The names of the headers that any of the propagators may set."""
        return {field for propagator in self._propagators for field in propagator.fields}


_native.register_propagation("composite", CompositePropagator)


@deprecated("You should use CompositePropagator. Deprecated since version 1.2.0.")
class CompositeHTTPPropagator(CompositePropagator):
    """The former name of CompositePropagator."""
