"""The labeler, and which one is current."""

from __future__ import annotations

import logging
import threading
from types import MappingProxyType
from typing import Any, Mapping

from opentelemetry.context import attach, create_key, get_value, set_value

LABELER_CONTEXT_KEY = create_key("otel_labeler")

_logger = logging.getLogger(__name__)


class Labeler:
    """Attributes for the metrics of one request, usable from several threads.

    Takes `max_custom_attrs` attributes (default 20): further keys are ignored, keys that are there can be set anew.
    Text is cut to `max_attr_value_length` characters (default 100).
    """

    def __init__(self, max_custom_attrs: int = 20, max_attr_value_length: int = 100) -> None:
        self._lock = threading.RLock()
        self._attributes: dict[str, str | int | float | bool] = {}
        self._max_custom_attrs = max_custom_attrs
        self._max_attr_value_length = max_attr_value_length

    def add(self, key: str, value: Any) -> None:
        """Sets one attribute: text, a number or a bool. Says so in the log when it is anything else, and ignores it."""
        self.add_attributes({key: value})

    def add_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Sets several attributes, each as `add` does."""
        for key, value in attributes.items():
            if not isinstance(value, (str, int, float, bool)):
                _logger.warning(
                    "Skipping attribute '%s': value must be str, int, float, or bool, got %s",
                    key,
                    type(value).__name__,
                )
                continue
            if isinstance(value, str):
                value = value[: self._max_attr_value_length]
            with self._lock:
                if key in self._attributes or len(self._attributes) < self._max_custom_attrs:
                    self._attributes[key] = value

    def get_attributes(self) -> Mapping[str, str | int | float | bool]:
        """A view of the attributes that cannot be written to."""
        return MappingProxyType(self._attributes)

    def clear(self) -> None:
        with self._lock:
            self._attributes.clear()

    def __len__(self) -> int:
        return len(self._attributes)


def get_labeler() -> Labeler:
    """The labeler of the current context. Makes one and attaches it when there is none."""
    labeler = _current()
    if labeler is None:
        labeler = Labeler()
        _attach(labeler)
    return labeler


def set_labeler(labeler: Any) -> None:
    """Makes a labeler the current one."""
    if not isinstance(labeler, Labeler):
        _logger.warning("Skipping set_labeler: value must be Labeler, got %s", type(labeler).__name__)
        return
    _attach(labeler)


def clear_labeler() -> None:
    """There is no current labeler any more. For tests, and for whoever handles contexts by hand."""
    _attach(None)


def get_labeler_attributes() -> Mapping[str, str | int | float | bool]:
    """The attributes of the current labeler; none when there is no labeler."""
    labeler = _current()
    return MappingProxyType({}) if labeler is None else labeler.get_attributes()


def enrich_metric_attributes(base_attributes: dict[str, Any], enrich_enabled: bool = True) -> dict[str, Any]:
    """A copy of an instrumentation's own attributes with those of the current labeler, which never replace one of its
    own."""
    enriched = dict(base_attributes)
    labeler = _current() if enrich_enabled else None
    if labeler is not None:
        for key, value in dict(labeler.get_attributes()).items():
            enriched.setdefault(key, value)
    return enriched


def _current() -> Labeler | None:
    # A context implementation of someone else's must not cost a request its answer.
    try:
        labeler = get_value(LABELER_CONTEXT_KEY)
    except Exception:
        _logger.debug("The labeler cannot be read from the context", exc_info=True)
        return None
    return labeler if isinstance(labeler, Labeler) else None


def _attach(labeler: Labeler | None) -> None:
    try:
        attach(set_value(LABELER_CONTEXT_KEY, labeler))
    except Exception:
        _logger.debug("The labeler cannot be put into the context", exc_info=True)
