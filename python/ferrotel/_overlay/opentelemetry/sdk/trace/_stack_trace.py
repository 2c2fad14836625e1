"""The text of an exception with its stack trace, as `traceback.format_exception` writes it, at a fraction of its cost.

The native code puts it together from the texts of frames that were met before; what it needs from here is the text of a
frame that was not, and whether everything is as it usually is. Whatever is out of the ordinary is left to `traceback`.
"""

from __future__ import annotations

import linecache
import traceback
from types import CodeType

from ferrotel._late import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

from ferrotel._native import usual_stack_trace


def _functions() -> tuple[Any, ...]:
    """What `traceback.format_exception` is made of, and what somebody may have replaced."""
    kind, stack = traceback.TracebackException, traceback.StackSummary
    return (
        traceback.format_exception,
        traceback.format_tb,
        kind.__init__,
        kind.format,
        kind.format_exception_only,
        stack.extract,
        stack.format,
        linecache.checkcache,
        linecache.getline,
        linecache.getlines,
        linecache.updatecache,
    )


# Functions of other modules were replaced before this one was imported.
_USUAL = _functions() if all(f.__module__ in ("traceback", "linecache") for f in _functions()) else None


def _is_usual() -> bool:
    """Whether nobody replaced one of them. The native code asks when a namespace or class has changed."""
    return _functions() == _USUAL


def format_exception(exception: BaseException) -> str:
    """The text of an exception, of those that led to it, and of their stack traces.

    Raises: what the exception's own methods raise into `traceback`.
    """
    text = usual_stack_trace(exception)
    if text is not None:
        return text
    return "".join(traceback.format_exception(type(exception), exception, exception.__traceback__))


def _keep(code: CodeType, entry: Any) -> tuple[Any, str] | None:
    """What `linecache` has of the frame's file, and the frame's text; None where there is nothing to be kept."""
    texts = traceback.format_tb(entry, limit=1)
    source = linecache.cache.get(code.co_filename)
    # Without the source there may be some next time, for example when it is written by then.
    if len(texts) != 1 or source is None or len(source) != 4:
        return None
    return source, texts[0]
