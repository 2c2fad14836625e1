"""The provider."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import weakref
from typing import Any

import pytest

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON
from opentelemetry.trace import NoOpTracer


def test_a_scope_has_one_tracer() -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    tracer = provider.get_tracer("a", "1", "s", {"k": "v"})
    assert provider.get_tracer("a", "1", "s", {"k": "v"}) is tracer
    for other in (("b",), ("a", "2"), ("a", "1", "t"), ("a", "1", "s", {"k": "w"})):
        assert provider.get_tracer(*other) is not tracer


def test_a_missing_name_is_said(caplog: pytest.LogCaptureFixture) -> None:
    tracer: Any = TracerProvider(shutdown_on_exit=False).get_tracer("")
    assert "get_tracer called with missing module name." in caplog.text
    assert tracer.start_span("a").instrumentation_scope.name == ""


def test_resource_and_sampler() -> None:
    resource = Resource({"a": 1})
    provider = TracerProvider(sampler=ALWAYS_OFF, resource=resource, shutdown_on_exit=False)
    assert provider.resource is resource and provider._resource is resource
    assert not provider.get_tracer("a").start_span("x").is_recording()
    provider.sampler = ALWAYS_ON
    assert provider.get_tracer("b").start_span("x").is_recording()


def test_disabled_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", " TRUE ")
    assert type(TracerProvider(shutdown_on_exit=False).get_tracer("a")) is NoOpTracer


def test_a_configurator_that_raises_enables(caplog: pytest.LogCaptureFixture) -> None:
    def configure(scope: Any) -> Any:
        raise ValueError("no")

    provider = TracerProvider(shutdown_on_exit=False, _tracer_configurator=configure)
    assert provider.get_tracer("a").start_span("x").is_recording()
    assert "Failed to create a Tracer Config" in caplog.text


class Told(SpanProcessor):
    def __init__(self) -> None:
        self.calls: list[str] = []

    def shutdown(self) -> None:
        self.calls.append("shutdown")

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        self.calls.append("flush")
        return True


def test_flush_and_shutdown_reach_the_processors() -> None:
    provider, told = TracerProvider(), Told()
    provider.add_span_processor(told)
    assert provider.force_flush() is True
    provider.shutdown()
    assert told.calls == ["flush", "shutdown"] and provider._atexit_handler is None
    provider.get_tracer("a").start_span("x").end()


def test_a_provider_without_exit_handler_is_collected() -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.get_tracer("a").start_span("x").end()
    gone = weakref.ref(provider)
    del provider
    gc.collect()
    assert gone() is None


def test_the_exit_shuts_down() -> None:
    program = (
        "from opentelemetry.sdk.trace import SpanProcessor, TracerProvider\n"
        "class P(SpanProcessor):\n"
        "    def shutdown(self): print('shut down')\n"
        "TracerProvider().add_span_processor(P())\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("shut down\n", "")


def test_what_importing_the_sdk_does_not_import() -> None:
    program = (
        "import sys; before = set(sys.modules)\n"
        "import opentelemetry.sdk.trace as t\n"
        "print({'dataclasses', 'inspect', 'concurrent.futures'} & (set(sys.modules) - before))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("set()\n", "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_child_has_a_working_provider() -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    tracer = provider.get_tracer("a")
    live: Any = tracer.start_span("live", attributes={"a": 1})
    parents = {tracer.start_span("x").get_span_context().span_id for _ in range(10)}
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            live.set_attribute("b", 2)
            live.end()
            made: Any = provider.get_tracer("b").start_span("y", context=trace.set_span_in_context(live))
            os.write(
                writing, f"{sorted(live.attributes)} {made.parent == live.context} {made.context.span_id}".encode()
            )
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    told = os.read(reading, 1000).decode()
    os.close(reading)
    os.close(writing)
    attributes, same, span_id = told.rsplit(" ", 2)
    assert attributes == "['a', 'b']" and same == "True" and int(span_id) not in parents
    assert live.is_recording() and "b" not in live.attributes
