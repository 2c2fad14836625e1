"""The decorator side of a span's block: plain functions, coroutine functions, generator functions."""

from __future__ import annotations

import functools

from ferrotel._late import TYPE_CHECKING, TypeVar, cast

if TYPE_CHECKING:
    from typing import Any, Callable

    from typing_extensions import Protocol

    class Scope(Protocol):
        """A context manager that can make another one like itself: native scopes, and generators' ones."""

        def _recreate_cm(self) -> Any: ...

    F = TypeVar("F", bound=Callable[..., Any])


def decorate(scope: Scope, function: F) -> F:
    """Returns ``function`` with every call of it inside a block of its own, made like ``scope``.

    The span of a coroutine function lives as long as the coroutine.
    """
    import inspect

    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def in_coroutine(*args: Any, **kwargs: Any) -> Any:
            with scope._recreate_cm():
                return await function(*args, **kwargs)

        return cast("F", in_coroutine)

    @functools.wraps(function)
    def in_call(*args: Any, **kwargs: Any) -> Any:
        with scope._recreate_cm():
            return function(*args, **kwargs)

    return cast("F", in_call)
