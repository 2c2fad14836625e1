"""Objects that stand for others: all that is not theirs, they have from the object behind them."""

from __future__ import annotations

import functools
from importlib import import_module
from typing import Any, Callable, Iterator

# `wrapped`, what it was called on (None for a function), and the arguments, as `wrapt` calls it.
Around = Callable[[Callable[..., Any], Any, Any, Any], Any]

_OWN = frozenset(("__wrapped__", "__orig_class__"))


class ObjectProxy:
    """Stands for `wrapped`: is an instance of its class, equals it, and attributes are its attributes.

    A subclass's own attributes begin with `_self_`.
    """

    __slots__ = ("__weakref__", "__wrapped__")

    def __init__(self, wrapped: Any) -> None:
        object.__setattr__(self, "__wrapped__", wrapped)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return self.__wrapped__.__class__

    def __getattr__(self, name: str) -> Any:
        if name in _OWN:
            # Not initialised yet.
            raise AttributeError(name)
        return getattr(self.__wrapped__, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_self_") or name in _OWN:
            object.__setattr__(self, name, value)
        else:
            setattr(self.__wrapped__, name, value)

    def __delattr__(self, name: str) -> None:
        if name.startswith("_self_"):
            object.__delattr__(self, name)
        else:
            delattr(self.__wrapped__, name)

    def __dir__(self) -> Any:
        return dir(self.__wrapped__)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.__wrapped__!r}>"

    def __str__(self) -> str:
        return str(self.__wrapped__)

    def __eq__(self, other: object) -> Any:
        return self.__wrapped__ == (other.__wrapped__ if isinstance(other, ObjectProxy) else other)

    def __hash__(self) -> int:
        return hash(self.__wrapped__)

    def __bool__(self) -> bool:
        return bool(self.__wrapped__)

    def __len__(self) -> int:
        return len(self.__wrapped__)

    def __contains__(self, item: Any) -> bool:
        return item in self.__wrapped__

    def __getitem__(self, key: Any) -> Any:
        return self.__wrapped__[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        self.__wrapped__[key] = value

    def __delitem__(self, key: Any) -> None:
        del self.__wrapped__[key]

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.__wrapped__.__reduce_ex__(protocol)

    def __enter__(self) -> Any:
        entered = self.__wrapped__.__enter__()
        return self if entered is self.__wrapped__ else entered

    def __exit__(self, *args: Any, **kwargs: Any) -> Any:
        return self.__wrapped__.__exit__(*args, **kwargs)


class IterableProxy(ObjectProxy):
    """One for an object that is iterated over."""

    __slots__ = ()

    def __iter__(self) -> Iterator[Any]:
        iterator = iter(self.__wrapped__)
        # What a program does with `iter(cursor)` goes through this one too.
        return self if iterator is self.__wrapped__ else iterator

    def __next__(self) -> Any:
        return next(self.__wrapped__)


class WrappedFunction(ObjectProxy):
    """A function, or what a class holds as its method, with a call around it."""

    def __init__(self, wrapped: Any, around: Around | None, instance: Any = None) -> None:
        super().__init__(wrapped)
        object.__setattr__(self, "_self_around", around)
        object.__setattr__(self, "_self_instance", instance)
        for name in ("__doc__", "__module__"):
            # Every object has these, so that they are not looked up in the one behind.
            object.__setattr__(self, name, getattr(wrapped, name, None))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._self_around is None:
            return self.__wrapped__(*args, **kwargs)
        return self._self_around(self.__wrapped__, self._self_instance, args, kwargs)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        bind = getattr(self.__wrapped__, "__get__", None)
        if bind is None:
            return self
        bound = bind(instance, owner)
        return WrappedFunction(bound, self._self_around, owner if instance is None else instance)


def wrap_function(owner: Any, name: str, around: Around) -> None:
    """Puts a call around a function of a module, or a method, class method or static method of a class.

    `owner` may be a module's name, `name` a path (`Connection.connect`). Raises AttributeError when it is not there.
    """
    owner, name = _find(owner, name)
    wrapped = getattr(owner, name)
    if isinstance(owner, type):
        # As it stands there, not bound to the class.
        wrapped = next(vars(base)[name] for base in owner.__mro__ if name in vars(base))
    setattr(owner, name, WrappedFunction(wrapped, around))


def unwrap_function(owner: Any, name: str) -> bool:
    """Takes the outermost call that `wrap_function` put around a function away.

    What others have put around it since stays. False when there is none.
    """
    owner, name = _find(owner, name)
    found = vars(owner).get(name) if isinstance(owner, type) else getattr(owner, name, None)
    if type(found) is WrappedFunction and found._self_around is not None:
        setattr(owner, name, found.__wrapped__)
        if isinstance(owner, type) and any(vars(base).get(name) is found.__wrapped__ for base in owner.__mro__[1:]):
            # It was inherited.
            delattr(owner, name)
        return True
    while found is not None:
        if type(found) is WrappedFunction and found._self_around is not None:
            object.__setattr__(found, "_self_around", None)
            return True
        found = getattr(found, "__wrapped__", None)
    return False


def _find(owner: Any, name: str) -> tuple[Any, str]:
    if isinstance(owner, str):
        owner = import_module(owner)
    *path, name = name.split(".")
    return functools.reduce(getattr, path, owner), name
