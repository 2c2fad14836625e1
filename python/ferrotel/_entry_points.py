"""`importlib.metadata.EntryPoints` for Python 3.8 and 3.9."""

from __future__ import annotations

from typing import Any


class EntryPoints(tuple):  # type: ignore[type-arg]
    """An immutable collection of entry points that can be narrowed."""

    __slots__ = ()

    def __getitem__(self, name: Any) -> Any:
        """The first entry point called `name`, or, for an index or slice, what a tuple gives."""
        if not isinstance(name, str):
            return super().__getitem__(name)
        for entry_point in self:
            if entry_point.name == name:
                return entry_point
        raise KeyError(name)

    def select(self, **params: Any) -> EntryPoints:
        """Those whose attributes (`group`, `name`, `value`) equal all of `params`."""
        return EntryPoints(
            entry_point
            for entry_point in self
            if all(getattr(entry_point, attribute) == wanted for attribute, wanted in params.items())
        )

    @property
    def names(self) -> set[str]:
        """The names of all of them."""
        return {entry_point.name for entry_point in self}

    @property
    def groups(self) -> set[str]:
        """The groups of all of them."""
        return {entry_point.group for entry_point in self}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({super().__repr__()})"
