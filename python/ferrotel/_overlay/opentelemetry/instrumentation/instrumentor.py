"""The base of instrumentors: each makes one library produce telemetry."""

from __future__ import annotations

from abc import ABC, abstractmethod
from logging import getLogger
from typing import Any, Collection

from opentelemetry.instrumentation._semconv import _OpenTelemetrySemanticConventionStability
from opentelemetry.instrumentation.dependencies import (
    DependencyConflict,
    DependencyConflictError,
    get_dependency_conflicts,
)

_LOG = getLogger(__name__)

__all__ = ["BaseInstrumentor"]


class BaseInstrumentor(ABC):
    """Instruments one library, once at a time. Each class has one instance.

    A subclass says which releases of the library it knows and does the work in `_instrument` and `_uninstrument`.
    Called without arguments, `instrument` does what `opentelemetry-instrument` does.
    """

    _instance: BaseInstrumentor | None = None
    _is_instrumented_by_opentelemetry = False

    def __new__(cls, *args: Any, **kwargs: Any) -> BaseInstrumentor:
        # Its own, not one that it inherits: an instrumentor is not the class that it derives from.
        instance: BaseInstrumentor | None = vars(cls).get("_instance")
        if instance is None:
            instance = cls._instance = super().__new__(cls)
        return instance

    @property
    def is_instrumented_by_opentelemetry(self) -> bool:
        """Is the library instrumented now?"""
        return self._is_instrumented_by_opentelemetry

    @abstractmethod
    def instrumentation_dependencies(self) -> Collection[str]:
        """The releases of the library that can be instrumented, as in a requirements file: `["requests ~= 2.0"]`."""

    def _instrument(self, **kwargs: Any) -> Any:  # noqa: B027  not every one has to
        """Instruments the library."""

    @abstractmethod
    def _uninstrument(self, **kwargs: Any) -> Any:
        """Restores the library."""

    def _check_dependency_conflicts(self) -> DependencyConflict | None:
        return get_dependency_conflicts(self.instrumentation_dependencies())

    def instrument(self, **kwargs: Any) -> Any:
        """Instruments the library, and returns what `_instrument` does.

        When it is instrumented already, or its release is not one of those that can be, it says so in the log and
        does nothing. `skip_dep_check=True` leaves that check out; `raise_exception_on_conflict=True` has it raise
        DependencyConflictError. Other arguments go to `_instrument`.
        """
        if self._is_instrumented_by_opentelemetry:
            _LOG.warning("Attempting to instrument while already instrumented")
            return None
        skip_check = kwargs.pop("skip_dep_check", False)
        raise_on_conflict = kwargs.pop("raise_exception_on_conflict", False)
        conflict = None if skip_check else self._check_dependency_conflicts()
        if conflict:
            if raise_on_conflict:
                raise DependencyConflictError(conflict)
            _LOG.error(conflict._format_message(type(self).__name__))
            return None
        _OpenTelemetrySemanticConventionStability._initialize()
        result = self._instrument(**kwargs)
        self._is_instrumented_by_opentelemetry = True
        return result

    def uninstrument(self, **kwargs: Any) -> Any:
        """Restores the library, and returns what `_uninstrument` does. Says so in the log when there is nothing to
        restore."""
        if not self._is_instrumented_by_opentelemetry:
            _LOG.warning("Attempting to uninstrument while already uninstrumented")
            return None
        result = self._uninstrument(**kwargs)
        self._is_instrumented_by_opentelemetry = False
        return result
