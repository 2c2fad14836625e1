"""Which of Django's handlers are asynchronous. Releases before 3.1 have none."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any


def _is_async(function: Any) -> bool:
    """Is it an `async def`, or marked as what acts like one?"""
    if inspect.iscoroutinefunction(function):
        return True
    mark = getattr(asyncio.coroutines, "_is_coroutine", None)
    return mark is not None and getattr(function, "_is_coroutine", None) is mark


def _mark(middleware: Any, get_response: Any) -> bool:
    """Has a middleware in front of an asynchronous handler taken for asynchronous too. Is it?"""
    if not _is_async(get_response):
        return False
    # What `asgiref` looks for: Python's own mark since 3.12, before that the one of asyncio.
    mark = getattr(inspect, "markcoroutinefunction", None)
    if mark is not None:
        mark(middleware)
    else:
        middleware._is_coroutine = vars(asyncio.coroutines)["_is_coroutine"]
    return True
