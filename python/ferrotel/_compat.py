"""What newer Pythons have and 3.8 lacks, and what others take from `typing_extensions`."""

from __future__ import annotations

import functools

from ferrotel._late import TYPE_CHECKING, TypeVar

__all__ = ["deprecated"]

if TYPE_CHECKING:
    from typing import Any, Callable

    from typing_extensions import deprecated
else:
    # The standard library's, of 3.13, imports inspect: that costs more than the rest of the API.
    _T = TypeVar("_T")

    def deprecated(message: str) -> Callable[[_T], _T]:
        """Marks a function or class as deprecated (PEP 702): its use warns with `DeprecationWarning`."""

        def mark(target: Any) -> Any:
            marked = _warning_class(target, message) if isinstance(target, type) else _warning_function(target, message)
            marked.__deprecated__ = message
            return marked

        return mark

    def _warning_function(function: Callable[..., Any], message: str) -> Callable[..., Any]:
        @functools.wraps(function)
        def warning(*args: Any, **kwargs: Any) -> Any:
            _warn(message, 2)
            return function(*args, **kwargs)

        return warning

    def _warning_class(cls: type, message: str) -> type:
        made = cls.__new__
        subclassed = cls.__init_subclass__

        def __new__(kind: type, *args: Any, **kwargs: Any) -> Any:
            # A subclass has warned when it was defined.
            if kind is cls:
                _warn(message, 2)
            return made(kind) if made is object.__new__ else made(kind, *args, **kwargs)

        def __init_subclass__(*args: Any, **kwargs: Any) -> None:
            _warn(message, 3)
            subclassed(*args, **kwargs)

        cls.__new__ = staticmethod(__new__)
        cls.__init_subclass__ = staticmethod(__init_subclass__)
        return cls

    def _warn(message: str, stacklevel: int) -> None:
        import warnings

        warnings.warn(message, DeprecationWarning, stacklevel=stacklevel + 1)
