"""The scope of a span that is started when the scope is entered."""

from __future__ import annotations

from ferrotel._late import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, Callable

    from opentelemetry.trace.span import Span

    _F = TypeVar("_F", bound=Callable[..., Any])


class DeferredScope:
    """A context manager, and a decorator of any function, that asks `make_scope` for its scope on each entry.

    What `start_as_current_span` gives where the tracer is not known yet: a decorated function outlives that state.
    """

    __slots__ = ("_make_scope", "_scope")

    def __init__(self, make_scope: Callable[[], Any]) -> None:
        self._make_scope = make_scope
        self._scope: Any = None

    def __enter__(self) -> Span:
        scope = self._make_scope()
        span: Span = scope.__enter__()
        self._scope = scope
        return span

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        swallowed: bool | None = self._scope.__exit__(exc_type, exc_value, traceback)
        return swallowed

    def _recreate_cm(self) -> Any:
        return self._make_scope()

    def __call__(self, func: _F) -> _F:
        from ferrotel._scope import decorate

        return decorate(self, func)
