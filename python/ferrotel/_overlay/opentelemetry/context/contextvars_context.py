"""The current context in `contextvars`: right across threads, asyncio tasks and whatever else respects those."""

from __future__ import annotations

from ferrotel import _native
from opentelemetry.context.context import _RuntimeContext

__all__ = ["ContextVarsRuntimeContext"]


class ContextVarsRuntimeContext(_native.RuntimeContextBase, _RuntimeContext):
    """The standard runtime context. Each instance has a `ContextVar` of its own, `_current_context`."""

    _CONTEXT_KEY = "current_context"
