"""The base of distros: packages that decide how auto-instrumentation is set up."""

from __future__ import annotations

from abc import ABC, abstractmethod
from logging import getLogger
from typing import Any

from opentelemetry.util._importlib_metadata import EntryPoint

_LOG = getLogger(__name__)

__all__ = ["BaseDistro", "DefaultDistro"]


class BaseDistro(ABC):
    """A distro, named by an entry point in the group `opentelemetry_distro`. Each class has one instance."""

    _instance: BaseDistro | None = None

    def __new__(cls, *args: Any, **kwargs: Any) -> BaseDistro:
        # Its own, not one that it inherits: a distro is not the class that it derives from.
        instance: BaseDistro | None = vars(cls).get("_instance")
        if instance is None:
            instance = cls._instance = super().__new__(cls)
        return instance

    @abstractmethod
    def _configure(self, **kwargs: Any) -> None:
        """Does the work: typically sets defaults in the environment."""

    def configure(self, **kwargs: Any) -> None:
        """Sets the distro up. Called before the SDK is configured."""
        self._configure(**kwargs)

    def load_instrumentor(self, entry_point: EntryPoint, **kwargs: Any) -> None:
        """Loads one entry point of the group `opentelemetry_instrumentor` and instruments its library.

        Called for each of them. A distro overrides this to leave one out, to replace it, or to give it more arguments.
        """
        instrumentor = entry_point.load()
        instrumentor().instrument(**kwargs)


class DefaultDistro(BaseDistro):
    """The distro where none is installed: sets nothing."""

    def _configure(self, **kwargs: Any) -> None:
        pass
