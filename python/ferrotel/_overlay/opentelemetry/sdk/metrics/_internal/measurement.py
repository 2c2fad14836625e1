"""One measurement, as the parts of the SDK that are written in Python get it."""

from __future__ import annotations

from dataclasses import dataclass
from logging import getLogger
from typing import TYPE_CHECKING, Mapping

from opentelemetry.attributes import _clean_attribute_value
from opentelemetry.context import Context
from opentelemetry.util.types import Attributes

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics._internal.instrument import _Instrument

_logger = getLogger(__name__)


@dataclass(frozen=True)
class Measurement:
    """A value that an instrument was told.

    Attributes:
        value: What was measured.
        time_unix_nano: When the program made the call.
        instrument: On which instrument.
        context: Where exemplars look for a span.
        attributes: What the program gave, cleaned; None where there is none.
    """

    value: int | float
    time_unix_nano: int
    instrument: _Instrument
    context: Context
    attributes: Attributes = None

    def __post_init__(self) -> None:
        if self.attributes is None:
            return
        given: object = self.attributes
        clean: object = None
        if isinstance(given, Mapping):
            clean = _clean_attribute_value(given, None)
        else:
            _logger.warning("Invalid type '%s' for attributes. Expected a Mapping or None.", type(given))
        object.__setattr__(self, "attributes", clean)
