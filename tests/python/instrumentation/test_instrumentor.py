"""The base class of instrumentors."""

from __future__ import annotations

from typing import Any, Collection

import pytest

from opentelemetry.instrumentation.dependencies import DependencyConflictError
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor


class Instrumentor(BaseInstrumentor):
    wanted: Collection[str] = ()

    def instrumentation_dependencies(self) -> Collection[str]:
        return self.wanted

    def _instrument(self, **kwargs: Any) -> Any:
        return ("instrumented", kwargs)

    def _uninstrument(self, **kwargs: Any) -> Any:
        return ("uninstrumented", kwargs)


def test_once_at_a_time(caplog: pytest.LogCaptureFixture) -> None:
    instrumentor = Instrumentor()
    assert instrumentor.uninstrument() is None
    assert instrumentor.instrument(skip_dep_check=True, option=1) == ("instrumented", {"option": 1})
    assert instrumentor.is_instrumented_by_opentelemetry
    assert instrumentor.instrument() is None
    assert instrumentor.uninstrument(option=2) == ("uninstrumented", {"option": 2})
    assert not instrumentor.is_instrumented_by_opentelemetry
    assert caplog.messages == [
        "Attempting to uninstrument while already uninstrumented",
        "Attempting to instrument while already instrumented",
    ]


def test_one_instance_for_each_class() -> None:
    class Derived(Instrumentor):
        pass

    assert Instrumentor() is Instrumentor()
    assert Derived() is Derived()
    assert type(Derived()) is Derived


def test_a_conflict_is_logged_or_raised(caplog: pytest.LogCaptureFixture) -> None:
    class ForNothingHere(Instrumentor):
        wanted = ("absent-package",)

    instrumentor = ForNothingHere()
    assert instrumentor.instrument() is None
    assert not instrumentor.is_instrumented_by_opentelemetry
    (message,) = caplog.messages
    assert message.startswith('ForNothingHere only instruments "absent-package", but no installed version was found')
    with pytest.raises(DependencyConflictError, match="absent-package"):
        instrumentor.instrument(raise_exception_on_conflict=True)
    assert instrumentor.instrument(skip_dep_check=True) == ("instrumented", {})
    instrumentor.uninstrument()
