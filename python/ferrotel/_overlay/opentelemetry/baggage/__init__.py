"""Baggage: name/value pairs that travel with a request (specification: Baggage API).

The pairs are kept in a context; the functions below take one, or use the current one, and those that change baggage
return a new context.
"""

from __future__ import annotations

from logging import getLogger
from re import compile
from types import MappingProxyType
from typing import Mapping

from opentelemetry.context import create_key, get_value, set_value
from opentelemetry.context.context import Context
from opentelemetry.util.re import _BAGGAGE_PROPERTY_FORMAT, _KEY_FORMAT, _VALUE_FORMAT

_BAGGAGE_KEY = create_key("baggage")
_logger = getLogger(__name__)

_KEY_PATTERN = compile(_KEY_FORMAT)
_VALUE_PATTERN = compile(_VALUE_FORMAT)
_PROPERT_PATTERN = compile(_BAGGAGE_PROPERTY_FORMAT)


def get_all(context: Context | None = None) -> Mapping[str, object]:
    """Return the pairs of the context's baggage, as a mapping that cannot be changed."""
    return MappingProxyType(_get_baggage_value(context))


def get_baggage(name: str, context: Context | None = None) -> object | None:
    """Return the value of a name, or None where the baggage has no such name."""
    return _get_baggage_value(context).get(name)


def set_baggage(name: str, value: object, context: Context | None = None) -> Context:
    """Return a context in whose baggage the name has the value.

    Args:
        name: The name.
        value: The value; propagators write its `str()`.
        context: Where the baggage is; default: the current context.
    """
    return _with_entries({name: value}, context)


def remove_baggage(name: str, context: Context | None = None) -> Context:
    """Return a context whose baggage is without the name."""
    entries = dict(_get_baggage_value(context))
    entries.pop(name, None)
    return set_value(_BAGGAGE_KEY, entries, context)


def clear(context: Context | None = None) -> Context:
    """Return a context whose baggage is empty."""
    return set_value(_BAGGAGE_KEY, {}, context)


def _with_entries(entries: Mapping[str, object], context: Context | None) -> Context:
    return set_value(_BAGGAGE_KEY, {**_get_baggage_value(context), **entries}, context)


def _get_baggage_value(context: Context | None = None) -> dict[str, object]:
    entries = get_value(_BAGGAGE_KEY, context)
    return entries if isinstance(entries, dict) else {}


def _is_valid_key(name: str) -> bool:
    return _KEY_PATTERN.fullmatch(str(name)) is not None


def _is_valid_value(value: object) -> bool:
    first, *properties = str(value).split(";")
    return _VALUE_PATTERN.fullmatch(first.rstrip(" \t")) is not None and all(
        _PROPERT_PATTERN.fullmatch(text) is not None for text in properties
    )


def _is_valid_pair(key: str, value: str) -> bool:
    return _is_valid_key(key) and _is_valid_value(value)
