"""What the modules that every tracing program imports need of `typing` and `logging`, without importing them.

Those two, with what they import in their turn, take longer than all that setting tracing up needs besides.
"""

from __future__ import annotations

import sys
from collections import abc

#: Type checkers take this name to be true.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from logging import Logger
    from logging import getLogger as getLogger
    from typing import Any, Callable
    from typing import Generic as Generic
    from typing import MutableMapping as MutableMapping
    from typing import Protocol as Protocol
    from typing import Sequence as Sequence
    from typing import TypeVar as TypeVar
    from typing import cast as cast
else:

    def cast(_, value):
        return value

    def TypeVar(name, *_, **__):
        return name

    class Generic:
        """Has no parameters at run time: a subscript gives the class itself."""

        __slots__ = ()

        def __class_getitem__(cls, _):
            return cls

    Protocol = Generic

    class _Plain:
        """A class of `collections.abc` as a base that takes a subscript, as those that derive from it do."""

        def __init__(self, kind):
            self._kind = kind
            if not hasattr(kind, "__class_getitem__"):
                # Python 3.8.
                subscripted = {"__slots__": (), "__class_getitem__": classmethod(lambda cls, _: cls)}
                self._kind = type(kind)(kind.__name__, (kind,), subscripted)

        def __getitem__(self, _):
            return self._kind

    MutableMapping, Sequence = _Plain(abc.MutableMapping), _Plain(abc.Sequence)

    def getLogger(name):
        """The logger of that name: at once where the program has imported `logging`, else one that becomes it."""
        return _real(name) if _waiting is None or "logging" in sys.modules else _LateLogger(name)


def late_types(module: str, **types: str) -> Callable[[str], Any]:
    """A module's `__getattr__` that makes names of types when they are first asked for.

    Each is given as the text of an expression, in which the module's own names, those of `typing` and those of
    `opentelemetry.util.types` may stand.
    """

    def __getattr__(name: str) -> Any:
        text = types.get(name)
        if text is None:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        import typing

        from opentelemetry.util import types as attribute_types

        own = vars(sys.modules[module])
        # What stands in for `typing` here gives way to it.
        own[name] = eval(text, {**own, **vars(attribute_types), **vars(typing), "types": attribute_types})
        return own[name]

    return __getattr__


#: The loggers that stand for one still, and what each is to filter by; None as soon as there is no need for them.
_waiting: dict[str, list[Any]] | None = None if "logging" in sys.modules else {}


def import_logging() -> None:
    """Has the loggers become real ones. Called before anything that runs on its own may have something to say: the
    interpreter delivers its lines between any two instructions, also in the middle of an import."""
    global _waiting
    if _waiting is not None:
        waiting, _waiting = _waiting, None
        for name, filters in waiting.items():
            logger = _real(name)
            for each in filters:
                logger.addFilter(each)


def _real(name: str) -> Logger:
    import logging

    return logging.getLogger(name)


class _LateLogger:
    """Stands in for a `logging.Logger`, and passes everything on to it."""

    __slots__ = ("_late_name",)

    def __init__(self, name: str) -> None:
        object.__setattr__(self, "_late_name", name)
        if _waiting is not None:
            _waiting.setdefault(name, [])

    def _late_logger(self) -> Logger:
        import_logging()
        return _real(object.__getattribute__(self, "_late_name"))

    def addFilter(self, rule: Any) -> None:
        if _waiting is not None:
            _waiting[object.__getattribute__(self, "_late_name")].append(rule)
        else:
            self._late_logger().addFilter(rule)

    # `isinstance(logger, logging.Logger)` holds, as for any other.
    __class__ = property(lambda self: type(self._late_logger()))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._late_logger(), name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self._late_logger(), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._late_logger(), name)

    def __repr__(self) -> str:
        return repr(self._late_logger())

    def __reduce__(self) -> tuple[Callable[[str], Logger], tuple[str]]:
        return _real, (object.__getattribute__(self, "_late_name"),)
