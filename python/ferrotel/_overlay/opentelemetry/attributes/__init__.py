"""Attributes as a bounded mapping that holds nothing but clean values."""

from __future__ import annotations

import _thread

from ferrotel._late import TYPE_CHECKING, MutableMapping
from opentelemetry.attributes._clean import _clean_attribute as _clean_attribute
from opentelemetry.attributes._clean import _clean_attribute_value as _clean_attribute_value
from opentelemetry.attributes._clean import _clean_items, _is_empty, _is_valid_key, _length, _logger, _text_of

if TYPE_CHECKING:
    from typing import Any, Iterator, Mapping

    from opentelemetry.util import types

__all__ = ["BoundedAttributes"]


class BoundedAttributes(MutableMapping[str, "types.AnyValue"]):
    """A mapping that cleans what is put into it and lets its oldest entry go when it is full.

    Args:
        maxlen: How many entries it holds; `None` for any number.
        attributes: Its first entries.
        immutable: Whether it refuses changes from then on, with a TypeError.
        max_value_len: To how many characters strings are cut; `None` for any number.
        extended_attributes: Without effect: nested values are always allowed.

    `dropped` counts the entries that were refused or let go. Values are converted, and messages logged, while no lock
    is held: both may run code that comes back here.
    """

    def __init__(
        self,
        maxlen: int | None = None,
        attributes: types.Attributes = None,
        immutable: bool = True,
        max_value_len: int | None = None,
        extended_attributes: bool = False,
    ) -> None:
        if maxlen is not None and maxlen < 0:
            raise ValueError("maxlen must be valid int greater or equal to 0")
        if max_value_len is not None and max_value_len < 0:
            raise ValueError("max_value_len must be valid int greater or equal to 0")
        self._dict: dict[str, types.AnyValue] = {}
        self.maxlen = maxlen
        self.max_value_len = max_value_len
        self.dropped = 0
        self._lock = _thread.RLock()
        self._immutable = False
        if attributes is not None and not _is_empty(attributes):
            self._set_items(attributes)
        self._immutable = immutable

    def __repr__(self) -> str:
        return repr(self.copy())

    def __getitem__(self, key: str) -> types.AnyValue:
        return self._dict[key]

    def __len__(self) -> int:
        return len(self._dict)

    def __iter__(self) -> Iterator[str]:
        if self._immutable:
            return iter(self._dict)
        with self._lock:
            return iter(list(self._dict))

    def __setitem__(self, key: str, value: types.AnyValue) -> None:
        self._raise_if_immutable()
        if self.maxlen == 0:
            self._drop(1)
        elif _is_valid_key(key):
            self._put_clean([(key, _clean_attribute_value(value, self.max_value_len))])
        else:
            _logger.warning("invalid key `%s`. must be non-empty string. Dropping key from attributes.", _text_of(key))
            self._drop(1)

    def __delitem__(self, key: str) -> None:
        self._raise_if_immutable()
        with self._lock:
            del self._dict[key]

    def __deepcopy__(self, memo: dict[int, Any]) -> BoundedAttributes:
        import copy

        made = BoundedAttributes(maxlen=self.maxlen, immutable=self._immutable, max_value_len=self.max_value_len)
        memo[id(self)] = made
        with self._lock:
            entries, dropped = dict(self._dict), self.dropped
        # Clean already, and not to be refused by a copy that is immutable.
        made._dict = copy.deepcopy(entries, memo)
        made.dropped = dropped
        return made

    def copy(self) -> MutableMapping[str, types.AnyValue]:
        """The entries in a plain dict."""
        return self._dict.copy()

    def _set_items(self, attributes: Mapping[str, types.AnyValue]) -> None:
        """Puts all of `attributes` in at once."""
        self._raise_if_immutable()
        if self.maxlen == 0:
            self._drop(_length(attributes))
            return
        entries, refused = _clean_items(attributes, self.max_value_len)
        self._drop(refused)
        self._put_clean(entries)

    def _raise_if_immutable(self) -> None:
        if self._immutable:
            raise TypeError("Cannot mutate immutable BoundedAttributes")

    def _drop(self, count: int) -> None:
        if count:
            with self._lock:
                self.dropped += count

    def _put_clean(self, entries: list[tuple[str, types.AnyValue]]) -> None:
        """Puts clean entries in."""
        with self._lock:
            before = self.dropped
            for key, value in entries:
                self._setitem_locked(key, value)
            evicted = self.dropped > before
        if evicted:
            _logger.warning(
                "Attributes dict is full. Dropping the oldest key-value pair from attributes to make space for the new "
                "key-value pair."
            )

    def _setitem_locked(self, key: str, value: types.AnyValue) -> None:
        """Makes `key` the newest entry. The caller holds the lock."""
        entries = self._dict
        entries.pop(key, None)
        if self.maxlen is not None and len(entries) >= self.maxlen:
            del entries[next(iter(entries))]
            self.dropped += 1
        entries[key] = value
