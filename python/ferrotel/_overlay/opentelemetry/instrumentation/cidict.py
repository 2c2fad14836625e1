"""A mapping whose text keys are found in any case, such as HTTP headers."""

from __future__ import annotations

from typing import Any, Iterable, Iterator, Mapping, MutableMapping, TypeVar

KT = TypeVar("KT")
VT = TypeVar("VT")


class CIDict(MutableMapping[KT, VT]):
    """Compares keys that are text without regard to case, and keeps each as it was last set."""

    def __init__(self, data: Mapping[KT, VT] | Iterable[tuple[KT, VT]] | None = None) -> None:
        # By key in lower case: the key as it was set, and the value.
        self._data: dict[Any, tuple[KT, VT]] = {}
        self.update(data or {})

    @staticmethod
    def _normalize_key(key: Any) -> Any:
        return key.lower() if isinstance(key, str) else key

    def _get_entry(self, key: KT) -> tuple[KT, VT]:
        try:
            return self._data[self._normalize_key(key)]
        except KeyError:
            raise KeyError(repr(key)) from None

    def original_key(self, key: KT) -> KT:
        """The key as it was set. Raises KeyError when there is none."""
        return self._get_entry(key)[0]

    def normalized_items(self) -> Iterable[tuple[KT, VT]]:
        """The items with their keys in lower case."""
        return ((key, value) for key, (_, value) in self._data.items())

    def __setitem__(self, key: KT, value: VT, /) -> None:
        self._data[self._normalize_key(key)] = (key, value)

    def __delitem__(self, key: KT, /) -> None:
        self._get_entry(key)
        del self._data[self._normalize_key(key)]

    def __getitem__(self, key: KT, /) -> VT:
        return self._get_entry(key)[1]

    def __len__(self) -> int:
        return len(self._data)

    def __iter__(self) -> Iterator[KT]:
        return (key for key, _ in self._data.values())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({dict(self.items())!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mapping):
            return False
        theirs = other if isinstance(other, CIDict) else CIDict(other)
        return dict(self.normalized_items()) == dict(theirs.normalized_items())
