"""W3C Baggage: the `baggage` header."""

from __future__ import annotations

from ferrotel import _native
from opentelemetry.baggage import _with_entries, get_all
from opentelemetry.context import get_current
from opentelemetry.context.context import Context
from opentelemetry.propagators import textmap


class W3CBaggagePropagator(textmap.TextMapPropagator):
    """Carries baggage in the header of W3C Baggage, within its limits.

    Names and values are percent-encoded, a space as `+`. What is malformed or too much is left out with a warning; the
    rest is kept.
    """

    _MAX_HEADER_LENGTH = 8192
    _MAX_PAIR_LENGTH = 4096
    _MAX_PAIRS = 180
    _BAGGAGE_HEADER_NAME = "baggage"

    def extract(
        self,
        carrier: textmap.CarrierT,
        context: Context | None = None,
        getter: textmap.Getter[textmap.CarrierT] = textmap.default_getter,
    ) -> Context:
        """Return the context (default: the current one) with the pairs of the headers added to its baggage."""
        if context is None:
            context = get_current()
        entries = _native.baggage_extract(
            carrier, getter, self._BAGGAGE_HEADER_NAME, self._MAX_PAIRS, self._MAX_PAIR_LENGTH, self._MAX_HEADER_LENGTH
        )
        return _with_entries(entries, context) if entries else context

    def inject(
        self,
        carrier: textmap.CarrierT,
        context: Context | None = None,
        setter: textmap.Setter[textmap.CarrierT] = textmap.default_setter,
    ) -> None:
        """Write the header for the baggage in the context; nothing where there is none."""
        entries = get_all(context=context)
        if not entries:
            return
        header = _native.baggage_header(entries, self._MAX_PAIRS, self._MAX_PAIR_LENGTH, self._MAX_HEADER_LENGTH)
        if header:
            _native.set_header(carrier, setter, self._BAGGAGE_HEADER_NAME, header)

    @property
    def fields(self) -> set[str]:
        """The name of the header."""
        return {self._BAGGAGE_HEADER_NAME}


_native.register_propagation("baggage", W3CBaggagePropagator)
