"""What may stand in an attribute, and what becomes of the rest.

Everything given here comes from the program that is observed: its objects may be of any type, be cyclic, and raise in
any of their methods. Nothing of that leaves this module, neither an exception nor an endless loop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ferrotel._late import TYPE_CHECKING, cast, getLogger

if TYPE_CHECKING:
    from typing import Any, Iterable

    from opentelemetry.util import types

_logger = getLogger("opentelemetry.attributes")

_MAX_DEPTH = 64
_NOWHERE: frozenset[int] = frozenset()


def _clean_attribute_value(value: types.AnyValue, max_string_value_length: int | None) -> types.AnyValue:
    """`value` if it is an attribute value, else what can be made of it.

    Strings are cut to `max_string_value_length` characters. Sequences become tuples and mappings dicts, cleaned all the
    way down. Anything else becomes its `str()`, or `None` where it has no text of its own.
    """
    return _cleaned(value, max_string_value_length, _NOWHERE)


def _clean_attribute(key: str, value: types.AnyValue, max_len: int | None) -> types.AnyValue:
    """As `_clean_attribute_value`; `None`, with a warning, for a key that is none."""
    if not _is_valid_key(key):
        _logger.warning("invalid key `%s`. must be non-empty string.", _text_of(key))
        return None
    return _clean_attribute_value(value, max_len)


def _clean_items(attributes: Any, max_string_value_length: int | None) -> tuple[list[tuple[str, types.AnyValue]], int]:
    """The clean entries of `attributes`, and how many could not be kept."""
    if not _is_mapping(attributes):
        _logger.warning("Attributes must be a mapping, got `%s`: they are dropped.", type(attributes))
        return [], _length(attributes)
    entries = _cleaned_entries(attributes, max_string_value_length, _NOWHERE)
    return list(entries.items()), max(_length(attributes) - len(entries), 0)


def _is_mapping(attributes: object) -> bool:
    try:
        return isinstance(attributes, Mapping)
    except Exception:  # a lazy object whose __class__ raises, such as Flask's request outside of one
        return False


def _is_valid_key(key: object) -> bool:
    return issubclass(type(key), str) and key != ""


def _is_empty(attributes: object) -> bool:
    try:
        return not attributes
    except Exception:
        return False


def _cleaned(value: Any, limit: int | None, path: frozenset[int]) -> types.AnyValue:
    # `path` has the ids of the containers that `value` is in.
    try:
        if value is None or isinstance(value, (bool, int, float, bytes)):
            scalar: types.AnyValue = value
            return scalar
        if isinstance(value, str):
            return _cut(value, limit)
        is_mapping = isinstance(value, Mapping)
        if is_mapping or isinstance(value, Sequence):
            if id(value) in path or len(path) >= _MAX_DEPTH:
                _logger.warning(
                    "Attribute value contains itself or is nested deeper than %s levels, cutting it there.", _MAX_DEPTH
                )
                return None
            path |= {id(value)}
            if is_mapping:
                return _cleaned_entries(value, limit, path)
            return tuple(_cleaned(item, limit, path) for item in value)
    except Exception:
        _logger.warning("Attribute value of type `%s` cannot be read, using its text.", type(value), exc_info=True)
    else:
        _logger.warning(
            "Invalid type `%s` for attribute value. Expected one of bool, str, None, bytes, int, float or a "
            "Mapping or Sequence of those types. Value's __str__ method will be called if it exists, otherwise the "
            "value will be replaced with None.",
            type(value),
        )
    text = _text_of(value)
    return None if text is None else _cut(text, limit)


def _cleaned_entries(mapping: Mapping[Any, Any], limit: int | None, path: frozenset[int]) -> dict[str, Any]:
    entries: dict[str, Any] = {}
    for key, value in _pairs(mapping):
        name = _cleaned_key(key)
        if name is not None:
            entries[name] = _cleaned(value, limit, path)
    return entries


def _pairs(mapping: Mapping[Any, Any]) -> Iterable[tuple[Any, Any]]:
    """The items, as many as can be read."""
    try:
        # A copy of a dict, because converting its values may run code that changes it.
        yield from list(mapping.items()) if isinstance(mapping, dict) else mapping.items()
    except Exception:
        _logger.warning("Mapping of type `%s` cannot be read to its end.", type(mapping), exc_info=True)


def _cleaned_key(key: Any) -> str | None:
    if issubclass(type(key), str):
        if key != "":
            return cast("str", key)
        _logger.warning("invalid attribute key `%s`. must be non-empty string. Dropping key from attributes.", key)
        return None
    text = None if key is None else _text_of(key)
    _logger.warning(
        "Invalid type `%s` for attribute key `%s`, must be a str. Key's `__str__/__repr__` method will be called if it "
        "exists, otherwise the key/value pair will be dropped.",
        type(key),
        text,
    )
    return text or None


def _text_of(value: object) -> str | None:
    """`str(value)`, unless that is object's own, which tells nobody anything."""
    kind = type(value)
    if kind.__str__ is object.__str__ and kind.__repr__ is object.__repr__:
        return None
    try:
        return str(value)
    except Exception:
        _logger.warning("The text of a value of type `%s` cannot be had: its __str__ raises.", kind, exc_info=True)
        return None


def _cut(text: str, limit: int | None) -> str:
    if limit is None or len(text) <= limit:
        return text
    _logger.warning("String attribute value exceeds max length of %d, truncating.", limit)
    return text[:limit]


def _length(container: object) -> int:
    try:
        return len(container)  # type: ignore[arg-type]
    except Exception:
        return 0
