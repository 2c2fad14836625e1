"""`contextlib.contextmanager` whose result also decorates coroutine functions."""

from __future__ import annotations

import contextlib
import functools

from ferrotel._late import TYPE_CHECKING, Generic, TypeVar
from ferrotel._scope import decorate

R = TypeVar("R")

if TYPE_CHECKING:
    from typing import Any, Callable, Iterator

    from typing_extensions import ParamSpec

    P = ParamSpec("P")
    V = TypeVar("V", bound=Callable[..., Any])
    _Base = contextlib._GeneratorContextManager
else:

    class _Base(contextlib._GeneratorContextManager):
        # The standard class cannot be subscripted on Python 3.8.
        def __class_getitem__(cls, _item):
            return cls


class _AgnosticContextManager(_Base[R], Generic[R]):
    """A generator's context manager that may decorate sync and async functions alike.

    The standard one leaves the context as soon as an async function has handed back its coroutine, so that a span
    around it would measure nothing.
    """

    def __call__(self, func: V) -> V:
        return decorate(self, func)


def _agnosticcontextmanager(func: Callable[P, Iterator[R]]) -> Callable[P, _AgnosticContextManager[R]]:
    """As `contextlib.contextmanager`, but its context managers decorate coroutine functions too."""

    @functools.wraps(func)
    def make(*args: P.args, **kwargs: P.kwargs) -> _AgnosticContextManager[R]:
        return _AgnosticContextManager(func, args, kwargs)  # type: ignore[arg-type]

    return make
