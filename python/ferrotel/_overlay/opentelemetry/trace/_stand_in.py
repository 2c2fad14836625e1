"""Native methods that are asked of the class, for an object that only looks like an instance.

A proxy around a tracer, as OpenInference's, calls ``tracer.__class__.start_span(proxy, ...)``, so that the ids come
from the proxy. A method in Python takes any object; one in native code must have its own.
"""

from __future__ import annotations

from abc import ABCMeta
from types import MethodDescriptorType

from ferrotel._late import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any, Callable


class StandInType(ABCMeta):
    """A metaclass that gives `start_span`, where the class itself is asked for it, as a function for any object.

    Instances look their methods up past their class's metaclass: they keep the native one.
    """

    # What starts a span for an object that is no instance of the class.
    _start_span_of: Callable[..., Any]

    def __getattribute__(cls, name: str) -> Any:
        found = super().__getattribute__(name)
        if name == "start_span" and isinstance(found, MethodDescriptorType):
            return _for_any_object(cls, found)
        return found


def _for_any_object(owner: StandInType, native: Any) -> Callable[..., Any]:
    def start_span(self: Any, *args: Any, **kwargs: Any) -> Any:
        # Not isinstance, which a proxy deceives.
        if issubclass(type(self), native.__objclass__):
            return native(self, *args, **kwargs)
        return owner._start_span_of(self, *args, **kwargs)

    start_span.__doc__ = native.__doc__
    start_span.__module__ = owner.__module__
    start_span.__qualname__ = f"{owner.__qualname__}.start_span"
    # For `inspect.signature`, and for who asks whether the method is the native one.
    start_span.__wrapped__ = native  # type: ignore[attr-defined]
    start_span.__objclass__ = native.__objclass__  # type: ignore[attr-defined]
    return start_span
