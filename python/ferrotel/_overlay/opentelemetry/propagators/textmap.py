"""What propagators and carriers have to offer (specification: Propagators API)."""

from __future__ import annotations

import abc
import typing
from collections.abc import Iterable

from ferrotel import _native
from opentelemetry.context.context import Context

CarrierT = typing.TypeVar("CarrierT")
CarrierValT = typing.Union[typing.List[str], str]


class Getter(abc.ABC, typing.Generic[CarrierT]):
    """Reads headers from a carrier of one kind.

    A getter that raises is reported once; the header then counts as absent.
    """

    @abc.abstractmethod
    def get(self, carrier: CarrierT, key: str) -> list[str] | None:
        """Return all values of a header, in order, or None where the carrier has no such header.

        Args:
            carrier: Where to look.
            key: The header's name, in lower case. Whether case matters is up to the getter.
        """

    @abc.abstractmethod
    def keys(self, carrier: CarrierT) -> list[str]:
        """Return the names of all headers of the carrier."""


class Setter(abc.ABC, typing.Generic[CarrierT]):
    """Writes headers to a carrier of one kind. A setter that raises is reported once."""

    @abc.abstractmethod
    def set(self, carrier: CarrierT, key: str, value: str) -> None:
        """Set a header, replacing what the carrier may have had under the name.

        Args:
            carrier: Where to write.
            key: The header's name, in lower case.
            value: The header's value.
        """


class DefaultGetter(Getter[typing.Mapping[str, CarrierValT]]):
    """Reads from a mapping whose values are strings or collections of strings; keys are looked up as they are given."""

    def get(self, carrier: typing.Mapping[str, CarrierValT], key: str) -> list[str] | None:
        value = carrier.get(key)
        if value is None:
            return None
        if isinstance(value, str) or not isinstance(value, Iterable):
            return [value]
        return list(value)

    def keys(self, carrier: typing.Mapping[str, CarrierValT]) -> list[str]:
        return list(carrier.keys())


class DefaultSetter(Setter[typing.MutableMapping[str, CarrierValT]]):
    """Writes to a mapping."""

    def set(self, carrier: typing.MutableMapping[str, CarrierValT], key: str, value: CarrierValT) -> None:
        carrier[key] = value


# They fit any carrier that is a mapping, which a type variable cannot say.
default_getter: Getter[typing.Any] = DefaultGetter()
default_setter: Setter[typing.Any] = DefaultSetter()

_native.register_propagation("getter", DefaultGetter)
_native.register_propagation("setter", DefaultSetter)


class TextMapPropagator(abc.ABC):
    """Carries values of a context across process boundaries, in the headers of a request.

    A propagator never raises into the program: what cannot be read or written is left out.
    """

    @abc.abstractmethod
    def extract(
        self,
        carrier: CarrierT,
        context: Context | None = None,
        getter: Getter[CarrierT] = default_getter,
    ) -> Context:
        """Read values from a carrier.

        Args:
            carrier: What came with the request.
            context: What the values are added to.
            getter: How headers are read from such a carrier.

        Returns:
            A context with what the carrier holds; the given context where it holds nothing of use.
        """

    @abc.abstractmethod
    def inject(
        self,
        carrier: CarrierT,
        context: Context | None = None,
        setter: Setter[CarrierT] = default_setter,
    ) -> None:
        """Write values to a carrier.

        Args:
            carrier: What goes with the request.
            context: Where the values are; default: the current context.
            setter: How headers are written to such a carrier.
        """

    @property
    @abc.abstractmethod
    def fields(self) -> set[str]:
        """The names of the headers that `inject` may set.

        A carrier that is used again has to be cleared of them first.
        """
