"""`importlib.metadata` as Python 3.12 has it, on every Python, reading the entry points from disk only once.

It is imported when it is first used: it takes longer than all the rest of what starting to trace imports.
"""

from __future__ import annotations

from functools import lru_cache

from ferrotel._late import TYPE_CHECKING

if TYPE_CHECKING:
    import sys
    from importlib.metadata import Distribution, EntryPoint, PackageNotFoundError, distributions, requires
    from importlib.metadata import entry_points as original_entry_points
    from importlib.metadata import version as _installed_version
    from typing import Any

    if sys.version_info >= (3, 10):
        from importlib.metadata import EntryPoints
    else:
        from ferrotel._entry_points import EntryPoints

__all__ = [
    "Distribution",
    "EntryPoint",
    "EntryPoints",
    "PackageNotFoundError",
    "distributions",
    "entry_points",
    "requires",
    "version",
]


def _load() -> None:
    import importlib.metadata
    import sys

    if sys.version_info >= (3, 10):
        from importlib.metadata import EntryPoints
    else:
        from ferrotel._entry_points import EntryPoints

    names = {name: getattr(importlib.metadata, name) for name in _FROM_THERE}
    names["original_entry_points"] = importlib.metadata.entry_points
    names["_installed_version"] = importlib.metadata.version
    names["EntryPoints"] = EntryPoints
    for name, value in names.items():
        # What somebody replaced stays replaced.
        globals().setdefault(name, value)


_FROM_THERE = ("Distribution", "EntryPoint", "PackageNotFoundError", "distributions", "requires")
_LATE = {*_FROM_THERE, "original_entry_points", "_installed_version", "EntryPoints"}


def __getattr__(name: str) -> Any:
    if name in _LATE:
        _load()
        return globals()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


# The official distributions whose modules are here, and where each one's release is said.
_STANDS_IN_FOR = {
    "opentelemetry-api": "opentelemetry.version",
    "opentelemetry-distro": "opentelemetry.distro.version",
    "opentelemetry-instrumentation": "opentelemetry.instrumentation.version",
    "opentelemetry-sdk": "opentelemetry.version",
    "opentelemetry-util-http": "opentelemetry.util.http.version",
}


def entry_points(**params: Any) -> EntryPoints:
    """The entry points of all distributions, narrowed by `group`, `name` or any other of their attributes."""
    return _original_entry_points_cached().select(**params)


def version(distribution_name: str) -> str:
    """The version of an installed distribution; of an official one that this package stands in for, the release
    that it is compatible with."""
    _load()
    try:
        return _installed_version(distribution_name)
    except PackageNotFoundError:
        module = _STANDS_IN_FOR.get(distribution_name.lower().replace("_", "-"))
        if module is None:
            raise
        from importlib import import_module

        release: str = import_module(module).__version__
        return release


@lru_cache(maxsize=None)
def _original_entry_points_cached() -> EntryPoints:
    _load()
    return _as_entry_points(original_entry_points())


def _as_entry_points(found: Any) -> EntryPoints:
    if isinstance(found, EntryPoints):
        return found
    # Before 3.12 it is a dict of groups; on 3.10 and 3.11 its own `values` warns of deprecation, dict's does not.
    return EntryPoints(entry_point for group in dict.values(found) for entry_point in group)
