"""A thing that is done one time."""

from __future__ import annotations

import _thread

from ferrotel._late import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Callable


class Once:
    """Lets one call through, however many threads try; the others wait until it has returned.

    Tests that have to start afresh put a new `Once` in place, or reset `_done`.
    """

    def __init__(self) -> None:
        self._lock = _thread.RLock()
        self._done = False

    def do_once(self, func: Callable[[], None]) -> bool:
        """Calls `func` unless an earlier call has succeeded; says whether it did. One that raises may be retried."""
        if self._done:
            return False
        with self._lock:
            return self._call_unless_done(func)

    def _call_unless_done(self, func: Callable[[], None]) -> bool:
        # Another thread may have been first while this one waited for the lock.
        if self._done:
            return False
        func()
        self._done = True
        return True
