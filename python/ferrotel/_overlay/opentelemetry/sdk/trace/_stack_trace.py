"""The text of an exception with its stack trace, as `traceback.format_exception` writes it, at a fraction of its cost.

What takes the time there is the text of a frame: its source line, and from 3.11 on the marks under it. It depends on
the code, the instruction, the line and the source alone, so it is kept. Whether the source file has changed is asked
of `linecache` each time, as `traceback` does. Whatever is out of the ordinary is left to `traceback`.
"""

from __future__ import annotations

import linecache
import sys
import traceback
from types import CodeType

from ferrotel._late import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

# Frames whose text is kept. A program has few places at which it raises; all are forgotten when there are more.
_KEPT = 2048
# More equal frames in a row than this are folded.
_REPEATED = 3

_HEADER = "Traceback (most recent call last):\n"


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

# Their texts say more than type and message: notes and groups are recognised by themselves.
_UNUSUAL: tuple[type[BaseException], ...] = (SyntaxError, ImportError, NameError, AttributeError)
if sys.version_info >= (3, 11):
    _UNUSUAL = (*_UNUSUAL, BaseExceptionGroup)  # noqa: F821

_frames: dict[tuple[int, int, int], tuple[CodeType, Any, str]] = {}


def format_exception(exception: BaseException) -> str:
    """The text of an exception, of those that led to it, and of their stack traces.

    Raises: what the exception's own methods raise into `traceback`.
    """
    if _functions() == _USUAL and not hasattr(sys, "tracebacklimit"):
        try:
            text = _chain(exception)
        except Exception:
            # An exception with attributes of its own kind: traceback knows, or raises as it does.
            text = None
        if text is not None:
            return text
    return "".join(traceback.format_exception(type(exception), exception, exception.__traceback__))


def _chain(exception: BaseException) -> str | None:
    text = _one(exception)
    seen = {id(exception)}
    while text is not None:
        if exception.__cause__ is not None:
            exception, between = exception.__cause__, traceback._cause_message  # type: ignore[attr-defined]
        elif exception.__context__ is not None and not exception.__suppress_context__:
            exception, between = exception.__context__, traceback._context_message  # type: ignore[attr-defined]
        else:
            return text
        if id(exception) in seen:
            return None
        seen.add(id(exception))
        before = _one(exception)
        if before is None:
            return None
        text = before + between + text
    return None


def _one(exception: BaseException) -> str | None:
    """One exception without the others; None where it is not an ordinary one."""
    entry = exception.__traceback__
    kind = type(exception)
    if entry is None or issubclass(kind, _UNUSUAL) or getattr(exception, "__notes__", None) is not None:
        return None
    text = _HEADER
    checked = None
    last, repeated = None, 0
    while entry is not None:
        code = entry.tb_frame.f_code
        filename = code.co_filename
        if filename != checked:
            linecache.checkcache(filename)
            checked = filename
        key = (id(code), entry.tb_lasti, entry.tb_lineno)
        kept = _frames.get(key)
        if kept is None or kept[0] is not code or kept[1] is not linecache.cache.get(filename):
            kept = _keep(key, code, entry)
            if kept is None:
                return None
        place = (filename, entry.tb_lineno, code.co_name)
        repeated = repeated + 1 if place == last else 1
        last = place
        if repeated > _REPEATED:
            return None
        text += kept[2]
        entry = entry.tb_next
    module = kind.__module__
    if type(module) is not str:
        return None
    name = kind.__qualname__ if module in ("__main__", "builtins") else f"{module}.{kind.__qualname__}"
    try:
        message = str(exception)
    except Exception:
        return None
    return f"{text}{name}: {message}\n" if message else f"{text}{name}\n"


def _keep(key: tuple[int, int, int], code: CodeType, entry: Any) -> tuple[CodeType, Any, str] | None:
    texts = traceback.format_tb(entry, limit=1)
    source = linecache.cache.get(code.co_filename)
    # Without the source there may be some next time, for example when it is written by then.
    if len(texts) != 1 or source is None or len(source) != 4:
        return None
    if len(_frames) >= _KEPT:
        _frames.clear()
    # The code is kept so that no other gets its id.
    kept = _frames[key] = (code, source, texts[0])
    return kept
