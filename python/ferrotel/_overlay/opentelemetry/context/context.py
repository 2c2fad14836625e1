"""The context: an immutable mapping that travels with the execution."""

from __future__ import annotations

from abc import ABC, abstractmethod

from ferrotel import _native
from ferrotel._late import TYPE_CHECKING

if TYPE_CHECKING:
    from contextvars import Token

__all__ = ["Context"]

Context = _native.Context


class _RuntimeContext(ABC):
    """Keeps one current context for each unit of execution (thread, task, greenlet).

    Another one than `contextvars` can be made an entry point of the group `opentelemetry_context` and be chosen with
    `OTEL_PYTHON_CONTEXT`.
    """

    __slots__ = ()

    @abstractmethod
    def attach(self, context: Context) -> Token[Context]:
        """Makes `context` the current one; the result gives `detach` the way back."""

    @abstractmethod
    def get_current(self) -> Context:
        """The current context, an empty one where nothing was attached."""

    @abstractmethod
    def detach(self, token: Token[Context]) -> None:
        """Makes current again what was so before the `attach` that gave `token`; raises where that cannot be."""
