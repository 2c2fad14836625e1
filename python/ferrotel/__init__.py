"""OpenTelemetry on an engine written in Rust.

Programs import `opentelemetry` as ever; this package holds what stands behind it, and loads the native module only
when something asks for it.
"""

from __future__ import annotations

import sys

__all__ = ["__version__", "activate"]

#: Type checkers take this name to be true; `typing` itself would be the dearest import here.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from ferrotel._activate import activate

    __version__: str
else:

    def __getattr__(name):
        if name == "_native":
            return _load_native()
        if name == "__version__":
            return _installed_version()
        if name == "activate":
            from ferrotel._activate import activate

            return activate
        raise AttributeError(f"module 'ferrotel' has no attribute {name!r}")


def _installed_version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("ferrotel")
    except PackageNotFoundError:
        # Copied rather than installed: the distribution's metadata stayed behind.
        from ferrotel import _native

        return _native.__version__


def _load_native() -> object:
    try:
        # By its name in full: `from ferrotel import _native` would come here again.
        __import__("ferrotel._native")
        return sys.modules["ferrotel._native"]
    except ImportError as error:
        raise ImportError(
            f"ferrotel's native module cannot be loaded in this interpreter: {error}. "
            "FERROTEL_DISABLED=1 in the environment gives the official OpenTelemetry packages back."
        ) from error
