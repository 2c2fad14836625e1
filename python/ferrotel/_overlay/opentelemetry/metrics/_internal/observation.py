"""What a callback observed."""

from __future__ import annotations

from opentelemetry.context import Context
from opentelemetry.util.types import Attributes


class Observation:
    """One value that an asynchronous instrument's callback returns or yields, with its attributes and context."""

    def __init__(self, value: int | float, attributes: Attributes = None, context: Context | None = None) -> None:
        self._value = value
        self._attributes = attributes
        self._context = context

    @property
    def value(self) -> float | int:
        """The measured value."""
        return self._value

    @property
    def attributes(self) -> Attributes:
        """What the value is about."""
        return self._attributes

    @property
    def context(self) -> Context | None:
        """The context that exemplars are taken from; `None` for the current one."""
        return self._context

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Observation):
            return False
        return (self.value, self.attributes, self.context) == (other.value, other.attributes, other.context)

    def __repr__(self) -> str:
        return f"Observation(value={self.value}, attributes={self.attributes}, context={self.context})"
