"""Who has to be told of a fork.

``os.register_at_fork`` keeps what it gets for ever, so a program that makes and drops providers would grow. One hook
serves them all, and remembers them weakly.
"""

from __future__ import annotations

import logging
import os
import weakref
from typing import Any, Callable

_logger = logging.getLogger(__name__)
_methods: dict[int, weakref.WeakMethod[Callable[[], Any]]] = {}


def call_after_fork(method: Callable[[], Any]) -> None:
    """Calls a bound method in every forked child, for as long as its object lives. What it raises is logged."""
    reference = weakref.WeakMethod(method, lambda gone: _methods.pop(id(gone), None))
    _methods[id(reference)] = reference


def _after_in_child() -> None:
    for reference in list(_methods.values()):
        method = reference()
        if method is not None:
            try:
                method()
            except Exception:
                _logger.exception("Exception while making a forked process ready")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_in_child)
