"""A span's attributes as Python sees them: a live view of what the native span holds."""

from __future__ import annotations

from ferrotel._late import TYPE_CHECKING
from opentelemetry.attributes import BoundedAttributes

if TYPE_CHECKING:
    from typing import Any, Iterator, Mapping, MutableMapping

    from ferrotel._native import AttributeStore


class _SpanAttributes(BoundedAttributes):
    """Reads and writes the native attributes in place; immutable once the span has ended, unless somebody says
    otherwise through ``_immutable``."""

    def __init__(self, store: AttributeStore) -> None:
        self._store = store
        self.maxlen = store.maxlen
        self.max_value_len = store.max_value_len

    @property
    def _dict(self) -> dict[str, Any]:  # type: ignore[override]
        return self._store.to_dict()

    @property
    def _immutable(self) -> bool:
        return bool(self.__dict__.get("_frozen", self._store.ended))

    @_immutable.setter
    def _immutable(self, value: bool) -> None:
        self.__dict__["_frozen"] = value

    @property
    def dropped(self) -> int:
        return self._store.dropped

    @dropped.setter
    def dropped(self, value: int) -> None:
        self._store.dropped = value

    def _raise_if_immutable(self) -> None:
        if self._immutable:
            raise TypeError("the attributes of an ended span are immutable")

    def __repr__(self) -> str:
        return repr(self._dict)

    def __getitem__(self, key: str) -> Any:
        return self._store.get(key)

    def __setitem__(self, key: str, value: Any) -> None:
        self._raise_if_immutable()
        self._store.update({key: value})

    def _set_items(self, attributes: Mapping[str, Any]) -> None:
        self._raise_if_immutable()
        self._store.update(attributes)

    def __delitem__(self, key: str) -> None:
        self._raise_if_immutable()
        self._store.remove(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._dict)

    def __len__(self) -> int:
        return len(self._store)

    def __deepcopy__(self, memo: dict[int, Any]) -> BoundedAttributes:
        copied = BoundedAttributes(self.maxlen, self._dict, self._immutable, self.max_value_len)
        copied.dropped = self.dropped
        memo[id(self)] = copied
        return copied

    def copy(self) -> MutableMapping[str, Any]:
        return self._dict
