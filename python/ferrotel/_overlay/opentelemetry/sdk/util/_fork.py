"""Who has to be told of a fork, by whomever it was made.

``os.register_at_fork`` keeps what it gets for ever, so a program that makes and drops providers would grow. One hook
serves them all, and remembers them weakly.

uWSGI forks its workers itself and does not run what is registered there, unless it is told to with
``--py-call-osafterfork``. It has a hook of its own.
"""

from __future__ import annotations

import os
import sys
from _weakref import ref

from ferrotel._late import TYPE_CHECKING, getLogger

if TYPE_CHECKING:
    from typing import Any, Callable

_logger = getLogger(__name__)
# A plain reference and the function: a WeakMethod complains when it dies before its object at the interpreter's end.
_methods: dict[int, tuple[ref[Any], Callable[[Any], Any]]] = {}
# The process that is ready.
_ready = os.getpid()


def call_after_fork(method: Callable[[], Any]) -> None:
    """Calls a bound method in every forked child, for as long as its object lives. What it raises is logged."""
    methods = _methods
    owner = method.__self__  # type: ignore[attr-defined]
    reference = ref(owner, lambda gone: methods.pop(id(gone), None))
    methods[id(reference)] = reference, method.__func__  # type: ignore[attr-defined]
    _hook_uwsgi()


def _hook_uwsgi() -> None:
    uwsgi: Any = sys.modules.get("uwsgi")
    if uwsgi is None:
        return
    before = getattr(uwsgi, "post_fork_hook", None)
    if getattr(before, "__module__", None) == __name__:
        return

    def after_fork() -> None:
        # With ``--py-call-osafterfork`` it is ready already.
        if _ready != os.getpid():
            _after_in_child()
        if before is not None:
            before()

    uwsgi.post_fork_hook = after_fork


def _after_in_child() -> None:
    global _ready
    _ready = os.getpid()
    for reference, function in list(_methods.values()):
        owner = reference()
        if owner is not None:
            try:
                function(owner)
            except Exception:
                _logger.exception("Exception while making a forked process ready")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_in_child)
