"""The context API: values that travel with the execution, from caller to callee and across processes.

    token = attach(set_value("tenant", "blue"))
    try:
        get_value("tenant")  # "blue", here and in everything called from here
    finally:
        detach(token)

The specification calls this "Context"; a context never changes, `set_value` makes another.
"""

from __future__ import annotations

import os
import sys
from types import ModuleType

from ferrotel import _native
from ferrotel._late import TYPE_CHECKING, getLogger
from opentelemetry.context.context import Context, _RuntimeContext
from opentelemetry.context.contextvars_context import ContextVarsRuntimeContext
from opentelemetry.environment_variables import OTEL_PYTHON_CONTEXT

if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "Context",
    "attach",
    "create_key",
    "detach",
    "get_current",
    "get_value",
    "set_value",
]

logger = getLogger(__name__)

attach = _native.attach
detach = _native.detach
get_current = _native.get_current
get_value = _native.get_value
set_value = _native.set_value


def create_key(keyname: str) -> str:
    """A key that nobody else has. `keyname` is part of it, for whoever debugs."""
    return f"{keyname}-{os.urandom(16).hex()}"


def _load_runtime_context() -> _RuntimeContext:
    """The runtime context that the environment names, and the standard one where that cannot be had."""
    configured = os.environ.get(OTEL_PYTHON_CONTEXT)
    if configured:
        try:
            return _named_runtime_context(configured)
        except Exception:
            logger.exception("Failed to load context: %s, falling back to contextvars_context", configured)
    return ContextVarsRuntimeContext()


def _named_runtime_context(name: str) -> _RuntimeContext:
    # Reading the metadata of all distributions is slow, and hardly any program names a runtime context.
    from opentelemetry.util import _importlib_metadata

    for entry_point in _importlib_metadata.entry_points(group="opentelemetry_context", name=name):
        runtime: _RuntimeContext = entry_point.load()()
        return runtime
    raise LookupError(f"no entry point {name!r} in the group 'opentelemetry_context'")


class _ContextModule(ModuleType):
    """Lets a `_RUNTIME_CONTEXT` that tests or frameworks put in place take effect in the native functions."""

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name == "_RUNTIME_CONTEXT":
            _native.set_runtime_context(value)


_RUNTIME_CONTEXT = _load_runtime_context()
_native.set_runtime_context(_RUNTIME_CONTEXT)
sys.modules[__name__].__class__ = _ContextModule

_ON_EMIT_RECURSION_COUNT_KEY = create_key("on_emit_recursion_count")
_SUPPRESS_INSTRUMENTATION_KEY = create_key("suppress_instrumentation")
_SUPPRESS_HTTP_INSTRUMENTATION_KEY = create_key("suppress_http_instrumentation")
