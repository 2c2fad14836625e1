"""A generator's context manager that may decorate any function."""

from __future__ import annotations

import contextlib

from ferrotel._late import TYPE_CHECKING, Generic, TypeVar
from ferrotel._scope import decorate

R = TypeVar("R")

if TYPE_CHECKING:
    from typing import Any, Callable

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

    # The home that it is imported from.
    __module__ = "opentelemetry.util._decorator"

    def __call__(self, func: V) -> V:
        return decorate(self, func)
