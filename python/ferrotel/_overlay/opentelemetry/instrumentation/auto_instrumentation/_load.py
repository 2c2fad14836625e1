"""Finds the distro, the configurator and the instrumentors by their entry points."""

from __future__ import annotations

from functools import cached_property
from importlib.util import find_spec
from logging import getLogger
from os import environ
from typing import Any, Iterator

from opentelemetry.instrumentation.dependencies import DependencyConflictError, get_dist_dependency_conflicts
from opentelemetry.instrumentation.distro import BaseDistro, DefaultDistro
from opentelemetry.instrumentation.environment_variables import (
    OTEL_PYTHON_CONFIGURATOR,
    OTEL_PYTHON_DISABLED_INSTRUMENTATIONS,
    OTEL_PYTHON_DISTRO,
)
from opentelemetry.instrumentation.version import __version__
from opentelemetry.util._importlib_metadata import Distribution, EntryPoint, distributions, entry_points

_logger = getLogger(__name__)

SKIPPED_INSTRUMENTATIONS_WILDCARD = "*"

# What is built in, and the module without which importing it is in vain. Looking for that takes a fraction of the time.
_LIBRARIES = {
    "opentelemetry.instrumentation.celery:CeleryInstrumentor": "celery",
    "opentelemetry.instrumentation.django:DjangoInstrumentor": "django",
    "opentelemetry.instrumentation.fastapi:FastAPIInstrumentor": "starlette",
    "opentelemetry.instrumentation.flask:FlaskInstrumentor": "flask",
    "opentelemetry.instrumentation.httpx:HTTPXClientInstrumentor": "httpx",
    "opentelemetry.instrumentation.httpx:HTTPX2ClientInstrumentor": "httpx2",
    "opentelemetry.instrumentation.psycopg2:Psycopg2Instrumentor": "psycopg2",
    "opentelemetry.instrumentation.redis:RedisInstrumentor": "redis",
    "opentelemetry.instrumentation.requests:RequestsInstrumentor": "requests",
    "opentelemetry.instrumentation.sqlalchemy:SQLAlchemyInstrumentor": "sqlalchemy",
}


class _EntryPointDistFinder:
    """The distribution of an entry point, which before Python 3.10 does not say it itself."""

    @cached_property
    def _mapping(self) -> dict[str, Distribution]:
        return {self._key_for(entry_point): dist for dist in distributions() for entry_point in dist.entry_points}

    def dist_for(self, entry_point: EntryPoint) -> Any:
        return getattr(entry_point, "dist", None) or self._mapping.get(self._key_for(entry_point))

    @staticmethod
    def _key_for(entry_point: EntryPoint) -> str:
        return f"{entry_point.group}:{entry_point.name}:{entry_point.value}"


def _once_each(group: str) -> Iterator[EntryPoint]:
    """The entry points of a group, each once: a distribution may stand beside one that it replaces."""
    seen = set()
    for entry_point in entry_points(group=group):
        key = (entry_point.name, entry_point.value)
        if key not in seen:
            seen.add(key)
            yield entry_point


def _load_distro() -> BaseDistro:
    """The distro that OTEL_PYTHON_DISTRO names, or the first that there is, or one that sets nothing."""
    wanted = environ.get(OTEL_PYTHON_DISTRO)
    for entry_point in _once_each("opentelemetry_distro"):
        if wanted not in (None, entry_point.name):
            continue
        try:
            distro = entry_point.load()()
        except Exception:
            _logger.exception("Distribution %s configuration failed", entry_point.name)
            raise
        if isinstance(distro, BaseDistro):
            _logger.debug("Distribution %s will be configured", entry_point.name)
            return distro
        _logger.debug("%s is not an OpenTelemetry Distro. Skipping", entry_point.name)
    return DefaultDistro()


def _load_configurators() -> None:
    """Runs the configurator that OTEL_PYTHON_CONFIGURATOR names, or the first that there is."""
    wanted = environ.get(OTEL_PYTHON_CONFIGURATOR)
    configured = None
    for entry_point in _once_each("opentelemetry_configurator"):
        if configured is not None:
            _logger.warning("Configuration of %s not loaded, %s already loaded", entry_point.name, configured)
        elif wanted not in (None, entry_point.name):
            _logger.warning(
                "Configuration of %s not loaded because %s is set by %s",
                entry_point.name,
                wanted,
                OTEL_PYTHON_CONFIGURATOR,
            )
        else:
            try:
                entry_point.load()().configure(auto_instrumentation_version=__version__)
            except Exception:
                _logger.exception("Configuration of %s failed", entry_point.name)
                raise
            configured = entry_point.name


def _load_instrumentors(distro: BaseDistro) -> None:
    """Has the distro instrument each library that is there and not left out, between the hooks before and after."""
    disabled = [name.strip() for name in environ.get(OTEL_PYTHON_DISABLED_INSTRUMENTATIONS, "").split(",")]
    finder = _EntryPointDistFinder()
    for hook in _once_each("opentelemetry_pre_instrument"):
        hook.load()()
    for entry_point in _once_each("opentelemetry_instrumentor"):
        if SKIPPED_INSTRUMENTATIONS_WILDCARD in disabled:
            break
        if entry_point.name in disabled:
            _logger.debug("Instrumentation skipped for library %s", entry_point.name)
        else:
            _load_instrumentor(distro, entry_point, finder)
    for hook in _once_each("opentelemetry_post_instrument"):
        hook.load()()


def _load_instrumentor(distro: BaseDistro, entry_point: EntryPoint, finder: _EntryPointDistFinder) -> None:
    """Instruments one library. One that is not there, or does not fit, is left out; other errors are raised."""
    library = _LIBRARIES.get(entry_point.value)
    if library is not None and not _is_there(library):
        _logger.debug("Skipping instrumentation %s: No module named %r", entry_point.name, library)
        return
    try:
        conflict = get_dist_dependency_conflicts(finder.dist_for(entry_point))
        if conflict:
            conflict._log(_logger, entry_point.name)
            return
        # Checked just now.
        distro.load_instrumentor(entry_point, skip_dep_check=True)
        _logger.debug("Instrumented %s", entry_point.name)
    except DependencyConflictError as error:
        # From a distro or an instrumentor that checks for itself.
        error.conflict._log(_logger, entry_point.name)
    except ModuleNotFoundError as error:
        _logger.debug("Skipping instrumentation %s: %s", entry_point.name, error.msg)
    except ImportError:
        # Typically a binary for another Python or libc: no reason to do without the others.
        _logger.exception("Importing of %s failed, skipping it", entry_point.name)
    except Exception:
        _logger.exception("Instrumenting of %s failed", entry_point.name)
        raise


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        # It is imported, or someone's finder fails: importing it will tell.
        return True
