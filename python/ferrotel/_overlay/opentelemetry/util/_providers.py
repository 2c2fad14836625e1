"""Providers that the environment names."""

from __future__ import annotations

from os import environ

from ferrotel._late import TYPE_CHECKING, TypeVar, getLogger

if TYPE_CHECKING:
    from typing import Any

    from opentelemetry._logs import LoggerProvider
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

    Provider = TypeVar("Provider", TracerProvider, MeterProvider, LoggerProvider)

logger = getLogger(__name__)

_failed: set[tuple[str, str]] = set()


def _load_provider(provider_environment_variable: str, provider: str) -> Any:
    """An instance of the entry point that the variable names, in the group `opentelemetry_<provider>`.

    Raises whatever finding, importing or making it raises. That is logged once for each name, and not tried again.
    """
    # Reading the metadata of all distributions is slow, and few programs name a provider.
    from opentelemetry.util import _importlib_metadata

    name = environ.get(provider_environment_variable, f"default_{provider}")
    if (provider, name) in _failed:
        raise LookupError(f"the {provider} {name!r} could not be loaded before")
    try:
        for entry_point in _importlib_metadata.entry_points(group=f"opentelemetry_{provider}", name=name):
            return entry_point.load()()
        raise LookupError(f"no entry point {name!r} in the group 'opentelemetry_{provider}'")
    except Exception:
        _failed.add((provider, name))
        logger.exception("Failed to load configured provider %s", provider)
        raise
