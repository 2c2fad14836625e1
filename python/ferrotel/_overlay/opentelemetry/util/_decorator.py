"""`contextlib.contextmanager` whose result also decorates coroutine functions."""

from __future__ import annotations

import functools

from ferrotel._late import TYPE_CHECKING, TypeVar

R = TypeVar("R")

if TYPE_CHECKING:
    from typing import Any, Callable, Iterator

    from typing_extensions import ParamSpec

    from opentelemetry.util._agnostic_context_manager import _AgnosticContextManager as _AgnosticContextManager

    P = ParamSpec("P")


def _agnosticcontextmanager(func: Callable[P, Iterator[R]]) -> Callable[P, _AgnosticContextManager[R]]:
    """As `contextlib.contextmanager`, but its context managers decorate coroutine functions too."""

    @functools.wraps(func)
    def make(*args: P.args, **kwargs: P.kwargs) -> _AgnosticContextManager[R]:
        from opentelemetry.util._agnostic_context_manager import _AgnosticContextManager

        return _AgnosticContextManager(func, args, kwargs)  # type: ignore[arg-type]

    return make


def __getattr__(name: str) -> Any:
    if name == "_AgnosticContextManager":
        from opentelemetry.util._agnostic_context_manager import _AgnosticContextManager

        return _AgnosticContextManager
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
