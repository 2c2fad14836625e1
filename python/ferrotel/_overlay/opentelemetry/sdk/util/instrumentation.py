"""Who made the telemetry: the instrumentation scope (specification: Common, "Instrumentation Scope")."""

from __future__ import annotations

from ferrotel._compat import deprecated
from ferrotel._late import TYPE_CHECKING, late_types
from opentelemetry.attributes import BoundedAttributes

if TYPE_CHECKING:
    from typing import Callable

    from opentelemetry.util.types import AnyValue as AnyValue
    from opentelemetry.util.types import Attributes


class InstrumentationInfo:
    """Name, version and schema URL of an instrumentation library: what a scope was before it had attributes."""

    __slots__ = ("_name", "_version", "_schema_url")

    @deprecated("You should use InstrumentationScope. Deprecated since version 1.11.1.")
    def __init__(self, name: str, version: str | None = None, schema_url: str | None = None) -> None:
        self._name = name
        self._version = version
        self._schema_url = "" if schema_url is None else schema_url

    def _identity(self) -> tuple[str, str | None, str]:
        return self._name, self._version, self._schema_url

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._name}, {self._version}, {self._schema_url})"

    def __hash__(self) -> int:
        return hash(self._identity())

    def __eq__(self, value: object) -> bool:
        return isinstance(value, InstrumentationInfo) and type(value) is type(self) and _same(self, value)

    def __lt__(self, value: object) -> bool:
        if not isinstance(value, InstrumentationInfo) or type(value) is not type(self):
            return NotImplemented
        return _sort_key(self._identity()) < _sort_key(value._identity())

    @property
    def schema_url(self) -> str | None:
        return self._schema_url

    @property
    def version(self) -> str | None:
        return self._version

    @property
    def name(self) -> str:
        return self._name


class InstrumentationScope:
    """The unit of the program (as a rule a library or a module) that telemetry comes from.

    Two scopes are equal when name, version, schema URL and attributes are. Attributes can't be changed afterwards.
    """

    __slots__ = ("_name", "_version", "_schema_url", "_attributes")

    def __init__(
        self,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> None:
        self._name = name
        self._version = version
        self._schema_url = "" if schema_url is None else schema_url
        self._attributes = BoundedAttributes(attributes=attributes, immutable=True)

    def _identity(self) -> tuple[str, str | None, str]:
        return self._name, self._version, self._schema_url

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._name}, {self._version}, {self._schema_url}, {self._attributes})"

    def __hash__(self) -> int:
        # Without the attributes: their values need not be hashable, and equal scopes still hash equally.
        return hash(self._identity())

    def __eq__(self, value: object) -> bool:
        if not isinstance(value, InstrumentationScope):
            return NotImplemented
        return self._identity() == value._identity() and self._attributes == value._attributes

    def __lt__(self, value: object) -> bool:
        if not isinstance(value, InstrumentationScope):
            return NotImplemented
        mine, theirs = _sort_key(self._identity()), _sort_key(value._identity())
        if mine != theirs:
            return mine < theirs
        return _attributes_key(self) < _attributes_key(value)

    @property
    def schema_url(self) -> str | None:
        return self._schema_url

    @property
    def version(self) -> str | None:
        return self._version

    @property
    def name(self) -> str:
        return self._name

    @property
    def attributes(self) -> Attributes:
        return self._attributes

    def to_json(self, indent: int | None = 4) -> str:
        """The scope as a JSON object; empty attributes are `null`, bytes are hexadecimal text."""
        import json

        return json.dumps(
            {
                "name": self._name,
                "version": self._version,
                "schema_url": self._schema_url,
                "attributes": dict(self._attributes) if self._attributes else None,
            },
            indent=indent,
            default=_not_in_json,
        )


if TYPE_CHECKING:
    _InstrumentationScopePredicateT = Callable[[InstrumentationScope], bool]
else:
    __getattr__ = late_types(
        __name__,
        AnyValue="AnyValue",
        Attributes="Attributes",
        _InstrumentationScopePredicateT="Callable[[InstrumentationScope], bool]",
    )


def _scope_name_matches_glob(glob_pattern: str) -> _InstrumentationScopePredicateT:
    """A predicate: does the scope's name match the pattern (`*`, `?`, `[...]`; case counts on every platform)?"""
    from fnmatch import fnmatchcase

    return lambda scope: fnmatchcase(scope.name, glob_pattern)


def _same(one: InstrumentationInfo, other: InstrumentationInfo) -> bool:
    return one._identity() == other._identity()


def _sort_key(identity: tuple[str, str | None, str]) -> tuple[str, str, str]:
    # A missing version sorts first; None itself has no order.
    name, version, schema_url = identity
    return name, version or "", schema_url


def _attributes_key(scope: InstrumentationScope) -> list[tuple[str, str]]:
    return sorted((key, repr(value)) for key, value in scope._attributes.items())


def _not_in_json(value: object) -> str:
    return value.hex() if isinstance(value, (bytes, bytearray)) else str(value)
