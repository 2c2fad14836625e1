"""Containers with a bound, and two small conversions, for exporters and processors."""

from __future__ import annotations

import _thread
from collections import deque

from ferrotel._compat import deprecated
from ferrotel._late import TYPE_CHECKING, MutableMapping, Sequence, TypeVar

if TYPE_CHECKING:
    from typing import Any, Iterable, Iterator, Mapping, overload

    from opentelemetry.util.types import AnyValue, AttributesAsKey

    _List = TypeVar("_List", bound="BoundedList[Any]")

_T = TypeVar("_T")
_KT = TypeVar("_KT")
_VT = TypeVar("_VT")


def ns_to_iso_str(nanoseconds: int) -> str:
    """Nanoseconds since 1970 as ISO 8601 in UTC with six decimals, such as "2024-01-31T12:00:00.000001Z"."""
    import datetime

    moment = datetime.datetime.fromtimestamp(nanoseconds / 1e9, tz=datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def get_dict_as_key(labels: Mapping[str, AnyValue]) -> AttributesAsKey:
    """The attributes as a sorted tuple of pairs, so that equal attributes are one key; a list counts as a tuple."""
    pairs: list[tuple[str, Any]] = [
        (key, tuple(value) if isinstance(value, list) else value) for key, value in labels.items()
    ]
    return tuple(sorted(pairs))


class BoundedList(Sequence[_T]):
    """A list that only grows at its end and keeps at most `maxlen` items: the oldest make room for new ones.

    `dropped` counts what was lost. `maxlen=None` means no bound. Safe to use from several threads.
    """

    def __init__(self, maxlen: int | None) -> None:
        self.dropped = 0
        self._dq: deque[_T] = deque(maxlen=maxlen)
        self._lock = _thread.RLock()

    def __deepcopy__(self: _List, memo: dict[int, Any]) -> _List:
        import copy

        twin = type(self).__new__(type(self))
        memo[id(self)] = twin
        with self._lock:
            twin.dropped = self.dropped
            twin._dq = copy.deepcopy(self._dq, memo)
        twin._lock = _thread.RLock()
        return twin

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list(self._dq)}, maxlen={self._dq.maxlen})"

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, index: int) -> _T: ...

        @overload
        def __getitem__(self, index: slice) -> Sequence[_T]: ...

    def __getitem__(self, index: int | slice) -> _T | Sequence[_T]:
        if isinstance(index, slice):
            return list(self)[index]
        return self._dq[index]

    def __len__(self) -> int:
        return len(self._dq)

    def __iter__(self) -> Iterator[_T]:
        # Over a copy: another thread may append while the caller loops.
        with self._lock:
            return iter(list(self._dq))

    def append(self, item: _T) -> None:
        self.extend((item,))

    def extend(self, seq: Iterable[_T]) -> None:
        items = tuple(seq)
        with self._lock:
            if self._dq.maxlen is not None:
                self.dropped += max(0, len(self._dq) + len(items) - self._dq.maxlen)
            self._dq.extend(items)

    @classmethod
    def from_seq(cls, maxlen: int | None, seq: Iterable[_T]) -> BoundedList[_T]:
        """A list of the last `maxlen` of these items."""
        bounded: BoundedList[_T] = cls(maxlen)
        bounded.extend(seq)
        return bounded


@deprecated("Deprecated since version 1.4.0.")
class BoundedDict(MutableMapping[_KT, _VT]):
    """A dict that keeps at most `maxlen` keys: the one set longest ago makes room for a new one.

    `dropped` counts what was lost. `maxlen=None` means no bound.
    """

    def __init__(self, maxlen: int | None) -> None:
        if maxlen is not None and (not isinstance(maxlen, int) or maxlen < 0):
            raise ValueError
        self.maxlen = maxlen
        self.dropped = 0
        self._dict: dict[_KT, _VT] = {}
        self._lock = _thread.RLock()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({dict(self._dict)}, maxlen={self.maxlen})"

    def __getitem__(self, key: _KT) -> _VT:
        return self._dict[key]

    def __setitem__(self, key: _KT, value: _VT) -> None:
        with self._lock:
            if self.maxlen == 0:
                self.dropped += 1
                return
            if key in self._dict:
                # Setting a key again makes it the newest.
                del self._dict[key]
            elif self.maxlen is not None and len(self._dict) >= self.maxlen:
                del self._dict[next(iter(self._dict))]
                self.dropped += 1
            self._dict[key] = value

    def __delitem__(self, key: _KT) -> None:
        del self._dict[key]

    def __iter__(self) -> Iterator[_KT]:
        with self._lock:
            return iter(list(self._dict))

    def __len__(self) -> int:
        return len(self._dict)

    @classmethod
    def from_map(cls, maxlen: int | None, mapping: Mapping[_KT, _VT]) -> BoundedDict[_KT, _VT]:
        """A dict of the last `maxlen` of these items."""
        bounded: BoundedDict[_KT, _VT] = cls(maxlen)
        for key, value in mapping.items():
            bounded[key] = value
        return bounded
