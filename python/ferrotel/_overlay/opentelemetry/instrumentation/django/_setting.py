"""The setting `MIDDLEWARE`: our entries are put into it, and taken out again."""

from __future__ import annotations

import functools
import threading
from logging import getLogger
from typing import Any, Callable

from django import conf

_logger = getLogger(__name__)

# What gives a program's settings their values.
_SET_UP_BY = ("_setup", "configure")


class _MiddlewareSetting:
    """Entries that stand in `MIDDLEWARE` from `add` to `remove`.

    Settings that nobody has needed yet are not loaded for it: under `opentelemetry-instrument` the program has not
    begun to run, and may still say which settings it has. They get the entries when they are there.
    """

    def __init__(self, entries: list[str], position: Callable[[int], int]) -> None:
        """`position` says where they go in a list of a length."""
        self._entries = entries
        self._position = position
        self._lock = threading.RLock()
        # Settings, what they held, and the list that they hold now.
        self._changed: list[tuple[Any, Any, list[str]]] = []
        self._originals: dict[str, Any] = {}
        self._replaced: dict[str, Any] = {}
        self._removed = False

    def add(self) -> None:
        """Puts the entries into the settings, now or as soon as there are any."""
        if conf.settings.configured:
            self._insert(conf.settings)
            return
        _logger.debug("Django has no settings yet: the middleware is added to them when it has")
        for name in _SET_UP_BY:
            self._originals[name] = original = getattr(conf.LazySettings, name)
            self._replaced[name] = replaced = self._wait(original)
            setattr(conf.LazySettings, name, replaced)

    def remove(self) -> None:
        """Restores the settings."""
        self._removed = True
        for name, original in self._originals.items():
            if getattr(conf.LazySettings, name) is self._replaced[name]:
                setattr(conf.LazySettings, name, original)
        for settings, before, changed in self._changed:
            held = getattr(settings, "MIDDLEWARE", None)
            for middlewares in (changed, held):
                for entry in self._entries:
                    if isinstance(middlewares, list) and entry in middlewares:
                        middlewares.remove(entry)
            if held is changed and not isinstance(before, list) and changed == list(before or ()):
                settings.MIDDLEWARE = before
        self._changed.clear()

    def _wait(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def set_up(settings: Any, *args: Any, **kwargs: Any) -> Any:
            result = original(settings, *args, **kwargs)
            if not self._removed:
                try:
                    self._insert(settings)
                except Exception:
                    _logger.exception("The middleware could not be added to Django's settings")
            return result

        return set_up

    def _insert(self, settings: Any) -> None:
        with self._lock:
            held = getattr(settings, "MIDDLEWARE", None)
            # In place: a settings module keeps its list.
            changed = held if isinstance(held, list) else list(held or ())
            if self._entries[0] in changed:
                # Of this very list, which another thread or a settings module that reads settings has come to first; or
                # written there by the program.
                return
            position = self._position(len(changed))
            changed[position:position] = self._entries
            settings.MIDDLEWARE = changed
            self._changed.append((settings, held, changed))
